/* Agreeing on versions: ApiVersions at our newest; a broker that lacks it answers
 * error 35 in the layout of version 0 and says what it has, and is asked again. */
#include "base/log.h"
#include "rpc/conn.h"
#include "wire/messages.h"

enum {
	UNSUPPORTED_VERSION = 35,
	ARENA_MAX = 1 << 20,
};

static void take_versions(struct kq_rpc_conn *c, const struct kq_api_versions_response *r)
{
	for (int i = 0; i < KQ_RPC_KEYS_MAX; i++) {
		c->versions[i].min = 0;
		c->versions[i].max = -1;
	}
	for (int32_t i = 0; i < r->api_keys_n; i++) {
		int key = r->api_keys[i].api_key;
		if (key < 0 || key >= KQ_RPC_KEYS_MAX)
			continue;
		c->versions[key].min = r->api_keys[i].min_version;
		c->versions[key].max = r->api_keys[i].max_version;
	}
}

/* The version to come back with, or -1. */
static int lower_version(const struct kq_rpc_conn *c, const struct kq_api_versions_response *r)
{
	int v = 0;
	for (int32_t i = 0; i < r->api_keys_n; i++)
		if (r->api_keys[i].api_key == KQ_API_API_VERSIONS)
			v = r->api_keys[i].max_version;
	if (v >= c->handshake_version)
		v = c->handshake_version - 1;
	return v;
}

static void answered(void *arg, int err, struct kq_rpc_reply *reply)
{
	struct kq_rpc_conn *c = arg;
	struct kq_api_versions_response r;
	struct kq_arena a;
	if (err)
		return; /* the connection failed and says so itself */
	kq_arena_init(&a, ARENA_MAX);
	struct kq_reader peek = reply->body;
	int error = kq_read_i16(&peek);
	if (error == UNSUPPORTED_VERSION)
		reply->version = 0;
	int rc = kq_rpc_reply_decode(reply, &a, &r);
	if (rc)
		kq_conn_fail(c, KQ_EPROTO, "its list of versions makes no sense");
	else if (error == UNSUPPORTED_VERSION && lower_version(c, &r) >= 0)
		kq_conn_handshake(c, lower_version(c, &r));
	else if (error)
		kq_conn_fail(c, KQ_EPROTO, "refuses to say its versions (error %d)", error);
	else {
		take_versions(c, &r);
		kq_conn_ready(c);
	}
	kq_arena_deinit(&a);
}

void kq_conn_handshake(struct kq_rpc_conn *c, int version)
{
	const struct kq_api *api = kq_api_find(KQ_API_API_VERSIONS);
	struct kq_api_versions_request rq;
	kq_wire_init(api->request, &rq);
	rq.client_software_name = KQ_STR("kq");
	rq.client_software_version = KQ_STR(KQ_VERSION);
	c->handshaking = true;
	c->handshake_version = version < 0 ? kq_schema_max_version(api->request) : version;
	struct kq_rpc_request r = { .api_key = KQ_API_API_VERSIONS, .version = c->handshake_version,
				    .body = &rq, .done = answered, .arg = c };
	int rc = kq_conn_queue(c, &r);
	if (rc)
		kq_conn_fail(c, rc, "cannot say which versions there are");
}
