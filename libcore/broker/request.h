/* One request on its way through a handler.
 *
 * dispatch.c decodes the body into memory of the request's arena and calls the
 * handler of the row in the dispatch table. The handler answers exactly once, now
 * or later, from any thread; that frees the request. */
#ifndef KQ_BROKER_REQUEST_H
#define KQ_BROKER_REQUEST_H

#include "base/arena.h"
#include "broker/broker.h"
#include "net/server.h"
#include "wire/api.h"
#include "wire/errors.h"
#include "wire/messages.h"

struct kq_request {
	struct kq_broker *broker;
	struct kq_exchange *x;        /* frame bytes are x->frame; writable */
	struct kq_request_head head;
	const struct kq_api *api;
	struct kq_arena arena;        /* freed with the request */
	void *body;                   /* decoded, of api->request's struct type */
	int listener;                 /* index, for advertised addresses */
};

typedef void kq_handler_fn(struct kq_request *req);

/* Encodes the response (struct of api->response's type) and sends it; the request
 * is gone after. If it does not encode (a bug or the limit), logs and closes the
 * connection. */
void kq_request_answer(struct kq_request *req, const void *response);

/* The same where records fields are file slices: slices[i] fills gap i in order
 * (see kq_wire_gaps). Takes the slices over. */
struct kq_log_slice;
void kq_request_answer_slices(struct kq_request *req, const void *response,
			      const struct kq_log_slice *slices, int n);

/* acks=0: no answer. Or: close the connection (unparseable, acks=0 failed). */
void kq_request_finish_silent(struct kq_request *req);
void kq_request_close(struct kq_request *req);

/* The dispatch table: one row an API that is built, with the versions that are
 * fully implemented and advertised (min may be listed lower than served where
 * clients gate features by it, see PROTOCOL section 5: served says from where on). */
struct kq_dispatch {
	int16_t key, min, max;
	int16_t served;        /* lower listed versions answer UNSUPPORTED_VERSION */
	kq_handler_fn *handle;
	kq_handler_fn *refuse; /* answers 35 in the request's version; NULL: close */
};
const struct kq_dispatch *kq_dispatch_find(int key);
const struct kq_dispatch *kq_dispatch_at(int i); /* NULL past the end */

/* The net server's request callback; arg is the broker. */
void kq_dispatch_request(void *broker, struct kq_exchange *x);

/* All callbacks for the net server's options. While the server stops it calls back
 * so that parked requests answer at once. */
struct kq_server_handler kq_dispatch_handler(struct kq_broker *b);

/* Handlers, one file per group of requests: */
kq_handler_fn kq_handle_api_versions;           /* api_versions.c */
kq_handler_fn kq_handle_produce;                /* produce.c */
kq_handler_fn kq_handle_fetch;                  /* fetch.c */
kq_handler_fn kq_handle_list_offsets;           /* offsets.c */
kq_handler_fn kq_handle_offset_for_leader_epoch; /* offsets.c */
kq_handler_fn kq_handle_delete_records;         /* offsets.c */
kq_handler_fn kq_handle_find_coordinator;       /* producer_ids.c */
kq_handler_fn kq_handle_init_producer_id;       /* producer_ids.c */
kq_handler_fn kq_handle_describe_producers;     /* producer_ids.c */
kq_handler_fn kq_handle_metadata;               /* metadata.c */
kq_handler_fn kq_handle_describe_cluster;       /* metadata.c */
kq_handler_fn kq_handle_describe_topic_partitions; /* metadata.c */
kq_handler_fn kq_handle_create_topics;          /* topic_admin.c */
kq_handler_fn kq_handle_delete_topics;          /* topic_admin.c */
kq_handler_fn kq_handle_create_partitions;      /* topic_admin.c */
kq_handler_fn kq_handle_describe_configs;       /* config_admin.c */
kq_handler_fn kq_handle_alter_configs;          /* config_admin.c */
kq_handler_fn kq_handle_incremental_alter_configs; /* config_admin.c */
kq_handler_fn kq_handle_describe_log_dirs;      /* log_dirs.c */

#endif
