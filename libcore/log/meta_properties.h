/* meta.properties: which broker and cluster a log directory belongs to (LOG_FORMAT
 * section 4). Both forms are read, ZooKeeper's (version 0, broker.id) and KRaft's
 * (version 1, node.id, directory.id). A file that is there is never rewritten. */
#ifndef KQ_LOG_META_PROPERTIES_H
#define KQ_LOG_META_PROPERTIES_H

#include "kq/error.h"
#include "kq/types.h"

struct kq_meta_properties {
	int version;         /* 0 or 1 */
	int32_t broker_id;   /* broker.id or node.id; -1 not there */
	char cluster_id[64]; /* "" not there */
	char directory_id[32]; /* "" not there */
};

void kq_meta_properties_init(struct kq_meta_properties *m);

/* From the text of a file; name is for the words in *e. KQ_ECORRUPT,
 * KQ_EUNSUPPORTED (version). */
int kq_meta_properties_parse(const char *text, size_t n, const char *name,
			     struct kq_meta_properties *m, struct kq_error *e);

/* Reads dir/meta.properties. KQ_ENOTFOUND if there is none (or it is empty, as a
 * crash of an old broker may leave it), KQ_ECORRUPT, KQ_EUNSUPPORTED, KQ_EIO. */
int kq_meta_properties_load(const char *dir, struct kq_meta_properties *m, struct kq_error *e);

/* Writes it in the form of m->version, durably. */
int kq_meta_properties_write(const char *dir, const struct kq_meta_properties *m);

#endif
