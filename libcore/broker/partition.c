/* A served partition: the log, and the list of those who wait for it to move.
 *
 * On one machine the high watermark follows the durable end, so every wake-up comes
 * from the log's listener: on a syncer's thread (flush.policy=sync) or on that of the
 * appender (os). The list is kept in order of `until`, so that moving the watermark
 * touches only those who are woken. The watermark is moved before the lock is taken
 * and waiters look at it under the lock: no wake-up is lost. */
#include "broker/partition.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "broker/broker.h"
#include "broker/config.h"
#include "broker/config_value.h"
#include "log/log_manager.h"
#include "record/compress.h"
#include "wire/errors.h"

struct kq_partition {
	struct kq_log *log;
	_Atomic int refs;
	_Atomic int32_t epoch;
	_Atomic int codec;
	_Atomic bool compacts_only;
	_Atomic bool retired, failed;
	pthread_mutex_t lock; /* of the waiters; leaf, held for list work only */
	struct kq_waiter *first, *last;
};

static void unlist(struct kq_partition *p, struct kq_waiter *w)
{
	*(w->prev ? &w->prev->next : &p->first) = w->next;
	*(w->next ? &w->next->prev : &p->last) = w->prev;
	w->prev = w->next = NULL;
	w->listed = false;
}

/* Takes out all who wait for at most hw, and calls them. */
static void wake(struct kq_partition *p, int64_t hw, bool retired)
{
	struct kq_waiter *woken = NULL, **tail = &woken;
	pthread_mutex_lock(&p->lock);
	while (p->first && p->first->until <= hw) {
		struct kq_waiter *w = p->first;
		unlist(p, w);
		*tail = w;
		tail = &w->next;
	}
	pthread_mutex_unlock(&p->lock);
	while (woken) {
		struct kq_waiter *w = woken;
		woken = w->next;
		w->next = NULL;
		w->fn(w, retired); /* w is gone from here on */
	}
}

static void on_durable(void *arg, int64_t durable_end)
{
	struct kq_partition *p = arg;
	kq_log_advance_high_watermark(p->log, durable_end);
	wake(p, kq_log_high_watermark(p->log), false);
}

static void on_failed(void *arg)
{
	struct kq_partition *p = arg;
	atomic_store(&p->failed, true);
	wake(p, INT64_MAX, true);
}

/* The two topic keys that requests ask for; the log has the others. Not resolved as a
 * whole: a start with many partitions would feel it. */
static void take_config(struct kq_partition *p, struct kq_broker *b)
{
	const char *topic = kq_log_topic(p->log);
	struct kq_config_list own = { 0 };
	kq_meta_store_topic_configs(b->store, (struct kq_str){ topic, (int32_t)strlen(topic) }, &own);
	const char *policy = kq_config_list_get(&own, "cleanup.policy");
	const char *codec = kq_config_list_get(&own, "compression.type");
	char *policy_all = policy ? NULL : kq_broker_config_dup(b->config, "log.cleanup.policy");
	char *codec_all = codec ? NULL : kq_broker_config_dup(b->config, "compression.type");
	policy = policy ? policy : policy_all;
	codec = codec ? codec : codec_all;
	p->compacts_only = policy && !kq_config_value_has(policy, "delete");
	if (codec)
		p->codec = kq_codec_parse((struct kq_str){ codec, (int32_t)strlen(codec) });
	free(policy_all);
	free(codec_all);
	kq_config_list_deinit(&own);
}

struct kq_partition *kq_partition_new(struct kq_broker *b, struct kq_log *log)
{
	struct kq_partition *p = kq_calloc(1, sizeof *p);
	p->log = log;
	p->refs = 1;
	p->codec = -1; /* as the producer sends */
	pthread_mutex_init(&p->lock, NULL);
	if (b && b->store && b->config)
		take_config(p, b);
	int32_t epoch = kq_log_latest_epoch(log);
	if (epoch < 0) {
		epoch = 0;
		kq_log_assign_epoch(log, epoch); /* a failure shows with the first append */
	}
	p->epoch = epoch;
	p->failed = kq_log_is_offline(log);
	const struct kq_log_listener l = { .durable = on_durable, .failed = on_failed, .arg = p };
	kq_log_set_listener(log, &l);
	kq_log_advance_high_watermark(log, kq_log_durable_end(log));
	return p;
}

void kq_partition_ref(struct kq_partition *p)
{
	atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
}

void kq_partition_unref(struct kq_partition *p)
{
	if (atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
		return;
	assert(!p->first);
	kq_log_set_listener(p->log, &(struct kq_log_listener){ .arg = NULL });
	kq_log_unref(p->log);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void kq_partition_retire(struct kq_partition *p)
{
	atomic_store(&p->retired, true);
	wake(p, INT64_MAX, true);
}

bool kq_partition_is_dead(const struct kq_partition *p)
{
	return atomic_load(&p->retired) || atomic_load(&p->failed);
}

int16_t kq_partition_death(const struct kq_partition *p)
{
	return atomic_load(&p->retired) ? KQ_KAFKA_UNKNOWN_TOPIC_OR_PARTITION
					: KQ_KAFKA_KAFKA_STORAGE_ERROR;
}

bool kq_partition_wait(struct kq_partition *p, struct kq_waiter *w)
{
	assert(!w->listed && w->fn);
	w->partition = p;
	pthread_mutex_lock(&p->lock);
	if (kq_log_high_watermark(p->log) >= w->until || kq_partition_is_dead(p)) {
		pthread_mutex_unlock(&p->lock);
		return false;
	}
	struct kq_waiter *before = p->last;
	while (before && before->until > w->until)
		before = before->prev;
	w->prev = before;
	w->next = before ? before->next : p->first;
	*(before ? &before->next : &p->first) = w;
	*(w->next ? &w->next->prev : &p->last) = w;
	w->listed = true;
	pthread_mutex_unlock(&p->lock);
	return true;
}

bool kq_partition_unwait(struct kq_waiter *w)
{
	struct kq_partition *p = w->partition;
	pthread_mutex_lock(&p->lock);
	bool was_listed = w->listed;
	if (was_listed)
		unlist(p, w);
	pthread_mutex_unlock(&p->lock);
	return was_listed;
}

struct kq_log *kq_partition_log(const struct kq_partition *p)
{
	return p->log;
}

int32_t kq_partition_leader_epoch(const struct kq_partition *p)
{
	return atomic_load_explicit(&p->epoch, memory_order_relaxed);
}

const char *kq_partition_topic(const struct kq_partition *p)
{
	return kq_log_topic(p->log);
}

int32_t kq_partition_index(const struct kq_partition *p)
{
	return kq_log_partition(p->log);
}

int kq_partition_codec(const struct kq_partition *p)
{
	return atomic_load_explicit(&p->codec, memory_order_relaxed);
}

bool kq_partition_deletes(const struct kq_partition *p)
{
	return !atomic_load_explicit(&p->compacts_only, memory_order_relaxed);
}

void kq_partition_set_config(struct kq_partition *p, const struct kq_log_config *c)
{
	atomic_store_explicit(&p->codec, c->codec, memory_order_relaxed);
	atomic_store_explicit(&p->compacts_only, c->cleanup_compact && !c->cleanup_delete,
			      memory_order_relaxed);
	kq_log_set_config(p->log, c);
}
