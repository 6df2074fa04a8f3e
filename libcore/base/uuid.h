/* Ids of 16 bytes (topics, directories, clusters) and their text: 22 characters of
 * base64 with the URL's alphabet and no padding, as Kafka prints them. */
#ifndef KQ_BASE_UUID_H
#define KQ_BASE_UUID_H

#include "kq/types.h"

enum { KQ_UUID_TEXT_LEN = 22 };

bool kq_uuid_is_zero(const struct kq_uuid *u);
bool kq_uuid_equal(const struct kq_uuid *a, const struct kq_uuid *b);

/* The text with a NUL. */
void kq_uuid_format(const struct kq_uuid *u, char text[KQ_UUID_TEXT_LEN + 1]);

/* False if the text is not exactly such an id; *u is then zero. */
bool kq_uuid_parse(struct kq_str text, struct kq_uuid *u);

/* A random one (version 4) that is none of the reserved and whose text does not
 * begin with '-', so that tools need not quote it. From the kernel's generator;
 * aborts if there is none. */
void kq_uuid_random(struct kq_uuid *u);

#endif
