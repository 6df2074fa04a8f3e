/* The system calls that touch the disk, in one place, so that tests can make
 * the n-th one fail (EIO, ENOSPC, short write) and so that no caller forgets
 * EINTR or a short write.
 *
 * Each returns 0 or a negative KQ_E*; errno is left set for the message.
 * Thread-safe. Every call names its site, a short constant word that the fault
 * tests list, for example "segment-append". */
#ifndef KQ_BASE_IO_H
#define KQ_BASE_IO_H

#include <sys/types.h>

#include "kq/types.h"

/* Writes all n bytes at pos; a short write is continued, ENOSPC is KQ_ENOSPC.
 * On error some bytes may have been written. */
int kq_io_pwrite(const char *site, int fd, const void *p, size_t n, off_t pos);

/* Reads up to n bytes at pos; *got says how many (fewer only at end of file). */
int kq_io_pread(int fd, void *p, size_t n, off_t pos, size_t *got);

int kq_io_fdatasync(const char *site, int fd);

/* fsync of a directory after a rename, creation or removal in it. */
int kq_io_syncdir(const char *site, const char *dir);

int kq_io_rename(const char *site, const char *from, const char *to);
int kq_io_ftruncate(const char *site, int fd, off_t size);

/* Writes a whole small file safely: path.tmp, fsync, rename, sync of the
 * directory. The old content or the new one is there after a crash. */
int kq_io_replace_file(const char *site, const char *path, const void *p, size_t n);

/* Reads a whole file of at most limit bytes into *buf (caller frees; a NUL
 * stands after the last byte, not counted). KQ_ENOTFOUND, KQ_ELIMIT, KQ_EIO. */
int kq_io_read_file(const char *path, size_t limit, char **buf, size_t *len);

/* Test hook. When set it is asked before every faultable call with the
 * operation ("pwrite", "fdatasync", "rename", "ftruncate", "syncdir") and the
 * site. It returns 0 to let the call go, else the errno to fail with; for
 * pwrite, *partial may be set to the bytes to write before failing. */
typedef int kq_io_fault_fn(const char *op, const char *site, size_t *partial);
void kq_io_set_fault(kq_io_fault_fn *fn);

#endif
