#include "broker/metrics.h"

#include <stdlib.h>

#include "base/alloc.h"

struct kq_broker_metrics *kq_broker_metrics_new(void)
{
	return kq_calloc(1, sizeof(struct kq_broker_metrics));
}

void kq_broker_metrics_free(struct kq_broker_metrics *m)
{
	free(m);
}

static int bucket_of(uint64_t micros)
{
	int bucket = micros <= 1 ? 0 : 64 - __builtin_clzll(micros - 1);
	return bucket < KQ_METRICS_BUCKETS ? bucket : KQ_METRICS_BUCKETS - 1;
}

void kq_metrics_request(struct kq_broker_metrics *m, int api_key, uint64_t bytes_in,
			uint64_t bytes_out, int64_t micros)
{
	if (api_key < 0 || api_key >= KQ_METRICS_APIS)
		return;
	struct kq_api_metrics *api = &m->api[api_key];
	uint64_t us = micros > 0 ? (uint64_t)micros : 0;
	kq_metrics_add(&api->requests, 1);
	kq_metrics_add(&api->bytes_in, bytes_in);
	kq_metrics_add(&api->bytes_out, bytes_out);
	kq_metrics_add(&api->micros_total, us);
	kq_metrics_add(&api->micros[bucket_of(us)], 1);
}
