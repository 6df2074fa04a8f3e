/* The table of Kafka's client configuration keys. */
#ifndef KQ_CLIENT_CLIENT_KEYS_H
#define KQ_CLIENT_CLIENT_KEYS_H

#include <stdint.h>

enum kq_client_key_type {
	KQ_CLIENT_TEXT,
	KQ_CLIENT_SECRET, /* never shown */
	KQ_CLIENT_BOOL,
	KQ_CLIENT_INT,
	KQ_CLIENT_REAL,
};

struct kq_client_key {
	const char *name;
	enum kq_client_key_type type;
	const char *value;  /* default; NULL none */
	int64_t min, max;   /* of an INT */
	const char *words;  /* valid texts, comma-separated; NULL any */
};

extern const struct kq_client_key kq_client_keys[];
extern const int kq_client_keys_n;

/* Index of a key, or -1. */
int kq_client_key_find(const char *name);

#endif
