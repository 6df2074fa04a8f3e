/* One of log.dirs: its lock, its marker of a clean stop, what lies in it.
 *
 * .lock is held by a POSIX record lock, as Kafka's own: neither starts on a
 * directory in use by the other, and the kernel tells who holds it. */
#ifndef KQ_LOG_DATA_DIR_H
#define KQ_LOG_DATA_DIR_H

#include "kq/error.h"
#include "kq/types.h"

struct kq_data_dir_lock {
	int fd; /* -1: not held */
	uint64_t dev, ino;
};

/* Makes the directory and those above it where missing, durably. KQ_EIO with words. */
int kq_data_dir_make(const char *path, struct kq_error *e);

/* Takes path/.lock. KQ_EBUSY with the holder's pid in the words; KQ_EIO. */
int kq_data_dir_lock(const char *path, struct kq_data_dir_lock *lock, struct kq_error *e);

/* Gives it back; removes the file too after a clean stop. */
void kq_data_dir_unlock(const char *path, struct kq_data_dir_lock *lock, bool remove);

/* Reads .kafka_cleanshutdown and deletes it, durably, so that a crash from now on is
 * known as one. *clean says whether it was there. KQ_EIO. */
int kq_data_dir_take_marker(const char *path, bool *clean, struct kq_error *e);

/* Writes the marker; the very last act of a clean stop. */
int kq_data_dir_write_marker(const char *path);

enum kq_data_dir_kind {
	KQ_DATA_DIR_PARTITION, /* topic and partition are set */
	KQ_DATA_DIR_DELETE,    /* .<hex>-delete: to be removed */
	KQ_DATA_DIR_STRAY,     /* .<hex>-stray, -future: somebody else's to decide on */
	KQ_DATA_DIR_FUTURE,
	KQ_DATA_DIR_FOREIGN,   /* not a partition's name */
};

enum { KQ_TOPIC_NAME_MAX = 249 };

struct kq_data_dir_name {
	enum kq_data_dir_kind kind;
	char topic[KQ_TOPIC_NAME_MAX + 1];
	int32_t partition;
};

/* What a sub-directory is, by its name alone. */
void kq_data_dir_parse_name(const char *name, struct kq_data_dir_name *out);

/* Calls fn for each sub-directory; a non-zero result ends the walk and is returned.
 * KQ_EIO. */
int kq_data_dir_scan(const char *path,
		    int (*fn)(void *arg, const char *name, const struct kq_data_dir_name *n),
		    void *arg, struct kq_error *e);

/* "<topic>-<partition>.<32 random hex>-delete", the topic cut so that it stays within
 * 255 characters. */
void kq_data_dir_delete_name(const char *topic, int32_t partition, char name[256]);

/* Removes a directory and the files in it (one level and what lies below). Goes on
 * after an error; returns the first. */
int kq_data_dir_remove_tree(const char *path);

#endif
