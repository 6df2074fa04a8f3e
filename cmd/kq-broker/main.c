/* kq-broker: options into a configuration, a broker started and stopped by signals. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/options.h"
#include "common/report.h"
#include "kq/broker.h"
#include "log_sink.h"
#include "notify.h"

static struct config {
	struct kq_common common;
	const char *data_dir, *listen;
	int64_t ready_fd;
	bool check;
} config;

static const struct kq_opt OPTIONS[] = {
	KQ_OPT(0, "data-dir", "DIR", NULL, "keep data here (log.dirs; default kq-data)", STRING,
	       offsetof(struct config, data_dir)),
	KQ_OPT(0, "listen", "HOST:PORT", NULL,
	       "serve here (listeners; default 127.0.0.1:9092, port 0 picks one)", STRING,
	       offsetof(struct config, listen)),
	KQ_OPT(0, "ready-fd", "N", "-1", "write HOST:PORT to descriptor N once it serves", INT,
	       offsetof(struct config, ready_fd), .min = -1, .max = 65535),
	KQ_OPT(0, "check", NULL, NULL, "print the effective configuration and exit", FLAG,
	       offsetof(struct config, check)),
	{ 0 },
};

static const struct kq_program PROGRAM = {
	.name = "kq-broker",
	.operands = "",
	.summary = "Serves topics to every Kafka client. With no options: 127.0.0.1:9092, data in\n"
		   "./kq-data. Keys are those of Kafka's server.properties.",
	.options = OPTIONS,
	.common = KQ_COMMON_CONFIG,
	.examples = "kq-broker --data-dir /var/lib/kq\n"
		    "kq-broker -X num.partitions=3 -X log.retention.hours=24\n"
		    "kq-broker --config server.properties --check\n",
};

static int set_key(void *arg, const char *key, const char *value, const char *origin,
		   struct kq_error *e)
{
	return kq_broker_config_set(arg, key, value, origin, e);
}

/* The file, then -X, then the options that stand for a key. */
static int configure(struct kq_broker_config *c, struct kq_error *e)
{
	char listeners[512];
	int rc = 0;
	if (config.common.config)
		rc = kq_broker_config_load(c, config.common.config, e);
	if (!rc)
		rc = kq_options_apply(&config.common, set_key, c, e);
	if (!rc && config.data_dir)
		rc = kq_broker_config_set(c, "log.dirs", config.data_dir, "--data-dir", e);
	if (!rc && config.listen) {
		bool named = strstr(config.listen, "://") != NULL;
		snprintf(listeners, sizeof listeners, "%s%s", named ? "" : "PLAINTEXT://",
			 config.listen);
		rc = kq_broker_config_set(c, "listeners", listeners, "--listen", e);
	}
	return rc ? rc : kq_broker_config_check(c, e);
}

static void open_log_file(const struct kq_broker_config *c)
{
	const char *path = kq_broker_config_str(c, "log.file");
	if (*path && log_sink_open(path))
		kq_report("cannot open '%s': %s; logging goes on as before", path, strerror(errno));
}

static void reload(struct kq_broker *b, const struct kq_broker_config *c)
{
	struct kq_error e = { 0 };
	open_log_file(c);
	if (config.common.config && kq_broker_reload(b, config.common.config, &e))
		kq_report_error(&e, "reload '%s'", config.common.config);
}

static int serve(struct kq_broker_config *c, const sigset_t *signals)
{
	struct kq_broker *b;
	struct kq_error e = { 0 };
	int sig;
	if (kq_broker_start(&b, c, &e))
		return kq_report_error(&e, "start");
	notify_systemd("READY=1");
	if (config.ready_fd >= 0 && notify_ready_fd((int)config.ready_fd, kq_broker_address(b, 0)))
		kq_report("cannot write to descriptor %d: %s", (int)config.ready_fd,
			  strerror(errno));
	while (!sigwait(signals, &sig) && sig == SIGHUP)
		reload(b, c);
	notify_systemd("STOPPING=1");
	kq_broker_stop(b);
	return KQ_EXIT_DONE;
}

int main(int argc, char **argv)
{
	struct kq_error e = { 0 };
	sigset_t signals;
	int status = kq_options_parse(&PROGRAM, &config, argc, argv);
	if (status >= 0)
		return status;
	log_sink_init(config.common.verbose ? KQ_LOG_DEBUG
					    : config.common.quiet ? KQ_LOG_WARN : KQ_LOG_INFO);
	struct kq_broker_config *c = kq_broker_config_new();
	if (configure(c, &e)) {
		status = kq_report_usage("%s", e.text);
	} else if (config.check) {
		kq_broker_config_print(c, stdout);
		status = fflush(stdout) ? KQ_EXIT_FAILED : KQ_EXIT_DONE;
	} else {
		/* before any thread, so that all inherit it and only sigwait sees them */
		sigemptyset(&signals);
		sigaddset(&signals, SIGTERM);
		sigaddset(&signals, SIGINT);
		sigaddset(&signals, SIGHUP);
		sigprocmask(SIG_BLOCK, &signals, NULL);
		open_log_file(c);
		status = serve(c, &signals);
	}
	kq_broker_config_free(c);
	return status;
}
