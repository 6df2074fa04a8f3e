/* A page of metrics in Prometheus' text format, at GET /metrics on a listener of its
 * own. One thread, one connection at a time, each bounded in bytes and time: it is
 * for a scraper on a quiet network, not for the world. */
#ifndef KQ_BROKER_METRICS_HTTP_H
#define KQ_BROKER_METRICS_HTTP_H

#include "base/writer.h"
#include "broker/broker.h"

struct kq_metrics_http;

/* Listens on "HOST:PORT"; empty: nothing is started and *out is NULL. */
int kq_metrics_http_start(struct kq_metrics_http **out, struct kq_broker *b, const char *listener,
			  struct kq_error *e);
void kq_metrics_http_stop(struct kq_metrics_http *h); /* NULL does nothing */
/* "HOST:PORT" with the port that was bound. */
const char *kq_metrics_http_address(const struct kq_metrics_http *h);

/* The page itself. */
void kq_metrics_write(struct kq_broker *b, struct kq_writer *w);

#endif
