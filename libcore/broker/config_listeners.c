/* listeners, advertised.listeners and the checks on a whole configuration. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "broker/config.h"

bool kq_host_is_loopback(const char *host)
{
	return !strcmp(host, "localhost") || !strncmp(host, "127.", 4) || !strcmp(host, "::1");
}

int kq_host_port_parse(const char *s, size_t n, char host[256], int *port)
{
	const char *colon = memrchr(s, ':', n);
	if (!colon)
		return KQ_EINVAL;
	size_t host_n = (size_t)(colon - s), digits = n - host_n - 1;
	if (host_n >= 2 && s[0] == '[' && s[host_n - 1] == ']') {
		s++;
		host_n -= 2;
	} else if (memchr(s, ':', host_n)) {
		return KQ_EINVAL;
	}
	if (host_n > 255 || digits == 0 || digits > 5 ||
	    strspn(colon + 1, "0123456789") < digits)
		return KQ_EINVAL;
	long v = strtol(colon + 1, NULL, 10);
	if (v > 65535)
		return KQ_EINVAL;
	memcpy(host, s, host_n);
	host[host_n] = '\0';
	*port = (int)v;
	return 0;
}

/* The next element of a comma-separated list, blanks taken off; false at its end. */
static bool next_element(const char **p, const char **s, size_t *n)
{
	while (**p == ',' || **p == ' ')
		(*p)++;
	if (!**p)
		return false;
	*s = *p;
	*n = strcspn(*p, ",");
	*p += *n;
	while (*n > 0 && (*s)[*n - 1] == ' ')
		(*n)--;
	return true;
}

/* "NAME://HOST:PORT" into name (upper case), host, port. */
static int parse_endpoint(const char *s, size_t n, char name[64], char host[256], int *port)
{
	const char *sep = memmem(s, n, "://", 3);
	if (!sep || sep == s || sep - s > 63)
		return KQ_EINVAL;
	size_t name_n = (size_t)(sep - s);
	for (size_t i = 0; i < name_n; i++)
		name[i] = (char)toupper((unsigned char)s[i]);
	name[name_n] = '\0';
	return kq_host_port_parse(sep + 3, n - name_n - 3, host, port);
}

static struct kq_listener *find_listener(struct kq_listener *v, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(v[i].name, name))
			return &v[i];
	return NULL;
}

static int parse_listeners(const char *text, struct kq_listener *out, struct kq_error *e)
{
	const char *s;
	size_t len;
	int n = 0;
	while (next_element(&text, &s, &len)) {
		struct kq_listener *l = &out[n];
		if (n == KQ_LISTENERS_MAX)
			return kq_error_set(e, KQ_EINVAL, "listeners: more than %d",
					    KQ_LISTENERS_MAX);
		*l = (struct kq_listener){ 0 };
		if (parse_endpoint(s, len, l->name, l->host, &l->port))
			return kq_error_set(e, KQ_EINVAL,
					    "listeners: '%.*s' is not NAME://HOST:PORT",
					    (int)(len < 200 ? len : 200), s);
		if (find_listener(out, n, l->name))
			return kq_error_set(e, KQ_EINVAL,
					    "listeners: each needs a name of its own, %s comes twice",
					    l->name);
		n++;
	}
	return n ? n : kq_error_set(e, KQ_EINVAL, "listeners: none is given");
}

/* Sets the protocols by listener.security.protocol.map ("NAME:PROTOCOL,...").
 * Without it a name is taken for the protocol it spells. */
static int map_protocols(const char *map, struct kq_listener *v, int n, struct kq_error *e)
{
	static const char KNOWN[] = "PLAINTEXT SSL SASL_PLAINTEXT SASL_SSL";
	const char *s;
	size_t len;
	while (next_element(&map, &s, &len)) {
		const char *colon = memchr(s, ':', len);
		size_t name_n = colon ? (size_t)(colon - s) : 0, proto_n = len - name_n - 1;
		if (!colon || !name_n || proto_n < 3 || proto_n > 14)
			return kq_error_set(e, KQ_EINVAL, "listener.security.protocol.map: "
					    "'%.*s' is not NAME:PROTOCOL",
					    (int)(len < 200 ? len : 200), s);
		for (int i = 0; i < n; i++) {
			if (strncasecmp(v[i].name, s, name_n) || v[i].name[name_n])
				continue;
			memcpy(v[i].protocol, colon + 1, proto_n);
			v[i].protocol[proto_n] = '\0';
		}
	}
	for (int i = 0; i < n; i++) {
		if (!v[i].protocol[0])
			return kq_error_set(e, KQ_EINVAL, "listener %s: no security protocol "
					    "for it in listener.security.protocol.map", v[i].name);
		if (!strstr(KNOWN, v[i].protocol))
			return kq_error_set(e, KQ_EINVAL, "listener %s: no such security "
					    "protocol: %s", v[i].name, v[i].protocol);
	}
	return 0;
}

static bool is_any_address(const char *host)
{
	return !*host || !strcmp(host, "0.0.0.0") || !strcmp(host, "::");
}

