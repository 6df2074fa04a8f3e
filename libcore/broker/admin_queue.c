#include "broker/admin_queue.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"

struct job {
	struct job *next;
	void (*fn)(void *arg);
	void *arg;
};

struct kq_admin_queue {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct job *head, **tail;
	pthread_t thread;
	bool started, stopping;
};

struct kq_admin_queue *kq_admin_queue_new(void)
{
	struct kq_admin_queue *q = kq_calloc(1, sizeof *q);
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->more, NULL);
	q->tail = &q->head;
	return q;
}

/* The next job, or NULL when there is none and none will come. */
static struct job *next_job(struct kq_admin_queue *q)
{
	pthread_mutex_lock(&q->lock);
	while (!q->head && !q->stopping)
		pthread_cond_wait(&q->more, &q->lock);
	struct job *j = q->head;
	if (j && !(q->head = j->next))
		q->tail = &q->head;
	pthread_mutex_unlock(&q->lock);
	return j;
}

static void *run(void *arg)
{
	struct job *j;
	while ((j = next_job(arg))) {
		j->fn(j->arg);
		free(j);
	}
	return NULL;
}

void kq_admin_queue_post(struct kq_admin_queue *q, void (*fn)(void *arg), void *arg)
{
	struct job *j = kq_malloc(sizeof *j);
	*j = (struct job){ .fn = fn, .arg = arg };
	pthread_mutex_lock(&q->lock);
	assert(!q->stopping);
	*q->tail = j;
	q->tail = &j->next;
	if (!q->started && pthread_create(&q->thread, NULL, run, q)) {
		kq_error_log("broker", "cannot start the admin thread");
		abort();
	}
	q->started = true;
	pthread_cond_signal(&q->more);
	pthread_mutex_unlock(&q->lock);
}

void kq_admin_queue_free(struct kq_admin_queue *q)
{
	if (!q)
		return;
	pthread_mutex_lock(&q->lock);
	q->stopping = true;
	pthread_cond_signal(&q->more);
	pthread_mutex_unlock(&q->lock);
	if (q->started)
		pthread_join(q->thread, NULL);
	pthread_cond_destroy(&q->more);
	pthread_mutex_destroy(&q->lock);
	free(q);
}
