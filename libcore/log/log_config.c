#include "log/log_config.h"

void kq_log_config_init(struct kq_log_config *c)
{
	static const int64_t day = 24 * 60 * 60 * 1000LL;
	*c = (struct kq_log_config){
		.segment_bytes = 1 << 30,
		.segment_ms = 7 * day,
		.segment_jitter_ms = 0,
		.segment_index_bytes = 10 << 20,
		.index_interval_bytes = 4096,
		.max_message_bytes = (1 << 20) + 12,
		.retention_ms = 7 * day,
		.retention_bytes = -1,
		.file_delete_delay_ms = 60 * 1000,
		.cleanup_delete = true,
		.codec = -1,
		.timestamp_before_max_ms = INT64_MAX,
		.timestamp_after_max_ms = INT64_MAX,
		.flush_messages = INT64_MAX,
		.flush_ms = INT64_MAX,
		.producer_expiration_ms = day,
	};
}
