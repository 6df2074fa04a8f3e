/* A broker put together and taken apart.
 *
 * Start: configuration, metadata store, log manager (which locks the directories and
 * recovers), registry of topics, then the server; the first request finds everything
 * in place. Stop runs the other way; the log manager writes its marker of a clean
 * stop last. */
#include "kq/broker.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "broker/admin_queue.h"
#include "broker/broker.h"
#include "broker/config.h"
#include "broker/config_value.h"
#include "broker/fetch_session.h"
#include "broker/metrics.h"
#include "broker/metrics_http.h"
#include "broker/purgatory.h"
#include "broker/request.h"
#include "broker/topic_config.h"
#include "broker/topic_ops.h"
#include "broker/topics.h"
#include "log/log_manager.h"
#include "net/timers.h"

static const char STORE_NAME[] = "kq-metadata.json";
enum {
	SESSION_EVICT_MS = 120000,
	STOP_GRACE_MS = 5000,
	PIPELINED_MAX = 64,
	QUEUED_BYTES_MIN = 256 << 20, /* all requests together, unless configured */
};

struct serving {
	struct kq_broker b; /* first: handlers get this */
	struct kq_listener listeners[KQ_LISTENERS_MAX];
	const char *hosts[KQ_LISTENERS_MAX];
	int ports[KQ_LISTENERS_MAX];
	char addresses[KQ_LISTENERS_MAX][270];
	struct kq_metrics_http *metrics_http;
};

static struct serving *serving_of(const struct kq_broker *b)
{
	return (struct serving *)(uintptr_t)b;
}

/* ---- start ----------------------------------------------------------------------- */

static int open_store(struct kq_broker *b, const char *dir, struct kq_error *e)
{
	char path[PATH_MAX];
	if (snprintf(path, sizeof path, "%s/%s", dir, STORE_NAME) >= (int)sizeof path)
		return kq_error_set(e, KQ_EINVAL, "log.dirs: the path is too long");
	return kq_meta_store_open_embedded(&b->store, path, e);
}

/* Lays the stored dynamic configs of one layer over the static ones. */
static void load_dynamic(struct kq_broker *b, int32_t id, enum kq_config_source source)
{
	struct kq_config_list l;
	kq_meta_store_broker_configs(b->store, id, &l);
	kq_broker_config_set_dynamic(b->config, source, &l);
	kq_config_list_deinit(&l);
}

/* Asked by the log manager's loading threads. */
static void topic_config(void *arg, const char *topic, struct kq_log_config *out)
{
	struct kq_broker *b = arg;
	struct kq_config_list own = { 0 };
	const struct kq_str name = { topic, (int32_t)strlen(topic) };
	kq_meta_store_topic_configs(b->store, name, &own);
	kq_topic_config_resolve(b->config, &own, out);
	kq_config_list_deinit(&own);
}

static int open_logs(struct kq_broker *b, char **dirs, int dir_count, struct kq_error *e)
{
	const struct kq_broker_config *c = b->config;
	struct kq_log_manager_options o = {
		.dirs = (const char *const *)dirs,
		.dir_count = dir_count,
		.broker_id = kq_broker_config_broker_id(c),
		.flush_policy = !strcmp(kq_broker_config_str(c, "flush.policy"), "os")
					? KQ_FLUSH_OS : KQ_FLUSH_SYNC,
		.recovery_threads =
			(int)kq_broker_config_int(c, "num.recovery.threads.per.data.dir"),
		.topic_config = topic_config,
		.arg = b,
		.checkpoint_interval_ms =
			kq_broker_config_int(c, "log.flush.offset.checkpoint.interval.ms"),
		.retention_check_ms = kq_broker_config_int(c, "log.retention.check.interval.ms"),
	};
	kq_topic_config_resolve(c, NULL, &o.defaults);
	int rc = kq_log_manager_open(&b->logs, &o, e);
	if (rc)
		return rc;
	b->id = kq_log_manager_broker_id(b->logs);
	snprintf(b->cluster_id, sizeof b->cluster_id, "%s", kq_log_manager_cluster_id(b->logs));
	kq_broker_config_set_id(b->config, b->id);
	return 0;
}

