/* One client of a cluster: its connections by broker id, and what it knows about
 * the cluster. Producer, consumer and admin each own one and drive it from one
 * thread.
 *
 * Two ways to use it: kq_client_call and kq_client_refresh block (admin, start-up);
 * kq_client_tick and kq_client_want_metadata do not (the I/O threads). */
#ifndef KQ_CLIENT_CLIENT_H
#define KQ_CLIENT_CLIENT_H

#include "client/metadata.h"
#include "kq/client.h"
#include "rpc/rpc.h"

enum {
	KQ_NODE_ANY = -1,        /* whichever broker is ready, or a bootstrap one */
	KQ_NODE_CONTROLLER = -2, /* the controller as the last metadata named it; any if none */
};

struct kq_client {
	struct kq_rpc *rpc;
	struct kq_metadata meta;
	struct kq_client_private *priv;
};

/* KQ_EINVAL: bootstrap list that does not parse, security.protocol other than
 * PLAINTEXT (KQ_EUNSUPPORTED). Connects to nothing yet. */
int kq_client_init(struct kq_client *c, const struct kq_client_config *cfg, struct kq_error *e);
void kq_client_deinit(struct kq_client *c);

/* ---- blocking ---------------------------------------------------------- */

/* Waits until a broker is ready: NODE_ANY or an id. KQ_ECONN with the reason of
 * the last failure if none is within timeout_ms (that is exit code 3). */
int kq_client_connect(struct kq_client *c, int32_t node, int timeout_ms, struct kq_error *e);

/* The version of an API on a node that is connected; as kq_rpc_conn_version. */
int kq_client_version(struct kq_client *c, int32_t node, int api_key, int min, int max);

/* One request and its answer, decoded into *response (struct of the API). Strings
 * and arrays of it live in *a. min, max as kq_rpc_conn_version; *version (may be
 * NULL) says which one it was. Connects first where needed. Codes inside the
 * response are the caller's to read. KQ_ECONN, KQ_ETIMEOUT, KQ_EUNSUPPORTED,
 * KQ_EPROTO with words. */
int kq_client_call(struct kq_client *c, int32_t node, int api_key, int min, int max,
		   const void *request, struct kq_arena *a, void *response, int *version,
		   int timeout_ms, struct kq_error *e);

/* Asks for metadata: of these topics (n of them), of none (n 0), or of all (names
 * NULL). create: let the broker make missing ones by its own rule. Waits for the
 * answer, not for leaders. */
int kq_client_refresh(struct kq_client *c, const char *const *names, int n, bool create,
		      int timeout_ms, struct kq_error *e);

/* ---- not blocking ------------------------------------------------------ */

/* Topics that kq_client_tick keeps known, and whether it may have them created. */
void kq_client_watch(struct kq_client *c, const char *name, bool create);

/* Asks for new metadata soon (leader changed, topic unknown); repeated calls count
 * once, and retry.backoff.ms lies between two requests. */
void kq_client_want_metadata(struct kq_client *c);

/* Sends a metadata request if one is due. The monotonic ms at which to call again
 * at the latest. */
int64_t kq_client_tick(struct kq_client *c);

/* Counts metadata responses: a caller that waits for one compares. */
uint64_t kq_client_generation(const struct kq_client *c);

/* The connection to a broker id by the cache (connecting if need be), to any, or
 * to the controller; NULL if the id is not known. Not necessarily ready. */
struct kq_rpc_conn *kq_client_conn(struct kq_client *c, int32_t node);

/* Why no broker can be reached, in words: the last failures, and where the address
 * came from another broker's metadata, both addresses. False if one is ready. */
bool kq_client_trouble(struct kq_client *c, struct kq_error *e);

/* Has every bootstrap address failed so often in a row that waiting makes no sense
 * to somebody who has just begun? */
bool kq_client_hopeless(struct kq_client *c);

#endif
