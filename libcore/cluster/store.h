/* The metadata store: what must outlive the broker beside the logs. Topics with
 * their ids, partition counts and configs; configs of brokers set while running;
 * the next block of producer ids; topics whose deletion has begun.
 *
 * One interface, several keepers: store_embedded.c (one file, one broker); a
 * ZooKeeper one comes later. Every change is durable when the call returns, or has
 * not happened (a negative KQ_E*). All calls are thread-safe. */
#ifndef KQ_CLUSTER_STORE_H
#define KQ_CLUSTER_STORE_H

#include "kq/error.h"
#include "kq/types.h"

struct kq_meta_store;

/* Config overrides: no two of one key, in order of key. Owned strings. */
struct kq_config_pair {
	char *key, *value;
};
struct kq_config_list {
	struct kq_config_pair *v;
	int n;
};
void kq_config_list_deinit(struct kq_config_list *l);
void kq_config_list_copy(struct kq_config_list *to, const struct kq_config_list *from);
/* Sets key to value, or removes it (value NULL). */
void kq_config_list_set(struct kq_config_list *l, const char *key, const char *value);
const char *kq_config_list_get(const struct kq_config_list *l, const char *key); /* or NULL */

struct kq_stored_topic {
	const char *name;
	struct kq_uuid id;
	int32_t partitions;
	struct kq_config_list configs;
};

/* Opens the file at path; a missing one is an empty store (nothing is written
 * until the first change). KQ_ECORRUPT or KQ_EIO with words. */
int kq_meta_store_open_embedded(struct kq_meta_store **out, const char *path, struct kq_error *e);
void kq_meta_store_close(struct kq_meta_store *s);

/* True if no change was ever stored: nothing but defaults is known here. */
bool kq_meta_store_is_new(struct kq_meta_store *s);

/* Topics, in order of name; fn must not call the store. A non-zero result of fn
 * ends the walk and is returned. */
int kq_meta_store_each_topic(struct kq_meta_store *s,
			     int (*fn)(void *arg, const struct kq_stored_topic *t), void *arg);
/* The topic's config overrides, copied into *out (the caller deinits it). KQ_ENOTFOUND. */
int kq_meta_store_topic_configs(struct kq_meta_store *s, struct kq_str name,
				struct kq_config_list *out);

/* KQ_EEXIST. configs may be NULL. */
int kq_meta_store_create_topic(struct kq_meta_store *s, const struct kq_stored_topic *t);
/* Several at once, one write. All or none. */
int kq_meta_store_create_topics(struct kq_meta_store *s, const struct kq_stored_topic *t, int n);
int kq_meta_store_set_partitions(struct kq_meta_store *s, const char *name, int32_t partitions);
int kq_meta_store_set_topic_configs(struct kq_meta_store *s, const char *name,
				    const struct kq_config_list *configs);

/* Deletion in two steps, so that a crash between them does not bring the topic
 * back from its directories: delete takes the topic out and notes its name and id;
 * deleted forgets the note once the directories are gone. */
int kq_meta_store_delete_topic(struct kq_meta_store *s, const char *name);
int kq_meta_store_deleted(struct kq_meta_store *s, const char *name);
/* Is the deletion of this topic noted (with this id; a zero id matches any)? */
bool kq_meta_store_is_deleting(struct kq_meta_store *s, const char *name, const struct kq_uuid *id);
/* Calls fn for each noted deletion; fn may call the store. */
void kq_meta_store_each_deleting(struct kq_meta_store *s,
				 void (*fn)(void *arg, const char *name), void *arg);

/* Configs of brokers set while running: of broker id, or -1 for the default of the
 * cluster. get copies; an unknown broker has none. */
void kq_meta_store_broker_configs(struct kq_meta_store *s, int32_t broker,
				  struct kq_config_list *out);
int kq_meta_store_set_broker_configs(struct kq_meta_store *s, int32_t broker,
				     const struct kq_config_list *configs);

/* Takes the next block of producer ids, [*first, *first + *count), for good. */
int kq_meta_store_take_producer_ids(struct kq_meta_store *s, int64_t *first, int *count);
/* No block begins below min from now on (ids found in adopted logs). */
int kq_meta_store_raise_producer_ids(struct kq_meta_store *s, int64_t min);

#endif
