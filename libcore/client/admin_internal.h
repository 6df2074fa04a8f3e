/* What the files of the admin client share. */
#ifndef KQ_CLIENT_ADMIN_INTERNAL_H
#define KQ_CLIENT_ADMIN_INTERNAL_H

#include "client/client.h"
#include "kq/admin.h"
#include "wire/errors.h"

enum { KQ_ADMIN_MEMORY_MAX = 1 << 30 };

struct kq_admin {
	struct kq_client client;
	struct kq_arena arena; /* all that is handed out */
	int timeout_ms;
};

struct kq_str kq_admin_str(const char *s);           /* NULL: null */
const char *kq_admin_keep(struct kq_admin *a, struct kq_str s); /* null: NULL */
/* count * size zeroed bytes, from the arena; aborts where it is exhausted. */
void *kq_admin_array(struct kq_admin *a, size_t count, size_t size);

/* message may be null: then the fixed words for the code. */
void kq_admin_set_status(struct kq_admin *a, struct kq_admin_status *s, int code, struct kq_str message);

/* One request to a node; response strings live in the admin's arena. */
int kq_admin_call(struct kq_admin *a, int32_t node, int api_key, int min, const void *request,
		  void *response, struct kq_error *e);

/* One more round of a call that may be tried again (a leader that is not there yet, a
 * controller that moved)? Then it has waited and fetched metadata of these topics. */
bool kq_admin_again(struct kq_admin *a, int64_t deadline, const char *const *names, int n);

#endif
