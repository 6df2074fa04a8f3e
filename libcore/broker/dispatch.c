/* From a frame to its handler: header, row of the table, body, call.
 *
 * What cannot be understood closes the connection, as Kafka does; the answers to
 * earlier requests still go out. ApiVersions alone is answered at any version. */
#include "broker/dispatch.h"

#include "base/log.h"
#include "broker/api_versions.h"
#include "broker/metrics.h"
#include "broker/purgatory.h"
#include "broker/request_memory.h"

/* In order of key. Older CreateTopics, DeleteTopics and others are not built, so they
 * are not listed; FindCoordinator is (librdkafka's lz4 hangs on it) and says truly
 * that there is no coordinator. */
static const struct kq_dispatch table[] = {
	{ KQ_API_PRODUCE, 0, 11, 3, kq_handle_produce, kq_refuse_produce },
	{ KQ_API_FETCH, 0, 17, 4, kq_handle_fetch, kq_refuse_fetch },
	{ KQ_API_LIST_OFFSETS, 1, 9, 1, kq_handle_list_offsets, NULL },
	{ KQ_API_METADATA, 0, 12, 0, kq_handle_metadata, NULL },
	{ KQ_API_FIND_COORDINATOR, 0, 6, 0, kq_handle_find_coordinator, NULL },
	{ KQ_API_API_VERSIONS, 0, 4, 0, kq_handle_api_versions, NULL },
	{ KQ_API_CREATE_TOPICS, 2, 7, 2, kq_handle_create_topics, NULL },
	{ KQ_API_DELETE_TOPICS, 1, 6, 1, kq_handle_delete_topics, NULL },
	{ KQ_API_DELETE_RECORDS, 0, 2, 0, kq_handle_delete_records, NULL },
	{ KQ_API_INIT_PRODUCER_ID, 0, 5, 0, kq_handle_init_producer_id, NULL },
	{ KQ_API_OFFSET_FOR_LEADER_EPOCH, 2, 4, 2, kq_handle_offset_for_leader_epoch, NULL },
	{ KQ_API_DESCRIBE_CONFIGS, 1, 4, 1, kq_handle_describe_configs, NULL },
	{ KQ_API_ALTER_CONFIGS, 0, 2, 0, kq_handle_alter_configs, NULL },
	{ KQ_API_DESCRIBE_LOG_DIRS, 1, 4, 1, kq_handle_describe_log_dirs, NULL },
	{ KQ_API_CREATE_PARTITIONS, 0, 3, 0, kq_handle_create_partitions, NULL },
	{ KQ_API_INCREMENTAL_ALTER_CONFIGS, 0, 1, 0, kq_handle_incremental_alter_configs, NULL },
	{ KQ_API_DESCRIBE_CLUSTER, 0, 1, 0, kq_handle_describe_cluster, NULL },
	{ KQ_API_DESCRIBE_PRODUCERS, 0, 0, 0, kq_handle_describe_producers, NULL },
	{ KQ_API_DESCRIBE_TOPIC_PARTITIONS, 0, 0, 0, kq_handle_describe_topic_partitions, NULL },
};
enum { ROWS = sizeof table / sizeof *table };

const struct kq_dispatch *kq_dispatch_at(int i)
{
	return i >= 0 && i < ROWS ? &table[i] : NULL;
}

const struct kq_dispatch *kq_dispatch_find(int key)
{
	for (int i = 0; i < ROWS && table[i].key <= key; i++)
		if (table[i].key == key)
			return &table[i];
	return NULL;
}

static void refuse(struct kq_request *req, const char *why)
{
	kq_info_log("broker", "%s: closed, %s (api key %d, version %d)",
		    kq_conn_peer(req->x->conn), why, req->head.api_key, req->head.api_version);
	if (req->broker->metrics)
		kq_metrics_add(&req->broker->metrics->requests_refused, 1);
	kq_request_close(req);
}

/* What `kq-broker -v -v` shows of each request: who asked what, at which version. */
static void tell(const struct kq_request *req)
{
	const struct kq_str *id = &req->head.client_id;
	kq_debug_log("broker", "%s: %s v%d #%d from '%.*s'", kq_conn_peer(req->x->conn),
		     req->api->name, req->head.api_version, (int)req->head.correlation_id,
		     id->p && id->len > 0 ? (int)id->len : 0, id->p ? id->p : "");
}

static bool is_listed(const struct kq_dispatch *d, int version)
{
	return d && version >= d->min && version <= d->max;
}

void kq_dispatch_request(void *broker, struct kq_exchange *x)
{
	struct kq_request *req = kq_request_new(broker, x);
	struct kq_reader r;
	kq_reader_init(&r, x->frame, x->frame_len);
	req->head = (struct kq_request_head){ .api_key = -1, .api_version = -1 };
	int rc = kq_api_read_request_head(&r, &req->head);
	if (rc && rc != KQ_EUNSUPPORTED) {
		refuse(req, "no request header");
		return;
	}
	const struct kq_dispatch *d = kq_dispatch_find(req->head.api_key);
	req->api = kq_api_find(req->head.api_key);
	if (d && d->key == KQ_API_API_VERSIONS && !is_listed(d, req->head.api_version)) {
		kq_api_versions_refuse(req);
		return;
	}
	if (rc || !req->api || !is_listed(d, req->head.api_version)) {
		refuse(req, "unknown api or version");
		return;
	}
	req->body = kq_wire_array(req->api->request, &req->arena, 1);
	rc = req->body ? kq_wire_decode(req->api->request, req->head.api_version, &r, &req->arena,
					req->body)
		       : KQ_ENOMEM;
	if (rc) {
		refuse(req, "a request that does not decode");
		return;
	}
	tell(req);
	if (req->head.api_version >= d->served)
		d->handle(req);
	else if (d->refuse)
		d->refuse(req);
	else
		refuse(req, "a version that is not served");
}

static void on_stopping(void *broker)
{
	struct kq_broker *b = broker;
	kq_purgatory_drain(b->purgatory);
}

struct kq_server_handler kq_dispatch_handler(struct kq_broker *b)
{
	return (struct kq_server_handler){ .request = kq_dispatch_request,
					   .stopping = on_stopping, .arg = b };
}
