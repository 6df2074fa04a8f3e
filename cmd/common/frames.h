/* Records as length-framed binary: safe for any bytes, concatenated by cat, split at
 * any frame. Numbers are big-endian.
 *
 *	u32  bytes that follow (KQ_FRAME_MAX at most)
 *	u8   version, 1
 *	u8   flags: 1 the timestamp is the broker's (LogAppendTime); others 0
 *	i32  partition, -1 none
 *	i64  offset, -1 none
 *	i64  timestamp, ms since 1970, -1 none
 *	i16  length of the topic, -1 none; the topic
 *	i32  length of the key, -1 null; the key
 *	i32  length of the value, -1 null; the value
 *	i32  number of headers; to the frame's end the headers as in a v2 record: for
 *	     each, zigzag varint length and name, zigzag varint length (-1 null) and value
 */
#ifndef KQ_CMD_FRAMES_H
#define KQ_CMD_FRAMES_H

#include "kq/message.h"
#include "out.h"

enum { KQ_FRAME_MAX = 1 << 30 };

void kq_frame_write(struct kq_out *o, const struct kq_message *m);

/* Reads one frame from the n bytes at p: 1 with *used and *m (pointing into p); 0 if
 * it is not whole (*used then says how many bytes it needs as far as is known);
 * KQ_EINVAL with words for bytes that are no frame. */
int kq_frame_read(const void *p, size_t n, size_t *used, struct kq_message *m, struct kq_error *e);

#endif
