/* One client: bootstrap list, connections by broker id, metadata on demand.
 *
 * Addresses come from two places, the bootstrap list and the last metadata. "Any
 * broker" is a ready one of these, else they are tried in turn, each connection
 * with its own back-off in rpc/. */
#include "client/client.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"

enum {
	CALL_ARENA_MAX = 64 << 20,
	HOPELESS = 3, /* failures of every bootstrap address after which waiting ends */
	METADATA_MIN = 1,
};

struct address {
	char *host;
	int port;
};

struct kq_client_private {
	char *client_id;
	struct address *boot;
	int boot_n, any_at;
	char **watched;
	int watched_n;
	bool create;
	bool want, asking;
	int64_t age_ms, backoff_ms;
	int64_t not_before_ms;   /* the next metadata request */
	uint64_t generation;
};

/* ---- bootstrap ------------------------------------------------------------- */

/* HOST:PORT, [V6]:PORT, HOST; an optional PROTOCOL:// in front. */
static int parse_address(const char *p, size_t n, struct address *a, struct kq_error *e)
{
	const char *sep = memmem(p, n, "://", 3);
	const char *host = sep ? sep + 3 : p, *end = p + n, *colon = NULL, *host_end = end;
	if (host < end && *host == '[') {
		host_end = memchr(host, ']', (size_t)(end - host));
		if (!host_end)
			return kq_error_set(e, KQ_EINVAL, "'%.*s' is not HOST:PORT", (int)n, p);
		if (host_end + 1 < end && host_end[1] == ':')
			colon = host_end + 1;
		host++;
	} else {
		colon = memrchr(host, ':', (size_t)(end - host));
		if (colon)
			host_end = colon;
	}
	long port = 9092;
	if (colon) {
		char digits[8] = "", *rest;
		size_t len = (size_t)(end - colon - 1);
		memcpy(digits, colon + 1, len < 7 ? len : 7);
		port = strtol(digits, &rest, 10);
		if (!len || *rest || port < 1 || port > 65535)
			return kq_error_set(e, KQ_EINVAL, "'%.*s' has no port between 1 and 65535",
					    (int)n, p);
	}
	if (host_end == host)
		return kq_error_set(e, KQ_EINVAL, "'%.*s' is not HOST:PORT", (int)n, p);
	a->host = kq_strndup(host, (size_t)(host_end - host));
	a->port = (int)port;
	return 0;
}

static int parse_bootstrap(struct kq_client_private *v, const char *list, struct kq_error *e)
{
	for (const char *p = list; *p;) {
		p += strspn(p, ", \t");
		size_t n = strcspn(p, ", \t");
		if (!n)
			continue;
		v->boot = kq_realloc(v->boot, (size_t)(v->boot_n + 1) * sizeof(*v->boot));
		int rc = parse_address(p, n, &v->boot[v->boot_n], e);
		if (rc)
			return rc;
		v->boot_n++;
		p += n;
	}
	return v->boot_n ? 0 : kq_error_set(e, KQ_EINVAL, "no broker is named to begin with");
}

int kq_client_init(struct kq_client *c, const struct kq_client_config *cfg, struct kq_error *e)
{
	*c = (struct kq_client){ .priv = kq_calloc(1, sizeof(*c->priv)) };
	struct kq_client_private *v = c->priv;
	kq_metadata_init(&c->meta);
	int rc = parse_bootstrap(v, kq_client_config_get(cfg, "bootstrap.servers"), e);
	const char *protocol = kq_client_config_get(cfg, "security.protocol");
	if (!rc && strcasecmp(protocol, "PLAINTEXT"))
		rc = kq_error_set(e, KQ_EUNSUPPORTED,
				  "security.protocol=%s is not there yet; only PLAINTEXT is", protocol);
	if (rc) {
		kq_client_deinit(c);
		return rc;
	}
	v->client_id = kq_strdup(kq_client_config_get(cfg, "client.id"));
	v->age_ms = kq_client_config_int(cfg, "metadata.max.age.ms");
	v->backoff_ms = kq_client_config_int(cfg, "retry.backoff.ms");
	struct kq_rpc_config rc_cfg = KQ_RPC_CONFIG_DEFAULT;
	rc_cfg.client_id = v->client_id;
	rc_cfg.connect_timeout_ms = (int)kq_client_config_int(cfg, "socket.connection.setup.timeout.ms");
	rc_cfg.request_timeout_ms = (int)kq_client_config_int(cfg, "request.timeout.ms");
	rc_cfg.backoff_ms = (int)kq_client_config_int(cfg, "reconnect.backoff.ms");
	rc_cfg.backoff_max_ms = (int)kq_client_config_int(cfg, "reconnect.backoff.max.ms");
	rc_cfg.in_flight_max = (int)kq_client_config_int(cfg, "max.in.flight.requests.per.connection");
	rc_cfg.send_buffer = (int)kq_client_config_int(cfg, "send.buffer.bytes");
	rc_cfg.receive_buffer = (int)kq_client_config_int(cfg, "receive.buffer.bytes");
	c->rpc = kq_rpc_new(&rc_cfg);
	return 0;
}