static void advertise_self(struct kq_listener *l)
{
	l->advertised_port = l->port;
	if (!is_any_address(l->host))
		memcpy(l->advertised_host, l->host, sizeof l->host);
	else if (gethostname(l->advertised_host, sizeof l->advertised_host - 1))
		memcpy(l->advertised_host, "localhost", 10);
}

static int parse_advertised(const char *text, struct kq_listener *v, int n, struct kq_error *e)
{
	const char *s;
	size_t len;
	while (text && next_element(&text, &s, &len)) {
		char name[64], host[256];
		int port;
		if (parse_endpoint(s, len, name, host, &port))
			return kq_error_set(e, KQ_EINVAL,
					    "advertised.listeners: '%.*s' is not NAME://HOST:PORT",
					    (int)(len < 200 ? len : 200), s);
		struct kq_listener *l = find_listener(v, n, name);
		if (!l)
			return kq_error_set(e, KQ_EINVAL, "advertised.listeners: listeners has "
					    "no %s", name);
		if (is_any_address(host))
			return kq_error_set(e, KQ_EINVAL, "advertised.listeners: %s needs an "
					    "address that clients can reach", name);
		memcpy(l->advertised_host, host, sizeof host);
		l->advertised_port = port;
	}
	return 0;
}

int kq_broker_config_listeners(const struct kq_broker_config *c,
			       struct kq_listener out[KQ_LISTENERS_MAX], struct kq_error *e)
{
	char *listeners = kq_broker_config_dup(c, "listeners");
	char *map = kq_broker_config_dup(c, "listener.security.protocol.map");
	char *advertised = kq_broker_config_dup(c, "advertised.listeners");
	int n = parse_listeners(listeners, out, e);
	int rc = n < 0 ? n : map_protocols(map, out, n, e);
	for (int i = 0; !rc && i < n; i++)
		advertise_self(&out[i]);
	if (!rc)
		rc = parse_advertised(advertised, out, n, e);
	free(listeners);
	free(map);
	free(advertised);
	return rc ? rc : n;
}

/* ---- the whole ------------------------------------------------------------------- */

static int check_listeners(const struct kq_broker_config *c, struct kq_error *e)
{
	struct kq_listener v[KQ_LISTENERS_MAX];
	int n = kq_broker_config_listeners(c, v, e);
	bool insecure = kq_broker_config_bool(c, "insecure.listeners");
	for (int i = 0; i < n; i++) {
		if (strcmp(v[i].protocol, "PLAINTEXT"))
			return kq_error_set(e, KQ_EUNSUPPORTED, "listener %s: %s is not built "
					    "yet, only PLAINTEXT is", v[i].name, v[i].protocol);
		if (!insecure && !kq_host_is_loopback(v[i].host))
			return kq_error_set(e, KQ_EINVAL, "listener %s on '%s:%d' would take "
					    "anyone's requests unencrypted; set "
					    "insecure.listeners=true if that is meant",
					    v[i].name, v[i].host, v[i].port);
	}
	return n < 0 ? n : 0;
}

static int check_metrics(const struct kq_broker_config *c, struct kq_error *e)
{
	char host[256];
	int port;
	const char *text = kq_broker_config_str(c, "metrics.listener");
	if (!*text)
		return 0;
	if (kq_host_port_parse(text, strlen(text), host, &port))
		return kq_error_set(e, KQ_EINVAL, "metrics.listener: '%.200s' is not HOST:PORT",
				    text);
	if (!kq_host_is_loopback(host) && !kq_broker_config_bool(c, "insecure.listeners"))
		return kq_error_set(e, KQ_EINVAL, "metrics.listener on '%s' would answer anyone; "
				    "set insecure.listeners=true if that is meant", text);
	return 0;
}

int kq_broker_config_check(struct kq_broker_config *c, struct kq_error *e)
{
	const char *zk = kq_broker_config_str(c, "zookeeper.connect");
	const char *roles = kq_broker_config_str(c, "process.roles");
	int n;
	if (zk && *zk)
		return kq_error_set(e, KQ_EUNSUPPORTED, "zookeeper.connect: joining a cluster is "
				    "not built yet; leave it out to serve from this machine alone");
	if (*roles)
		return kq_error_set(e, KQ_EUNSUPPORTED, "process.roles: KRaft is not built; "
				    "leave it out to serve from this machine alone");
	int64_t id = kq_broker_config_int(c, "broker.id"), node = kq_broker_config_int(c, "node.id");
	if (id < -1 || node < -1 || (id >= 0 && node >= 0 && id != node))
		return kq_error_set(e, KQ_EINVAL, "broker.id and node.id must be one number, "
				    "0 or more");
	free(kq_broker_config_log_dirs(c, &n));
	if (n == 0)
		return kq_error_set(e, KQ_EINVAL, "log.dirs: no directory is given");
	int rc = check_listeners(c, e);
	return rc ? rc : check_metrics(c, e);
}
