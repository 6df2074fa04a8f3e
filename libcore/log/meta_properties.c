#include "log/meta_properties.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/properties.h"

enum { FILE_MAX = 64 << 10 };

struct parse {
	struct kq_meta_properties *m;
	const char *name;
	struct kq_error *e;
	bool version;
	int32_t node_id;
};

void kq_meta_properties_init(struct kq_meta_properties *m)
{
	memset(m, 0, sizeof *m);
	m->broker_id = -1;
}

static int read_id(const struct parse *p, const char *key, const char *value, int32_t *id)
{
	char *end;
	errno = 0;
	long v = strtol(value, &end, 10);
	if (errno || end == value || *end || v < 0 || v > INT32_MAX)
		return kq_error_set(p->e, KQ_ECORRUPT, "%s: %s is not a number: '%.40s'", p->name,
				    key, value);
	*id = (int32_t)v;
	return 0;
}

static int read_text(const struct parse *p, const char *key, const char *value, char *to,
		     size_t size)
{
	if (snprintf(to, size, "%s", value) >= (int)size)
		return kq_error_set(p->e, KQ_ECORRUPT, "%s: %s is too long", p->name, key);
	return 0;
}

static int pair(void *arg, int line, const char *key, const char *value)
{
	struct parse *p = arg;
	(void)line;
	if (strcmp(key, "version") == 0) {
		if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0)
			return kq_error_set(p->e, KQ_EUNSUPPORTED, "%s: version '%.20s'", p->name,
					    value);
		p->m->version = value[0] - '0';
		p->version = true;
		return 0;
	}
	if (strcmp(key, "broker.id") == 0)
		return read_id(p, key, value, &p->m->broker_id);
	if (strcmp(key, "node.id") == 0)
		return read_id(p, key, value, &p->node_id);
	if (strcmp(key, "cluster.id") == 0)
		return read_text(p, key, value, p->m->cluster_id, sizeof p->m->cluster_id);
	if (strcmp(key, "directory.id") == 0)
		return read_text(p, key, value, p->m->directory_id, sizeof p->m->directory_id);
	return 0; /* keys of others, kept since the file is */
}

int kq_meta_properties_parse(const char *text, size_t n, const char *name,
			     struct kq_meta_properties *m, struct kq_error *e)
{
	struct parse p = { .m = m, .name = name, .e = e, .node_id = -1 };
	kq_meta_properties_init(m);
	int rc = kq_properties_parse(text, n, pair, &p, e);
	if (rc)
		return rc;
	if (!p.version)
		return kq_error_set(e, KQ_ECORRUPT, "%s: version is missing", name);
	if (m->version == 1)
		m->broker_id = p.node_id;
	return 0;
}

static int path_of(const char *dir, char path[PATH_MAX])
{
	return snprintf(path, PATH_MAX, "%s/meta.properties", dir) < PATH_MAX ? 0 : KQ_EINVAL;
}

int kq_meta_properties_load(const char *dir, struct kq_meta_properties *m, struct kq_error *e)
{
	char path[PATH_MAX];
	char *buf;
	size_t n;
	kq_meta_properties_init(m);
	if (path_of(dir, path))
		return kq_error_set(e, KQ_EINVAL, "%s: name too long", dir);
	int rc = kq_io_read_file(path, FILE_MAX, &buf, &n);
	if (!rc && n == 0) {
		free(buf);
		rc = KQ_ENOTFOUND;
	}
	if (rc)
		return kq_error_set(e, rc, "%s: %s", path, kq_strerror(rc));
	rc = kq_meta_properties_parse(buf, n, path, m, e);
	free(buf);
	return rc;
}

int kq_meta_properties_write(const char *dir, const struct kq_meta_properties *m)
{
	char path[PATH_MAX], number[16];
	if (path_of(dir, path))
		return KQ_EINVAL;
	struct kq_writer w;
	kq_writer_init(&w, FILE_MAX);
	kq_properties_write(&w, "version", m->version ? "1" : "0");
	snprintf(number, sizeof number, "%d", (int)m->broker_id);
	kq_properties_write(&w, m->version ? "node.id" : "broker.id", number);
	kq_properties_write(&w, "cluster.id", m->cluster_id);
	if (m->directory_id[0])
		kq_properties_write(&w, "directory.id", m->directory_id);
	int rc = w.err;
	if (!rc)
		rc = kq_io_replace_file("meta-properties", path, w.buf, w.len);
	kq_writer_deinit(&w);
	return rc;
}
