/* kq-produce: lines (or other records) into a topic. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/report.h"
#include "fate.h"
#include "feed.h"
#include "kq/units.h"

enum { FLUSH_STEP_MS = 200, TOPIC_MS_MAX = 30000 };

static struct config config;
volatile sig_atomic_t signalled;

/* The first signal lets what is in hand be delivered; a second one is not waited for. */
static void on_signal(int sig)
{
	if (signalled)
		_exit(128 + sig);
	signalled = sig;
}

static void catch_signals(void)
{
	struct sigaction a = { .sa_handler = on_signal };
	sigaction(SIGINT, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
}

/* Feeds the operands after the topic. false: some file could not be read. */
static bool feed_all(struct feed *f, char **files, int n)
{
	char dash[] = "-", *standard_input[] = { dash };
	bool ok = true;
	if (n == 0) {
		files = standard_input;
		n = 1;
	}
	for (int i = 0; i < n && !signalled; i++) {
		bool is_stdin = !strcmp(files[i], "-");
		int fd = is_stdin ? STDIN_FILENO : open(files[i], O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			kq_report("cannot open '%s': %s", files[i], strerror(errno));
			ok = false;
			continue;
		}
		if (!f->stop)
			ok &= feed_file(f, fd, files[i]);
		if (f->stop || atomic_load(&f->fate->failed))
			feed_keep_rest(f, fd); /* and of the files after it, too */
		if (!is_stdin)
			close(fd);
	}
	return ok;
}

static void flush(struct feed *f)
{
	while (kq_producer_flush(f->producer, FLUSH_STEP_MS) == KQ_ETIMEOUT)
		feed_talk(f, false);
}

static void say_stats(struct feed *f)
{
	struct kq_producer_stats s;
	char in[KQ_ISO_MAX], out[KQ_ISO_MAX];
	kq_producer_stats(f->producer, &s);
	fprintf(stderr, "kq-produce: %llu records read, %llu delivered, %llu failed, %llu skipped, "
		"%s in, %s out in %llu batches, %llu sent again\n",
		(unsigned long long)f->records, (unsigned long long)s.delivered,
		(unsigned long long)s.failed, (unsigned long long)f->skipped,
		kq_size_text((int64_t)s.bytes, in), kq_size_text((int64_t)s.batch_bytes, out),
		(unsigned long long)s.batches, (unsigned long long)s.retries);
}

/* Tells what was not delivered, and the exit status for all of it. */
static int conclude(struct feed *f, bool files_ok)
{
	struct fate *fate = f->fate;
	char place[300] = "";
	int status = files_ok && !f->bad ? KQ_EXIT_DONE : KQ_EXIT_FAILED;
	if (fate->undelivered) {
		if (fate->first_line) {
			feed_place(f, fate->first_line, place, sizeof place);
			strcat(place, ": ");
		}
		kq_report("%llu record%s not delivered%s%s%s; %s%s", (unsigned long long)fate->undelivered,
			  fate->undelivered == 1 ? "" : "s", fate->first_reason[0] ? ": " : "", place,
			  fate->first_reason,
			  config.undelivered ? "kept in " : "--undelivered FILE keeps what is not",
			  config.undelivered ? config.undelivered : "");
		status = KQ_EXIT_FAILED;
	}
	if (fate_finish(fate, &config))
		status = KQ_EXIT_FAILED;
	if (f->tee_gone && status == KQ_EXIT_DONE)
		kq_report_die_of_pipe();
	return signalled ? kq_report_signal_status(signalled) : status;
}

static int start(struct kq_producer **p, struct kq_producer_topic **topic, struct kq_producer_topic **dead,
		 struct fate *fate, struct kq_error *e)
{
	struct kq_producer_options o = {
		.delivered = fate_delivered, .arg = fate,
		.partitioner = (enum kq_partitioner)config.partitioner,
		.keep_raw = config.undelivered != NULL, .keep_records = config.report,
	};
	int wait = config.timeout_ms < TOPIC_MS_MAX ? (int)config.timeout_ms : TOPIC_MS_MAX;
	int rc = kq_producer_new(p, config.client, &o, e);
	if (rc)
		return kq_report_usage("%s", e->text);
	rc = kq_producer_topic(*p, config.common.operands[0], wait, topic, e);
	if (rc)
		return kq_report_error(e, "send to '%s'", config.common.operands[0]);
	if (config.dead_letter && kq_producer_topic(*p, config.dead_letter, wait, dead, e))
		return kq_report_error(e, "send to '%s'", config.dead_letter);
	return -1;
}

static int produce(struct fate *fate)
{
	struct kq_error e = { 0 };
	struct kq_producer *p = NULL;
	struct kq_producer_topic *topic = NULL, *dead = NULL;
	int status = start(&p, &topic, &dead, fate, &e);
	if (status >= 0) {
		kq_producer_free(p);
		return status;
	}
	struct feed f;
	feed_init(&f, &config, fate, p, topic);
	f.dead_letter = dead;
	bool ok = feed_all(&f, config.common.operands + 1, config.common.operand_count - 1);
	flush(&f);
	if (config.progress)
		feed_talk(&f, true);
	if (config.stats)
		say_stats(&f);
	kq_producer_free(p);
	status = conclude(&f, ok);
	feed_deinit(&f);
	return status;
}

int main(int argc, char **argv)
{
	struct kq_error e = { 0 };
	struct fate fate;
	int status = kq_options_parse(&PROGRAM, &config, argc, argv);
	if (status >= 0)
		return status;
	if (config_finish(&config, &e)) {
		status = kq_report_usage("%s", e.text);
		config_deinit(&config);
		return status;
	}
	if (isatty(STDERR_FILENO) && !config.common.quiet && !isatty(STDIN_FILENO))
		config.progress = true;
	catch_signals();
	fate_init(&fate, &config);
	if (config.undelivered && fate.kept.fd < 0) {
		kq_report("cannot open '%s': %s", config.undelivered, strerror(fate.first_error));
		status = KQ_EXIT_FAILED;
	} else {
		status = produce(&fate);
	}
	fate_deinit(&fate);
	config_deinit(&config);
	return status;
}