void kq_client_deinit(struct kq_client *c)
{
	struct kq_client_private *v = c->priv;
	kq_rpc_free(c->rpc);
	kq_metadata_deinit(&c->meta);
	if (v) {
		for (int i = 0; i < v->boot_n; i++)
			free(v->boot[i].host);
		for (int i = 0; i < v->watched_n; i++)
			free(v->watched[i]);
		free(v->watched);
		free(v->boot);
		free(v->client_id);
	}
	free(v);
	*c = (struct kq_client){ 0 };
}

/* ---- connections -------------------------------------------------------------- */

/* Address i of all that are known: the bootstrap list, then the brokers. */
static bool address_at(const struct kq_client *c, int i, const char **host, int *port)
{
	const struct kq_client_private *v = c->priv;
	if (i < v->boot_n) {
		*host = v->boot[i].host;
		*port = v->boot[i].port;
		return true;
	}
	i -= v->boot_n;
	if (i >= c->meta.broker_n)
		return false;
	*host = c->meta.brokers[i].host;
	*port = c->meta.brokers[i].port;
	return true;
}

static struct kq_rpc_conn *any_conn(struct kq_client *c)
{
	struct kq_client_private *v = c->priv;
	struct kq_rpc_conn *conn = NULL;
	const char *host = "";
	int port = 0;
	for (int i = 0; address_at(c, i, &host, &port); i++) {
		conn = kq_rpc_find(c->rpc, host, port);
		if (conn && kq_rpc_conn_state(conn) == KQ_RPC_READY)
			return conn;
	}
	if (!address_at(c, v->any_at, &host, &port)) {
		v->any_at = 0;
		address_at(c, 0, &host, &port);
	}
	conn = kq_rpc_find(c->rpc, host, port);
	if (conn && kq_rpc_conn_state(conn) == KQ_RPC_IDLE && kq_rpc_conn_failures(conn)) {
		v->any_at++;
		if (!address_at(c, v->any_at, &host, &port)) {
			v->any_at = 0;
			address_at(c, 0, &host, &port);
		}
	}
	return kq_rpc_connect(c->rpc, host, port);
}

struct kq_rpc_conn *kq_client_conn(struct kq_client *c, int32_t node)
{
	if (node == KQ_NODE_CONTROLLER)
		node = c->meta.controller >= 0 ? c->meta.controller : KQ_NODE_ANY;
	if (node == KQ_NODE_ANY)
		return any_conn(c);
	const struct kq_meta_broker *b = kq_metadata_broker(&c->meta, node);
	return b ? kq_rpc_connect(c->rpc, b->host, b->port) : NULL;
}

static bool boot_was_ready(struct kq_client *c, const char **name)
{
	for (int i = 0; i < c->priv->boot_n; i++) {
		struct kq_rpc_conn *conn = kq_rpc_find(c->rpc, c->priv->boot[i].host, c->priv->boot[i].port);
		if (conn && kq_rpc_conn_state(conn) == KQ_RPC_READY) {
			*name = kq_rpc_conn_name(conn);
			return true;
		}
	}
	return false;
}

bool kq_client_trouble(struct kq_client *c, struct kq_error *e)
{
	const char *host, *through;
	int port;
	for (int32_t i = 0; i < c->meta.broker_n; i++) {
		struct kq_meta_broker *b = &c->meta.brokers[i];
		struct kq_rpc_conn *conn = kq_rpc_find(c->rpc, b->host, b->port);
		if (!conn || kq_rpc_conn_state(conn) == KQ_RPC_READY || !kq_rpc_conn_failures(conn))
			continue;
		if (boot_was_ready(c, &through))
			kq_error_set(e, KQ_ECONN,
				     "broker %d calls itself %s, which cannot be reached (%s), though %s "
				     "can; check its advertised.listeners", (int)b->id,
				     kq_rpc_conn_name(conn), kq_rpc_conn_error(conn)->text, through);
		else
			kq_error_set(e, KQ_ECONN, "%s", kq_rpc_conn_error(conn)->text);
		return true;
	}
	struct kq_error all = { 0 };
	for (int i = 0; address_at(c, i, &host, &port); i++) {
		struct kq_rpc_conn *conn = kq_rpc_find(c->rpc, host, port);
		if (conn && kq_rpc_conn_state(conn) == KQ_RPC_READY)
			return false;
		if (conn && kq_rpc_conn_error(conn)->code && i < c->priv->boot_n) {
			struct kq_error before = all;
			kq_error_set(&all, KQ_ECONN, "%.250s%s%.250s", before.text,
				     before.code ? "; " : "", kq_rpc_conn_error(conn)->text);
		}
	}
	kq_error_set(e, KQ_ECONN, "%s", all.text[0] ? all.text : "no broker has answered yet");
	return true;
}

