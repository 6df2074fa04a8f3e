/* What a topic's configuration means to its logs: effective values, resolved
 * from topic, broker and default by broker/. Names are Kafka's. */
#ifndef KQ_LOG_LOG_CONFIG_H
#define KQ_LOG_LOG_CONFIG_H

#include "kq/types.h"

struct kq_log_config {
	int32_t segment_bytes;        /* segment.bytes */
	int64_t segment_ms;           /* segment.ms */
	int64_t segment_jitter_ms;    /* segment.jitter.ms */
	int32_t segment_index_bytes;  /* segment.index.bytes */
	int32_t index_interval_bytes; /* index.interval.bytes */
	int32_t max_message_bytes;    /* max.message.bytes */
	int64_t retention_ms;         /* -1 off */
	int64_t retention_bytes;      /* -1 off */
	int64_t file_delete_delay_ms; /* file.delete.delay.ms */
	bool cleanup_compact, cleanup_delete; /* cleanup.policy */
	int codec;                    /* enum kq_codec, -1 = producer (keep) */
	int codec_level;              /* compression.*.level; 0 = codec's default */
	bool log_append_time;         /* message.timestamp.type */
	int64_t timestamp_before_max_ms; /* message.timestamp.before.max.ms; INT64_MAX off */
	int64_t timestamp_after_max_ms;  /* message.timestamp.after.max.ms; INT64_MAX off */
	int64_t flush_messages, flush_ms; /* Kafka's own flush settings; INT64_MAX off */
	bool preallocate;
	int64_t producer_expiration_ms; /* producer.id.expiration.ms (broker) */
};

/* Kafka 3.9's defaults. */
void kq_log_config_init(struct kq_log_config *c);

#endif
