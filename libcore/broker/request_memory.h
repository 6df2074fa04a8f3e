/* Where requests come from: dispatch.c's side of request.c. */
#ifndef KQ_BROKER_REQUEST_MEMORY_H
#define KQ_BROKER_REQUEST_MEMORY_H

#include "broker/request.h"

/* A request with an empty arena; ends with one of the answers in request.h. */
struct kq_request *kq_request_new(struct kq_broker *b, struct kq_exchange *x);

#endif
