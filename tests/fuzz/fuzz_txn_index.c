/* Bytes as a transaction index: opened, looked through, cut, grown and looked through
 * again; what was found before must be found after. The first bytes are the offsets
 * to ask for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/reader.h"
#include "log/txn_index.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static char dir[64], path[128];

static void cleanup(void)
{
	unlink(path);
	rmdir(dir);
}

static int collect(struct kq_txn_index *x, int64_t from, int64_t to)
{
	struct kq_aborted_txn *v = NULL;
	int n = 0;
	bool done;
	int rc = kq_txn_index_collect(x, from, to, &v, &n, &done);
	for (int i = 0; i < n; i++)
		if (v[i].last_offset < from || v[i].first_offset >= to)
			abort();
	free(v);
	return rc ? -1 : n;
}

static void use(struct kq_txn_index *x, int64_t from, int64_t to)
{
	int before = collect(x, INT64_MIN, INT64_MAX);
	collect(x, from, to);
	if (before < 0 || kq_txn_index_truncate(x, to))
		abort(); /* what was opened can be read */
	int kept = collect(x, INT64_MIN, INT64_MAX);
	struct kq_aborted_txn t = { 1, to, to, to };
	if (kept > before)
		abort();
	/* Room behind the last marker is there, unless the cut was below the base. */
	if (kq_txn_index_append(x, &t) || collect(x, INT64_MIN, INT64_MAX) < kept)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct kq_txn_index x;
	if (!dir[0]) {
		strcpy(dir, access("/dev/shm", W_OK) == 0 ? "/dev/shm/kq-fuzz-XXXXXX"
							 : "/tmp/kq-fuzz-XXXXXX");
		if (!mkdtemp(dir))
			abort();
		snprintf(path, sizeof path, "%s/%020d.txnindex", dir, 0);
		atexit(cleanup);
	}
	if (n < 16)
		return 0;
	int64_t from = kq_load_i64(p), to = kq_load_i64(p + 8);
	FILE *f = fopen(path, "w");
	if (!f || fwrite(p + 16, 1, n - 16, f) != n - 16 || fclose(f))
		abort();
	int rc = kq_txn_index_open(&x, dir, 0);
	if (rc == 0)
		use(&x, from, to);
	else if (kq_txn_index_reset(&x) || collect(&x, 0, INT64_MAX) != 0)
		abort();
	kq_txn_index_close(&x);
	return 0;
}
