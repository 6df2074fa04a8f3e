/* Kafka's protocol as data: one table a message, from which decode, encode,
 * print and fuzz all work.
 *
 * wire/schema/NN-name.msg describes each message once, versions and tags
 * included; gen.awk turns them into wire/messages.h (structs) and messages.c
 * (tables). Names: message ProduceRequest becomes `struct kq_produce_request`
 * and the table `kq_produce_request_schema`; a nested struct TopicProduceData of
 * it becomes `struct kq_produce_request_topic_produce_data`; a field
 * TransactionalId becomes the member `transactional_id`. Types:
 *
 *   bool, int8..int64, uint16, uint32, float64   bool, int8_t .. double
 *   string                                       struct kq_str (len -1 null)
 *   bytes, records                               struct kq_bytes (len -1 null)
 *   uuid                                         struct kq_uuid
 *   []X                                          X *name; int32_t name_n (-1 null)
 *   struct                                       held by value
 *   nullable struct                              pointer, NULL null
 *
 * Decoded strings, bytes and records point into the input; arrays and pointers
 * come from the arena. */
#ifndef KQ_WIRE_CODEC_H
#define KQ_WIRE_CODEC_H

#include "base/arena.h"
#include "base/reader.h"
#include "base/writer.h"

struct kq_schema; /* opaque outside wire/; see schema.h */

/* Where a records field was left out of an encoding, see kq_wire_encode. */
struct kq_wire_gap {
	size_t pos;  /* bytes of the encoding before the gap */
	int32_t len; /* bytes that belong there */
};

struct kq_wire_gaps {
	struct kq_wire_gap *v; /* caller's array */
	int n, cap;
};

/* Sets every field of *msg to its default (strings "", nullables as the schema
 * says, numbers 0 or the default). *msg is the struct that belongs to s. */
void kq_wire_init(const struct kq_schema *s, void *msg);

/* An array of count structs from the arena, each set to its defaults; NULL if
 * memory or the limit is exhausted. Nested structs have a table too:
 * `kq_fetch_response_partition_data_schema`. */
void *kq_wire_array(const struct kq_schema *s, struct kq_arena *a, size_t count);

/* Decodes one message of this version from r into *msg. Fields absent in the
 * version get their default. Array counts are checked against the bytes that are
 * left before anything is allocated. Returns 0, KQ_ETRUNC, KQ_ECORRUPT,
 * KQ_EUNSUPPORTED (version out of range) or KQ_ELIMIT/KQ_ENOMEM (arena).
 * Bytes after the message stay in r. */
int kq_wire_decode(const struct kq_schema *s, int version, struct kq_reader *r,
		   struct kq_arena *a, void *msg);

/* Encodes *msg at this version. A field that the version lacks is left out if it
 * has its default or is ignorable, else KQ_EUNSUPPORTED. gaps may be NULL; if
 * given, a records field with p == NULL and len > 0 has only its length written
 * and its place noted (the fetch path then sends file bytes there): KQ_ELIMIT if
 * gaps is full. Null where the version does not know null is KQ_EINVAL, a text
 * too long for its length field KQ_ELIMIT. Returns 0 or a negative KQ_E*; w then
 * holds rubbish. */
int kq_wire_encode(const struct kq_schema *s, int version, struct kq_writer *w,
		   const void *msg, struct kq_wire_gaps *gaps);

/* Prints *msg as one line of JSON with the fields of this version: names begin
 * with a small letter, bytes are base64, uuids base64url without padding, records
 * "" (only null shows); tagged fields only when they are not their default. For
 * people and tests. */
int kq_wire_print(const struct kq_schema *s, int version, const void *msg,
		  struct kq_writer *json);

/* Versions of the message, and whether this one is flexible. */
int kq_schema_min_version(const struct kq_schema *s);
int kq_schema_max_version(const struct kq_schema *s);
bool kq_schema_is_flexible(const struct kq_schema *s, int version);
const char *kq_schema_name(const struct kq_schema *s);

#endif
