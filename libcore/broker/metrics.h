/* What the request path counts, for the metrics page. Plain relaxed counters that
 * handlers add to and the page reads: a page may see one request half counted. */
#ifndef KQ_BROKER_METRICS_H
#define KQ_BROKER_METRICS_H

#include <stdatomic.h>

#include "kq/types.h"

enum {
	KQ_METRICS_APIS = 96,       /* api keys 0 .. 95; others are not counted by API */
	KQ_METRICS_BUCKETS = 24,    /* bucket i: took <= 2^i microseconds; last: the rest */
};

struct kq_api_metrics {
	_Atomic uint64_t requests;
	_Atomic uint64_t bytes_in, bytes_out;  /* frames and answers without size fields */
	_Atomic uint64_t micros_total;         /* from the last byte read to the answer made */
	_Atomic uint64_t micros[KQ_METRICS_BUCKETS]; /* not cumulative */
};

struct kq_broker_metrics {
	struct kq_api_metrics api[KQ_METRICS_APIS];
	_Atomic uint64_t requests_refused;     /* unknown key or version, not decodable */
	_Atomic uint64_t produce_bytes, produce_batches, produce_records;
	_Atomic uint64_t produce_errors;       /* partitions answered with an error */
	_Atomic uint64_t fetch_bytes, fetch_errors;
};

struct kq_broker_metrics *kq_broker_metrics_new(void);
void kq_broker_metrics_free(struct kq_broker_metrics *m);

static inline void kq_metrics_add(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static inline uint64_t kq_metrics_get(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

/* One request of this API is answered. */
void kq_metrics_request(struct kq_broker_metrics *m, int api_key, uint64_t bytes_in,
			uint64_t bytes_out, int64_t micros);

#endif