bool kq_client_hopeless(struct kq_client *c)
{
	for (int i = 0; i < c->priv->boot_n; i++) {
		struct kq_rpc_conn *conn = kq_rpc_find(c->rpc, c->priv->boot[i].host, c->priv->boot[i].port);
		if (!conn || kq_rpc_conn_failures(conn) < HOPELESS)
			return false;
	}
	return true;
}

int kq_client_connect(struct kq_client *c, int32_t node, int timeout_ms, struct kq_error *e)
{
	int64_t deadline = kq_clock_mono_ms() + timeout_ms;
	for (;;) {
		struct kq_rpc_conn *conn = kq_client_conn(c, node);
		if (!conn)
			return kq_error_set(e, KQ_ENOTFOUND, "there is no broker %d", (int)node);
		if (kq_rpc_conn_state(conn) == KQ_RPC_READY)
			return 0;
		bool none = node == KQ_NODE_ANY ? kq_client_hopeless(c) : kq_rpc_conn_failures(conn) >= HOPELESS;
		if (none || kq_clock_mono_ms() >= deadline) {
			kq_client_trouble(c, e);
			return KQ_ECONN;
		}
		kq_rpc_poll(c->rpc, deadline);
	}
}

/* ---- one call ----------------------------------------------------------------- */

struct call {
	struct kq_arena *a;
	void *response;
	bool done;
	int err, version;
};

/* The reply's bytes move into the arena, because its strings point into them. */
static void call_done(void *arg, int err, struct kq_rpc_reply *reply)
{
	struct call *call = arg;
	call->done = true;
	call->err = err;
	if (err)
		return;
	size_t n = kq_reader_left(&reply->body);
	uint8_t *copy = kq_arena_alloc(call->a, n ? n : 1);
	if (!copy) {
		call->err = KQ_ENOMEM;
		return;
	}
	memcpy(copy, reply->body.p, n);
	kq_reader_init(&reply->body, copy, n);
	call->err = kq_rpc_reply_decode(reply, call->a, call->response);
}

int kq_client_version(struct kq_client *c, int32_t node, int api_key, int min, int max)
{
	struct kq_rpc_conn *conn = kq_client_conn(c, node);
	return conn ? kq_rpc_conn_version(conn, api_key, min, max) : KQ_ENOTFOUND;
}

int kq_client_call(struct kq_client *c, int32_t node, int api_key, int min, int max,
		   const void *request, struct kq_arena *a, void *response, int *version,
		   int timeout_ms, struct kq_error *e)
{
	int64_t deadline = kq_clock_mono_ms() + timeout_ms;
	int rc = kq_client_connect(c, node, timeout_ms, e);
	if (rc)
		return rc;
	struct kq_rpc_conn *conn = kq_client_conn(c, node);
	int v = kq_rpc_conn_version(conn, api_key, min, max);
	if (v < 0)
		return kq_error_set(e, KQ_EUNSUPPORTED, "%s does not offer %s in a version known here",
				    kq_rpc_conn_name(conn), kq_api_find(api_key)->name);
	if (version)
		*version = v;
	struct call call = { .a = a, .response = response, .version = v };
	struct kq_rpc_request rq = { .api_key = api_key, .version = v, .body = request,
				     .timeout_ms = timeout_ms > 0 ? timeout_ms : 1,
				     .done = call_done, .arg = &call };
	while ((rc = kq_rpc_send(conn, &rq)) == KQ_EAGAIN && kq_clock_mono_ms() < deadline &&
	       kq_rpc_conn_state(conn) == KQ_RPC_READY)
		kq_rpc_poll(c->rpc, deadline);
	if (rc)
		return kq_error_set(e, rc, "%s: cannot send %s: %s", kq_rpc_conn_name(conn),
				    kq_api_find(api_key)->name, kq_strerror(rc));
	while (!call.done) /* done comes for sure: an answer, or the request's time-out */
		kq_rpc_poll(c->rpc, deadline + 1000);
	if (call.err)
		return kq_error_set(e, call.err, "%s: %s: %s", kq_rpc_conn_name(conn),
				    kq_api_find(api_key)->name, kq_strerror(call.err));
	return 0;
}

