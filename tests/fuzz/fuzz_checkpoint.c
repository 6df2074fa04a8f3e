/* Text as the small files of a log directory. The first byte says which: offset
 * checkpoint, leader epochs, meta.properties, partition.metadata. What is accepted is
 * written again and must be read back equal. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log/checkpoint.h"
#include "log/leader_epochs.h"
#include "log/meta_properties.h"
#include "log/partition_metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static char dir[64];

static const char *put(const char *name, const void *p, size_t n)
{
	static char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	if (!f || fwrite(p, 1, n, f) != n || fclose(f))
		abort();
	return path;
}

static void cleanup(void)
{
	static const char *const names[] = { "offsets", "leader-epoch-checkpoint", "meta.properties",
					     "partition.metadata" };
	char path[128];
	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
}

static void offsets(const void *p, size_t n)
{
	struct kq_checkpoint *c;
	struct kq_error e = { 0 };
	int rc = kq_checkpoint_load(&c, put("offsets", p, n), &e);
	if (rc && (!e.text[0] || c))
		abort();
	kq_checkpoint_free(c);
}

static void epochs(const void *p, size_t n)
{
	struct kq_leader_epochs a, b;
	put("leader-epoch-checkpoint", p, n);
	kq_leader_epochs_init(&a, dir);
	kq_leader_epochs_init(&b, dir);
	if (kq_leader_epochs_load(&a, NULL) == 0) {
		a.dirty = true;
		if (kq_leader_epochs_flush(&a) || kq_leader_epochs_load(&b, NULL) || a.count != b.count)
			abort();
		for (uint32_t i = 0; i < a.count; i++)
			if (a.entries[i].epoch != b.entries[i].epoch ||
			    a.entries[i].start != b.entries[i].start)
				abort();
	}
	kq_leader_epochs_deinit(&a);
	kq_leader_epochs_deinit(&b);
}

static void meta(const void *p, size_t n)
{
	struct kq_meta_properties a, b;
	if (kq_meta_properties_parse(p, n, "f", &a, NULL) || a.broker_id < 0)
		return;
	if (kq_meta_properties_write(dir, &a) || kq_meta_properties_load(dir, &b, NULL) ||
	    a.version != b.version || a.broker_id != b.broker_id ||
	    strcmp(a.cluster_id, b.cluster_id) || strcmp(a.directory_id, b.directory_id))
		abort();
}

static void topic_id(const void *p, size_t n)
{
	struct kq_uuid a, b;
	put("partition.metadata", p, n);
	if (kq_partition_metadata_read(dir, &a, NULL))
		return;
	if (kq_partition_metadata_write(dir, a) || kq_partition_metadata_read(dir, &b, NULL) ||
	    memcmp(&a, &b, sizeof a))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static void (*const kinds[])(const void *p, size_t n) = { offsets, epochs, meta, topic_id };
	if (!dir[0]) {
		/* In memory where there is such a place: these files are synced. */
		strcpy(dir, access("/dev/shm", W_OK) == 0 ? "/dev/shm/kq-fuzz-XXXXXX"
							 : "/tmp/kq-fuzz-XXXXXX");
		if (!mkdtemp(dir))
			abort();
		atexit(cleanup);
	}
	if (n > 0)
		kinds[p[0] % 4](p + 1, n - 1);
	return 0;
}
