/* Keys of Kafka's producer, consumer and admin client, in order of name. */
#include "client/client_keys.h"

#include <string.h>

#define TEXT   KQ_CLIENT_TEXT
#define SECRET KQ_CLIENT_SECRET
#define BOOL   KQ_CLIENT_BOOL
#define INT    KQ_CLIENT_INT
#define REAL   KQ_CLIENT_REAL

const struct kq_client_key kq_client_keys[] = {
	{ "acks", TEXT, "all", 0, 0, "all,-1,0,1" },
	{ "allow.auto.create.topics", BOOL, "true", 0, 0, NULL },
	{ "auto.commit.interval.ms", INT, "5000", 0, INT32_MAX, NULL },
	{ "auto.include.jmx.reporter", BOOL, "true", 0, 0, NULL },
	{ "auto.offset.reset", TEXT, "earliest", 0, 0, "latest,earliest,none" },
	{ "batch.size", INT, "1048576", 0, INT32_MAX, NULL },
	{ "bootstrap.controllers", TEXT, NULL, 0, 0, NULL },
	{ "bootstrap.servers", TEXT, "localhost:9092", 0, 0, NULL },
	{ "buffer.memory", INT, "33554432", 0, INT64_MAX, NULL },
	{ "check.crcs", BOOL, "true", 0, 0, NULL },
	{ "client.dns.lookup", TEXT, "use_all_dns_ips", 0, 0, "use_all_dns_ips,resolve_canonical_bootstrap_servers_only" },
	{ "client.id", TEXT, "kq", 0, 0, NULL },
	{ "client.rack", TEXT, NULL, 0, 0, NULL },
	{ "compression.gzip.level", INT, "-1", -1, 9, NULL },
	{ "compression.lz4.level", INT, "9", 1, 17, NULL },
	{ "compression.type", TEXT, "none", 0, 0, "none,gzip,snappy,lz4,zstd" },
	{ "compression.zstd.level", INT, "3", -131072, 22, NULL },
	{ "connections.max.idle.ms", INT, "540000", INT64_MIN, INT64_MAX, NULL },
	{ "default.api.timeout.ms", INT, "60000", 0, INT32_MAX, NULL },
	{ "delivery.timeout.ms", INT, "120000", 0, INT32_MAX, NULL },
	{ "enable.auto.commit", BOOL, "true", 0, 0, NULL },
	{ "enable.idempotence", BOOL, "true", 0, 0, NULL },
	{ "enable.metrics.push", BOOL, "true", 0, 0, NULL },
	{ "exclude.internal.topics", BOOL, "true", 0, 0, NULL },
	{ "fetch.max.bytes", INT, "52428800", 0, INT32_MAX, NULL },
	{ "fetch.max.wait.ms", INT, "500", 0, INT32_MAX, NULL },
	{ "fetch.min.bytes", INT, "1", 0, INT32_MAX, NULL },
	{ "group.id", TEXT, NULL, 0, 0, NULL },
	{ "group.instance.id", TEXT, NULL, 0, 0, NULL },
	{ "group.protocol", TEXT, "classic", 0, 0, "CONSUMER,CLASSIC" },
	{ "group.remote.assignor", TEXT, NULL, 0, 0, NULL },
	{ "heartbeat.interval.ms", INT, "3000", INT32_MIN, INT32_MAX, NULL },
	{ "interceptor.classes", TEXT, NULL, 0, 0, NULL },
	{ "isolation.level", TEXT, "read_committed", 0, 0, "read_committed,read_uncommitted" },
	{ "key.deserializer", TEXT, NULL, 0, 0, NULL },
	{ "key.serializer", TEXT, NULL, 0, 0, NULL },
	{ "linger.ms", INT, "5", 0, INT64_MAX, NULL },
	{ "max.block.ms", INT, "60000", 0, INT64_MAX, NULL },
	{ "max.in.flight.requests.per.connection", INT, "5", 1, INT32_MAX, NULL },
	{ "max.partition.fetch.bytes", INT, "1048576", 0, INT32_MAX, NULL },
	{ "max.poll.interval.ms", INT, "300000", 1, INT32_MAX, NULL },
	{ "max.poll.records", INT, "500", 1, INT32_MAX, NULL },
	{ "max.request.size", INT, "1048576", 0, INT32_MAX, NULL },
	{ "metadata.max.age.ms", INT, "300000", 0, INT64_MAX, NULL },
	{ "metadata.max.idle.ms", INT, "300000", 5000, INT64_MAX, NULL },
	{ "metadata.recovery.strategy", TEXT, "none", 0, 0, "REBOOTSTRAP,NONE" },
	{ "metric.reporters", TEXT, NULL, 0, 0, NULL },
	{ "metrics.num.samples", INT, "2", 1, INT32_MAX, NULL },
	{ "metrics.recording.level", TEXT, "INFO", 0, 0, "INFO,DEBUG,TRACE" },
	{ "metrics.sample.window.ms", INT, "30000", 0, INT64_MAX, NULL },
	{ "partition.assignment.strategy", TEXT, "class org.apache.kafka.clients.consumer.RangeAssignor,class org.apache.kafka.clients.consumer.CooperativeStickyAssignor", 0, 0, NULL },
	{ "partitioner.adaptive.partitioning.enable", BOOL, "true", 0, 0, NULL },
	{ "partitioner.availability.timeout.ms", INT, "0", 0, INT64_MAX, NULL },
	{ "partitioner.class", TEXT, NULL, 0, 0, NULL },
	{ "partitioner.ignore.keys", BOOL, "false", 0, 0, NULL },
	{ "receive.buffer.bytes", INT, "-1", -1, INT32_MAX, NULL },
	{ "reconnect.backoff.max.ms", INT, "1000", 0, INT64_MAX, NULL },
	{ "reconnect.backoff.ms", INT, "50", 0, INT64_MAX, NULL },
	{ "request.timeout.ms", INT, "30000", 0, INT32_MAX, NULL },
	{ "retries", INT, "2147483647", 0, 2147483647, NULL },
	{ "retry.backoff.max.ms", INT, "1000", 0, INT64_MAX, NULL },
	{ "retry.backoff.ms", INT, "100", 0, INT64_MAX, NULL },
	{ "sasl.client.callback.handler.class", TEXT, NULL, 0, 0, NULL },
	{ "sasl.jaas.config", SECRET, NULL, 0, 0, NULL },
	{ "sasl.kerberos.kinit.cmd", TEXT, "/usr/bin/kinit", 0, 0, NULL },
	{ "sasl.kerberos.min.time.before.relogin", INT, "60000", INT64_MIN, INT64_MAX, NULL },
	{ "sasl.kerberos.service.name", TEXT, NULL, 0, 0, NULL },
	{ "sasl.kerberos.ticket.renew.jitter", REAL, "0.05", 0, 0, NULL },
	{ "sasl.kerberos.ticket.renew.window.factor", REAL, "0.8", 0, 0, NULL },
	{ "sasl.login.callback.handler.class", TEXT, NULL, 0, 0, NULL },
	{ "sasl.login.class", TEXT, NULL, 0, 0, NULL },
	{ "sasl.login.connect.timeout.ms", INT, NULL, INT32_MIN, INT32_MAX, NULL },
	{ "sasl.login.read.timeout.ms", INT, NULL, INT32_MIN, INT32_MAX, NULL },
	{ "sasl.login.refresh.buffer.seconds", INT, "300", 0, 3600, NULL },
	{ "sasl.login.refresh.min.period.seconds", INT, "60", 0, 900, NULL },
	{ "sasl.login.refresh.window.factor", REAL, "0.8", 0, 0, NULL },
	{ "sasl.login.refresh.window.jitter", REAL, "0.05", 0, 0, NULL },
	{ "sasl.login.retry.backoff.max.ms", INT, "10000", INT64_MIN, INT64_MAX, NULL },
	{ "sasl.login.retry.backoff.ms", INT, "100", INT64_MIN, INT64_MAX, NULL },
	{ "sasl.mechanism", TEXT, "GSSAPI", 0, 0, NULL },
	{ "sasl.oauthbearer.clock.skew.seconds", INT, "30", INT32_MIN, INT32_MAX, NULL },
	{ "sasl.oauthbearer.expected.audience", TEXT, NULL, 0, 0, NULL },
	{ "sasl.oauthbearer.expected.issuer", TEXT, NULL, 0, 0, NULL },
	{ "sasl.oauthbearer.header.urlencode", BOOL, "false", 0, 0, NULL },
	{ "sasl.oauthbearer.jwks.endpoint.refresh.ms", INT, "3600000", INT64_MIN, INT64_MAX, NULL },
	{ "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", INT, "10000", INT64_MIN, INT64_MAX, NULL },
	{ "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", INT, "100", INT64_MIN, INT64_MAX, NULL },
	{ "sasl.oauthbearer.jwks.endpoint.url", TEXT, NULL, 0, 0, NULL },
	{ "sasl.oauthbearer.scope.claim.name", TEXT, "scope", 0, 0, NULL },
	{ "sasl.oauthbearer.sub.claim.name", TEXT, "sub", 0, 0, NULL },
	{ "sasl.oauthbearer.token.endpoint.url", TEXT, NULL, 0, 0, NULL },
	{ "security.protocol", TEXT, "PLAINTEXT", 0, 0, "SASL_SSL,PLAINTEXT,SSL,SASL_PLAINTEXT" },
	{ "security.providers", TEXT, NULL, 0, 0, NULL },
	{ "send.buffer.bytes", INT, "-1", -1, INT32_MAX, NULL },
	{ "session.timeout.ms", INT, "45000", INT32_MIN, INT32_MAX, NULL },
	{ "socket.connection.setup.timeout.max.ms", INT, "30000", INT64_MIN, INT64_MAX, NULL },
	{ "socket.connection.setup.timeout.ms", INT, "10000", INT64_MIN, INT64_MAX, NULL },
	{ "ssl.cipher.suites", TEXT, NULL, 0, 0, NULL },
	{ "ssl.enabled.protocols", TEXT, "TLSv1.2,TLSv1.3", 0, 0, NULL },
	{ "ssl.endpoint.identification.algorithm", TEXT, "https", 0, 0, NULL },
	{ "ssl.engine.factory.class", TEXT, NULL, 0, 0, NULL },
	{ "ssl.key.password", SECRET, NULL, 0, 0, NULL },
	{ "ssl.keymanager.algorithm", TEXT, "SunX509", 0, 0, NULL },
	{ "ssl.keystore.certificate.chain", SECRET, NULL, 0, 0, NULL },
	{ "ssl.keystore.key", SECRET, NULL, 0, 0, NULL },
	{ "ssl.keystore.location", TEXT, NULL, 0, 0, NULL },
	{ "ssl.keystore.password", SECRET, NULL, 0, 0, NULL },
	{ "ssl.keystore.type", TEXT, "JKS", 0, 0, NULL },
	{ "ssl.protocol", TEXT, "TLSv1.3", 0, 0, NULL },
	{ "ssl.provider", TEXT, NULL, 0, 0, NULL },
	{ "ssl.secure.random.implementation", TEXT, NULL, 0, 0, NULL },
	{ "ssl.trustmanager.algorithm", TEXT, "PKIX", 0, 0, NULL },
	{ "ssl.truststore.certificates", SECRET, NULL, 0, 0, NULL },
	{ "ssl.truststore.location", TEXT, NULL, 0, 0, NULL },
	{ "ssl.truststore.password", SECRET, NULL, 0, 0, NULL },
	{ "ssl.truststore.type", TEXT, "JKS", 0, 0, NULL },
	{ "transaction.timeout.ms", INT, "60000", INT32_MIN, INT32_MAX, NULL },
	{ "transactional.id", TEXT, NULL, 0, 0, NULL },
	{ "value.deserializer", TEXT, NULL, 0, 0, NULL },
	{ "value.serializer", TEXT, NULL, 0, 0, NULL },
};
const int kq_client_keys_n = (int)(sizeof(kq_client_keys) / sizeof(kq_client_keys[0]));

int kq_client_key_find(const char *name)
{
	int low = 0, high = kq_client_keys_n;
	while (low < high) {
		int mid = (low + high) / 2, d = strcmp(name, kq_client_keys[mid].name);
		if (!d)
			return mid;
		if (d < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return -1;
}
