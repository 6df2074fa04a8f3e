/* The API table: one row per API key, and the headers before each body. */
#ifndef KQ_WIRE_API_H
#define KQ_WIRE_API_H

#include "wire/codec.h"

struct kq_api {
	int16_t key;
	const char *name; /* "Produce" */
	const struct kq_schema *request, *response;
};

/* The row of an API key, or NULL. */
const struct kq_api *kq_api_find(int key);

/* Rows in order of key, for loops over all of them. */
const struct kq_api *kq_api_at(int i); /* NULL past the end */

/* Names of the keys that code needs to spell. Generated values equal Kafka's. */
enum kq_api_key {
	KQ_API_PRODUCE = 0,
	KQ_API_FETCH = 1,
	KQ_API_LIST_OFFSETS = 2,
	KQ_API_METADATA = 3,
	KQ_API_OFFSET_COMMIT = 8,
	KQ_API_OFFSET_FETCH = 9,
	KQ_API_FIND_COORDINATOR = 10,
	KQ_API_JOIN_GROUP = 11,
	KQ_API_HEARTBEAT = 12,
	KQ_API_LEAVE_GROUP = 13,
	KQ_API_SYNC_GROUP = 14,
	KQ_API_SASL_HANDSHAKE = 17,
	KQ_API_API_VERSIONS = 18,
	KQ_API_CREATE_TOPICS = 19,
	KQ_API_DELETE_TOPICS = 20,
	KQ_API_DELETE_RECORDS = 21,
	KQ_API_INIT_PRODUCER_ID = 22,
	KQ_API_OFFSET_FOR_LEADER_EPOCH = 23,
	KQ_API_DESCRIBE_CONFIGS = 32,
	KQ_API_ALTER_CONFIGS = 33,
	KQ_API_DESCRIBE_LOG_DIRS = 35,
	KQ_API_CREATE_PARTITIONS = 37,
	KQ_API_INCREMENTAL_ALTER_CONFIGS = 44,
	KQ_API_DESCRIBE_CLUSTER = 60,
	KQ_API_DESCRIBE_PRODUCERS = 61,
	KQ_API_DESCRIBE_TOPIC_PARTITIONS = 75,
};

struct kq_request_head {
	int16_t api_key, api_version;
	int32_t correlation_id;
	struct kq_str client_id; /* borrowed from the frame */
};

/* Reads a request header (v1, or v2 where the API's version is flexible; client
 * id stays in the old form). For an unknown key or version only key, version and
 * correlation id (and client id where it parses) are set and KQ_EUNSUPPORTED is
 * returned. KQ_ETRUNC or KQ_ECORRUPT for bytes that are no header. */
int kq_api_read_request_head(struct kq_reader *r, struct kq_request_head *h);
void kq_api_write_request_head(struct kq_writer *w, const struct kq_request_head *h);

/* Response header: v0, v1 for flexible versions, always v0 for ApiVersions. */
int kq_api_read_response_head(struct kq_reader *r, int key, int version, int32_t *correlation_id);
void kq_api_write_response_head(struct kq_writer *w, int key, int version, int32_t correlation_id);

#endif
