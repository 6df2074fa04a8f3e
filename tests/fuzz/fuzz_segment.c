/* A file of any of Kafka's kinds (the first byte says which): read and verified as
 * kq-dump-segment does. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kq/segment.h"

static char dir[64];

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const NAMES[] = {
	"00000000000000000000.log", "00000000000000000000.index", "00000000000000000000.timeindex",
	"00000000000000000000.txnindex", "00000000000000000007.snapshot", "leader-epoch-checkpoint",
	"recovery-point-offset-checkpoint", "meta.properties",
};

static void path_of(int i, char path[128])
{
	snprintf(path, 128, "%s/%s", dir, NAMES[i]);
}

static void clean_up(void)
{
	char path[128];
	for (int i = 0; i < 8; i++) {
		path_of(i, path);
		unlink(path);
	}
	rmdir(dir);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	snprintf(dir, sizeof dir, "%s/kq-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(dir))
		abort();
	atexit(clean_up);
	return 0;
}

static void fault(void *arg, const char *path, int64_t position, bool torn, const char *text)
{
	(void)path, (void)position, (void)torn;
	*(size_t *)arg += strlen(text);
}

static void walk(const char *path)
{
	struct kq_segment_reader *r;
	struct kq_segment_batch b;
	struct kq_segment_record rec;
	struct kq_error e;
	if (kq_segment_open(&r, path, 0, &e) != 0)
		return;
	while (kq_segment_next(r, &b, &e) == 1)
		while (kq_segment_next_record(r, &rec, &e) == 1)
			for (int how = KQ_SEGMENT_GROUP_OFFSETS; how <= KQ_SEGMENT_TRANSACTIONS; how++) {
				char *key, *value;
				if (kq_segment_decode((enum kq_segment_decode)how, &rec.m, &key, &value) == 0) {
					free(key);
					free(value);
				}
			}
	kq_segment_close(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[128];
	size_t said = 0;
	struct kq_error e;
	if (size == 0)
		return 0;
	path_of(data[0] % 8, path);
	FILE *f = fopen(path, "w");
	if (!f)
		abort();
	fwrite(data + 1, 1, size - 1, f);
	fclose(f);
	kq_segment_verify(path, fault, &said, &e);
	if (data[0] % 8 == 0)
		walk(path);
	/* The .log stays for the indexes to be checked against. */
	if (data[0] % 8 != 0)
		unlink(path);
	return 0;
}