static int open_data(struct kq_broker *b, struct kq_error *e)
{
	int n;
	char **dirs = kq_broker_config_log_dirs(b->config, &n);
	int rc = open_store(b, dirs[0], e);
	if (!rc) {
		load_dynamic(b, -1, KQ_SOURCE_DYNAMIC_DEFAULT);
		if (kq_broker_config_broker_id(b->config) >= 0)
			load_dynamic(b, kq_broker_config_broker_id(b->config),
				     KQ_SOURCE_DYNAMIC_BROKER);
		rc = open_logs(b, dirs, n, e);
	}
	if (!rc)
		load_dynamic(b, b->id, KQ_SOURCE_DYNAMIC_BROKER);
	free(dirs);
	return rc;
}

static void make_parts(struct kq_broker *b)
{
	b->timers = kq_timers_new();
	b->purgatory = kq_purgatory_new(b->timers);
	b->topics = kq_topics_new();
	b->sessions = kq_fetch_sessions_new(
		(int)kq_broker_config_int(b->config, "max.incremental.fetch.session.cache.slots"),
		SESSION_EVICT_MS);
	b->metrics = kq_broker_metrics_new();
	b->admin = kq_admin_queue_new();
}

/* Threads of the server: as configured, else (0) one per core. */
static int network_threads(const struct kq_broker_config *c)
{
	if (kq_broker_config_source(c, "num.network.threads") == KQ_SOURCE_DEFAULT)
		return 0;
	return (int)kq_broker_config_int(c, "num.network.threads");
}

static int64_t queued_bytes(const struct kq_broker_config *c)
{
	int64_t v = kq_broker_config_int(c, "queued.max.request.bytes");
	int64_t frame = kq_broker_config_int(c, "socket.request.max.bytes");
	if (v > 0)
		return v > frame ? v : frame;
	return 2 * frame > QUEUED_BYTES_MIN ? 2 * frame : QUEUED_BYTES_MIN;
}

static int start_server(struct serving *s, struct kq_error *e)
{
	const struct kq_broker_config *c = s->b.config;
	struct kq_listen listen[KQ_LISTENERS_MAX];
	for (int i = 0; i < s->b.listener_count; i++)
		listen[i] = (struct kq_listen){ s->listeners[i].name, s->listeners[i].host,
						s->listeners[i].port };
	struct kq_server_options o = {
		.listeners = listen,
		.listener_count = s->b.listener_count,
		.threads = network_threads(c),
		.frame_bytes_max = kq_broker_config_int(c, "socket.request.max.bytes"),
		.queued_bytes_max = queued_bytes(c),
		.connections_max = (int)kq_broker_config_int(c, "max.connections"),
		.connections_per_ip_max = (int)kq_broker_config_int(c, "max.connections.per.ip"),
		.idle_ms_max = kq_broker_config_int(c, "connections.max.idle.ms"),
		.send_buffer = (int)kq_broker_config_int(c, "socket.send.buffer.bytes"),
		.receive_buffer = (int)kq_broker_config_int(c, "socket.receive.buffer.bytes"),
		.max_pipelined = PIPELINED_MAX,
		.handler = kq_dispatch_handler(&s->b),
	};
	return kq_server_start(&s->b.server, &o, e);
}

/* What clients and the operator are told of the listeners, once ports are bound. */
static void set_addresses(struct serving *s)
{
	for (int i = 0; i < s->b.listener_count; i++) {
		const struct kq_listener *l = &s->listeners[i];
		int port = kq_server_port(s->b.server, i);
		if (!l->advertised_port)
			s->ports[i] = port;
		bool v6 = strchr(l->host, ':') != NULL;
		snprintf(s->addresses[i], sizeof s->addresses[i], v6 ? "[%s]:%d" : "%s:%d",
			 *l->host ? l->host : "0.0.0.0", port);
		kq_info_log("broker", "listening on %s (%s)", s->addresses[i], l->name);
	}
}

