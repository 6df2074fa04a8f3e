/* One thread on which everything that changes metadata runs, one job after another:
 * such jobs wait for the disk, which a connection's loop must not, and in a queue
 * they need no locks among themselves.
 *
 * The thread begins with the first job. Jobs are requests under way, so that the
 * server's bounds on those bound the queue. */
#ifndef KQ_BROKER_ADMIN_QUEUE_H
#define KQ_BROKER_ADMIN_QUEUE_H

struct kq_admin_queue;

struct kq_admin_queue *kq_admin_queue_new(void);
/* Runs what is queued, then ends the thread. */
void kq_admin_queue_free(struct kq_admin_queue *q);

/* Runs fn(arg) on the thread, after the jobs before it. Any thread. */
void kq_admin_queue_post(struct kq_admin_queue *q, void (*fn)(void *arg), void *arg);

#endif
