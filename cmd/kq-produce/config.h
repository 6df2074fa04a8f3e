/* What kq-produce was told to do. */
#ifndef KQ_PRODUCE_CONFIG_H
#define KQ_PRODUCE_CONFIG_H

#include "common/format.h"
#include "common/options.h"
#include "kq/producer.h"

enum input_kind { INPUT_LINES, INPUT_JSON, INPUT_FRAMES };
enum on_error { ON_ERROR_STOP, ON_ERROR_SKIP, ON_ERROR_DEAD_LETTER };

struct config {
	struct kq_common common;
	const char *delim, *key_delim, *key;
	bool nul, empty_as_null, report, tee, progress, stats;
	struct kq_opt_list header;
	int input;
	const char *format;
	int64_t partition;
	int partitioner;
	const char *compression, *acks, *batch_size, *linger, *in_flight, *timeout, *timestamp;
	int64_t rate;
	const char *on_error, *undelivered;

	/* made of these by config_finish */
	char delim_bytes[256], key_delim_bytes[256];
	size_t delim_n, key_delim_n;
	uint8_t *headers;      /* encoded */
	int32_t headers_n, header_count;
	int64_t timestamp_ms;  /* -1: now */
	int64_t timeout_ms;
	enum on_error on_error_kind;
	const char *dead_letter;
	struct kq_format *layout; /* of -f; NULL */
	struct kq_client_config *client;
};

extern const struct kq_program PROGRAM;

/* Checks what the table cannot and fills the second half. 0, or KQ_EINVAL with words. */
int config_finish(struct config *c, struct kq_error *e);
void config_deinit(struct config *c);

#endif
