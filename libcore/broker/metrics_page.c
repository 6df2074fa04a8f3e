/* What the metrics page says. Names carry Kafka's nouns with the prefix kq_. */
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/arena.h"
#include "broker/fetch_session.h"
#include "broker/metrics.h"
#include "broker/metrics_http.h"
#include "broker/purgatory.h"
#include "broker/topics.h"
#include "log/log_manager.h"
#include "net/server.h"
#include "wire/api.h"

static void put(struct kq_writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(struct kq_writer *w, const char *fmt, ...)
{
	char line[600];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	kq_write_bytes(w, line, n < (int)sizeof line ? (size_t)n : sizeof line - 1);
}

static void family(struct kq_writer *w, const char *name, const char *type, const char *help)
{
	put(w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void single(struct kq_writer *w, const char *name, const char *type, const char *help,
		   double v)
{
	family(w, name, type, help);
	put(w, "%s %.17g\n", name, v);
}

static void counter(struct kq_writer *w, const char *name, const char *help, uint64_t v)
{
	family(w, name, "counter", help);
	put(w, "%s %llu\n", name, (unsigned long long)v);
}

/* One counter of each API that was used. */
static void by_api(struct kq_writer *w, struct kq_broker_metrics *m, const char *name,
		   const char *help, size_t at)
{
	const struct kq_api *api;
	family(w, name, "counter", help);
	for (int i = 0; (api = kq_api_at(i)); i++) {
		if (api->key >= KQ_METRICS_APIS || !kq_metrics_get(&m->api[api->key].requests))
			continue;
		const char *row = (const char *)&m->api[api->key];
		put(w, "%s{api=\"%s\"} %llu\n", name, api->name,
		    (unsigned long long)kq_metrics_get((const _Atomic uint64_t *)(row + at)));
	}
}

static void latencies(struct kq_writer *w, struct kq_broker_metrics *m)
{
	static const char NAME[] = "kq_request_duration_seconds";
	const struct kq_api *api;
	family(w, NAME, "histogram", "From the last byte of a request to its answer");
	for (int i = 0; (api = kq_api_at(i)); i++) {
		if (api->key >= KQ_METRICS_APIS || !kq_metrics_get(&m->api[api->key].requests))
			continue;
		const struct kq_api_metrics *a = &m->api[api->key];
		uint64_t sum = 0;
		for (int k = 0; k < KQ_METRICS_BUCKETS - 1; k++) {
			sum += kq_metrics_get(&a->micros[k]);
			put(w, "%s_bucket{api=\"%s\",le=\"%g\"} %llu\n", NAME, api->name,
			    (double)(1u << k) / 1e6, (unsigned long long)sum);
		}
		sum += kq_metrics_get(&a->micros[KQ_METRICS_BUCKETS - 1]);
		put(w, "%s_bucket{api=\"%s\",le=\"+Inf\"} %llu\n", NAME, api->name,
		    (unsigned long long)sum);
		put(w, "%s_sum{api=\"%s\"} %.6f\n", NAME, api->name,
		    (double)kq_metrics_get(&a->micros_total) / 1e6);
		put(w, "%s_count{api=\"%s\"} %llu\n", NAME, api->name, (unsigned long long)sum);
	}
}

static void write_requests(struct kq_broker *b, struct kq_writer *w)
{
	struct kq_broker_metrics *m = b->metrics;
	by_api(w, m, "kq_requests_total", "Requests answered",
	       offsetof(struct kq_api_metrics, requests));
	by_api(w, m, "kq_request_bytes_total", "Bytes of requests",
	       offsetof(struct kq_api_metrics, bytes_in));
	by_api(w, m, "kq_response_bytes_total", "Bytes of answers",
	       offsetof(struct kq_api_metrics, bytes_out));
	latencies(w, m);
	counter(w, "kq_requests_refused_total", "Requests of unknown kind or not decodable",
		kq_metrics_get(&m->requests_refused));
	counter(w, "kq_produce_bytes_total", "Bytes of batches appended by clients",
		kq_metrics_get(&m->produce_bytes));
	counter(w, "kq_produce_batches_total", "Batches appended by clients",
		kq_metrics_get(&m->produce_batches));
	counter(w, "kq_produce_records_total", "Records appended by clients",
		kq_metrics_get(&m->produce_records));
	counter(w, "kq_produce_errors_total", "Partitions of Produce answered with an error",
		kq_metrics_get(&m->produce_errors));
	counter(w, "kq_fetch_bytes_total", "Bytes of batches fetched",
		kq_metrics_get(&m->fetch_bytes));
	counter(w, "kq_fetch_errors_total", "Partitions of Fetch answered with an error",
		kq_metrics_get(&m->fetch_errors));
	single(w, "kq_requests_waiting", "gauge", "Requests that wait for data or disk",
	       (double)kq_purgatory_count(b->purgatory));
}

static void write_server(struct kq_broker *b, struct kq_writer *w)
{
	struct kq_server_stats s;
	struct kq_fetch_sessions_stats f;
	kq_server_stats(b->server, &s);
	kq_fetch_sessions_stats(b->sessions, &f);
	single(w, "kq_connections", "gauge", "Connections open", (double)s.connections);
	counter(w, "kq_connections_accepted_total", "Connections accepted", s.accepted);
	counter(w, "kq_connections_refused_total", "Connections refused by a bound", s.refused);
	counter(w, "kq_connections_idle_closed_total", "Connections closed for idling",
		s.closed_idle);
	counter(w, "kq_network_bytes_in_total", "Bytes received", s.bytes_in);
	counter(w, "kq_network_bytes_out_total", "Bytes sent", s.bytes_out);
	single(w, "kq_request_queue_bytes", "gauge", "Memory of requests under way",
	       (double)s.queued_bytes);
	single(w, "kq_fetch_sessions", "gauge", "Fetch sessions", (double)f.sessions);
	single(w, "kq_fetch_session_partitions", "gauge", "Partitions in fetch sessions",
	       (double)f.partitions);
}

static void write_disk(struct kq_broker *b, struct kq_writer *w)
{
	struct kq_log_manager_stats s;
	kq_log_manager_stats(b->logs, &s);
	counter(w, "kq_log_appends_total", "Appends to logs", s.appends);
	counter(w, "kq_log_append_bytes_total", "Bytes appended to logs", s.bytes_appended);
	counter(w, "kq_log_syncs_total", "fdatasync calls for appended data", s.syncs);
	family(w, "kq_log_sync_seconds_total", "counter", "Time spent in them");
	put(w, "kq_log_sync_seconds_total %.6f\n", (double)s.sync_us_total / 1e6);
	family(w, "kq_log_sync_seconds_max", "gauge", "The longest of them");
	put(w, "kq_log_sync_seconds_max %.6f\n", (double)s.sync_us_max / 1e6);
	family(w, "kq_log_directory_online", "gauge", "1 if the log directory works");
	for (int i = 0; i < kq_log_manager_dir_count(b->logs); i++) {
		struct kq_log_dir_info d;
		kq_log_manager_dir(b->logs, i, &d);
		put(w, "kq_log_directory_online{dir=\"%d\"} %d\n", i, d.online);
	}
}

/* One gauge of every log. */
struct gauge {
	struct kq_writer *w;
	const char *name;
	int64_t (*value)(const struct kq_log *log);
};

/* Topic names are letters, digits, '.', '_' and '-': nothing to escape. */
static void put_log(void *arg, struct kq_log *log)
{
	const struct gauge *g = arg;
	put(g->w, "%s{topic=\"%s\",partition=\"%d\"} %lld\n", g->name, kq_log_topic(log),
	    (int)kq_log_partition(log), (long long)g->value(log));
}

static void write_logs(struct kq_broker *b, struct kq_writer *w)
{
	static const struct {
		const char *name, *help;
		int64_t (*value)(const struct kq_log *log);
	} GAUGES[] = {
		{ "kq_log_size_bytes", "Bytes of a partition's segments", kq_log_size },
		{ "kq_log_start_offset", "First offset", kq_log_start_offset },
		{ "kq_log_end_offset", "Next offset", kq_log_end_offset },
		{ "kq_log_high_watermark", "End of what consumers see", kq_log_high_watermark },
	};
	for (size_t i = 0; i < sizeof GAUGES / sizeof *GAUGES; i++) {
		struct gauge g = { w, GAUGES[i].name, GAUGES[i].value };
		family(w, g.name, "gauge", GAUGES[i].help);
		kq_log_manager_each(b->logs, put_log, &g);
	}
}

static void write_process(struct kq_writer *w)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	if (f) {
		if (fscanf(f, "%*s %ld", &pages) != 1)
			pages = 0;
		fclose(f);
	}
	single(w, "process_resident_memory_bytes", "gauge", "Resident memory",
	       (double)pages * (double)sysconf(_SC_PAGESIZE));
	struct mallinfo2 mi = mallinfo2();
	single(w, "kq_heap_bytes", "gauge", "Memory in use from malloc",
	       (double)mi.uordblks + (double)mi.hblkhd);
}

void kq_metrics_write(struct kq_broker *b, struct kq_writer *w)
{
	write_requests(b, w);
	write_server(b, w);
	write_disk(b, w);
	single(w, "kq_partitions", "gauge", "Partitions served",
	       (double)kq_topics_partition_count(b->topics));
	write_logs(b, w);
	write_process(w);
}