/* ---- metadata ------------------------------------------------------------------ */

static void metadata_request(struct kq_metadata_request *rq,
			     struct kq_metadata_request_metadata_request_topic *topics,
			     const char *const *names, int n, bool create)
{
	kq_wire_init(kq_api_find(KQ_API_METADATA)->request, rq);
	rq->topics = topics;
	rq->topics_n = names ? n : -1;
	rq->allow_auto_topic_creation = create;
	for (int i = 0; names && i < n; i++) {
		memset(&topics[i], 0, sizeof(topics[i]));
		topics[i].name = (struct kq_str){ names[i], (int32_t)strlen(names[i]) };
	}
}

int kq_client_refresh(struct kq_client *c, const char *const *names, int n, bool create,
		      int timeout_ms, struct kq_error *e)
{
	struct kq_metadata_request rq;
	struct kq_metadata_response r;
	struct kq_metadata_request_metadata_request_topic *topics =
		kq_calloc((size_t)(n > 0 ? n : 1), sizeof(*topics));
	struct kq_arena a;
	kq_arena_init(&a, CALL_ARENA_MAX);
	int rc = kq_client_connect(c, KQ_NODE_ANY, timeout_ms, e);
	if (!rc) {
		int v = kq_client_version(c, KQ_NODE_ANY, KQ_API_METADATA, METADATA_MIN, -1);
		metadata_request(&rq, topics, names, n, create || v < 4);
		rc = kq_client_call(c, KQ_NODE_ANY, KQ_API_METADATA, METADATA_MIN, -1, &rq, &a, &r, NULL,
				    timeout_ms, e);
	}
	if (!rc) {
		kq_metadata_update(&c->meta, &r, !names);
		c->priv->generation++;
	}
	kq_arena_deinit(&a);
	free(topics);
	return rc;
}

void kq_client_watch(struct kq_client *c, const char *name, bool create)
{
	struct kq_client_private *v = c->priv;
	v->create |= create;
	for (int i = 0; i < v->watched_n; i++)
		if (!strcmp(v->watched[i], name))
			return;
	v->watched = kq_realloc(v->watched, (size_t)(v->watched_n + 1) * sizeof(*v->watched));
	v->watched[v->watched_n++] = kq_strdup(name);
}

void kq_client_want_metadata(struct kq_client *c)
{
	c->priv->want = true;
}

uint64_t kq_client_generation(const struct kq_client *c)
{
	return c->priv->generation;
}

static void metadata_done(void *arg, int err, struct kq_rpc_reply *reply)
{
	struct kq_client *c = arg;
	struct kq_client_private *v = c->priv;
	struct kq_metadata_response r;
	struct kq_arena a;
	v->asking = false;
	v->not_before_ms = kq_clock_mono_ms() + v->backoff_ms;
	v->want = true;
	if (err)
		return;
	kq_arena_init(&a, CALL_ARENA_MAX);
	if (!kq_rpc_reply_decode(reply, &a, &r)) {
		kq_metadata_update(&c->meta, &r, false);
		v->generation++;
		v->want = false;
	}
	kq_arena_deinit(&a);
}

static void ask(struct kq_client *c, struct kq_rpc_conn *conn)
{
	struct kq_client_private *v = c->priv;
	struct kq_metadata_request rq;
	struct kq_metadata_request_metadata_request_topic *topics =
		kq_calloc((size_t)(v->watched_n + 1), sizeof(*topics));
	int version = kq_rpc_conn_version(conn, KQ_API_METADATA, METADATA_MIN, -1);
	metadata_request(&rq, topics, (const char *const *)v->watched, v->watched_n,
			 v->create || version < 4);
	if (!v->watched_n)
		rq.topics_n = 0;
	struct kq_rpc_request r = { .api_key = KQ_API_METADATA, .version = version, .body = &rq,
				    .done = metadata_done, .arg = c };
	if (version >= 0 && !kq_rpc_send(conn, &r)) {
		v->asking = true;
		v->want = false;
	}
	free(topics);
}

int64_t kq_client_tick(struct kq_client *c)
{
	struct kq_client_private *v = c->priv;
	int64_t now = kq_clock_mono_ms();
	if (v->asking)
		return INT64_MAX;
	if (!v->want && now >= c->meta.updated_ms + v->age_ms)
		v->want = true;
	if (!v->want)
		return c->meta.updated_ms + v->age_ms;
	if (now < v->not_before_ms)
		return v->not_before_ms;
	struct kq_rpc_conn *conn = any_conn(c);
	if (kq_rpc_conn_can_send(conn))
		ask(c, conn);
	return v->asking ? INT64_MAX : now + 100;
}
