/* Answers of APIs in versions that are listed, because clients gate features by
 * them, but not served (PROTOCOL section 5). */
#ifndef KQ_BROKER_DISPATCH_H
#define KQ_BROKER_DISPATCH_H

#include "broker/request.h"

kq_handler_fn kq_refuse_produce; /* produce.c */
kq_handler_fn kq_refuse_fetch;   /* fetch.c */

#endif