static int prepare_listeners(struct serving *s, struct kq_error *e)
{
	int n = kq_broker_config_listeners(s->b.config, s->listeners, e);
	if (n < 0)
		return n;
	for (int i = 0; i < n; i++) {
		s->hosts[i] = s->listeners[i].advertised_host;
		s->ports[i] = s->listeners[i].advertised_port;
	}
	s->b.listener_count = n;
	s->b.advertised_host = s->hosts;
	s->b.advertised_port = s->ports;
	return 0;
}

int kq_broker_start(struct kq_broker **out, struct kq_broker_config *c, struct kq_error *e)
{
	struct serving *s = kq_calloc(1, sizeof *s);
	s->b.config = c;
	int rc = kq_broker_config_check(c, e);
	if (!rc)
		rc = prepare_listeners(s, e);
	if (!rc)
		rc = open_data(&s->b, e);
	if (!rc) {
		make_parts(&s->b);
		rc = kq_topic_ops_load(&s->b, e);
	}
	if (!rc)
		rc = start_server(s, e);
	if (!rc) {
		set_addresses(s);
		rc = kq_metrics_http_start(&s->metrics_http, &s->b,
					   kq_broker_config_str(c, "metrics.listener"), e);
	}
	if (rc) {
		kq_broker_stop(&s->b);
		return rc;
	}
	kq_info_log("broker", "broker %d of cluster %s serves %lld partitions", (int)s->b.id,
		    s->b.cluster_id, (long long)kq_topics_partition_count(s->b.topics));
	*out = &s->b;
	return 0;
}

/* ---- while it runs ------------------------------------------------------------------ */

const char *kq_broker_address(const struct kq_broker *b, int i)
{
	return i >= 0 && i < b->listener_count ? serving_of(b)->addresses[i] : NULL;
}

static void configure_all(void *arg)
{
	kq_topic_ops_configure_all(arg);
}

/* Compares the file anew with the values in force. What may change while running is
 * taken over, the rest is named. */
int kq_broker_reload(struct kq_broker *b, const char *config_path, struct kq_error *e)
{
	struct kq_broker_config *fresh = kq_broker_config_new();
	int rc = kq_broker_config_load(fresh, config_path, e);
	for (int i = 0; !rc && i < kq_broker_keys_n; i++) {
		const struct kq_config_key *k = &kq_broker_keys[i];
		char *value = kq_broker_config_dup_from(fresh, k->name, KQ_SOURCE_STATIC);
		char *old = kq_broker_config_dup_from(b->config, k->name, KQ_SOURCE_STATIC);
		if (value && (!old || strcmp(value, old))) {
			if (k->scope == KQ_SCOPE_CLUSTER)
				rc = kq_broker_config_set(b->config, k->name, value, "reload", e);
			else
				kq_warn_log("broker", "%s changed in the file; it takes effect "
					    "with the next start", k->name);
		}
		free(value);
		free(old);
	}
	kq_broker_config_free(fresh);
	kq_admin_queue_post(b->admin, configure_all, b);
	return rc;
}

/* ---- stop ---------------------------------------------------------------------------- */

void kq_broker_stop(struct kq_broker *b)
{
	if (!b)
		return;
	struct serving *s = serving_of(b);
	kq_metrics_http_stop(s->metrics_http);
	if (b->server)
		kq_server_stop(b->server, STOP_GRACE_MS);
	kq_admin_queue_free(b->admin);
	kq_topics_free(b->topics);
	if (b->purgatory)
		kq_purgatory_free(b->purgatory);
	if (b->timers)
		kq_timers_free(b->timers);
	if (b->sessions)
		kq_fetch_sessions_free(b->sessions);
	if (b->logs)
		kq_log_manager_close(b->logs);
	kq_meta_store_close(b->store);
	kq_broker_metrics_free(b->metrics);
	free(s);
}
