#include "log/partition_metadata.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/uuid.h"

enum { FILE_MAX = 4096 };

static int path_of(const char *dir, char path[PATH_MAX])
{
	return snprintf(path, PATH_MAX, "%s/partition.metadata", dir) < PATH_MAX ? 0 : KQ_EINVAL;
}

int kq_partition_metadata_write(const char *dir, struct kq_uuid topic_id)
{
	char path[PATH_MAX], id[KQ_UUID_TEXT_LEN + 1], text[64];
	if (path_of(dir, path))
		return KQ_EINVAL;
	kq_uuid_format(&topic_id, id);
	int n = snprintf(text, sizeof text, "version: 0\ntopic_id: %s", id);
	return kq_io_replace_file("partition-metadata", path, text, (size_t)n);
}

/* The value of "name: value" if line has that name. */
static const char *value_of(const char *line, const char *name)
{
	size_t n = strlen(name);
	return strncmp(line, name, n) == 0 && strncmp(line + n, ": ", 2) == 0 ? line + n + 2 : NULL;
}

static int parse(char *text, const char *path, struct kq_uuid *topic_id, struct kq_error *e)
{
	bool version = false, id = false;
	char *save;
	for (char *line = strtok_r(text, "\r\n", &save); line; line = strtok_r(NULL, "\r\n", &save)) {
		const char *v;
		if ((v = value_of(line, "version"))) {
			if (strcmp(v, "0") != 0)
				return kq_error_set(e, KQ_EUNSUPPORTED, "%s: version %.20s", path, v);
			version = true;
		} else if ((v = value_of(line, "topic_id"))) {
			struct kq_str s = { v, (int32_t)strlen(v) };
			if (!kq_uuid_parse(s, topic_id) || kq_uuid_is_zero(topic_id))
				return kq_error_set(e, KQ_ECORRUPT, "%s: not a topic id: '%.40s'",
						    path, v);
			id = true;
		} else {
			return kq_error_set(e, KQ_ECORRUPT, "%s: line '%.40s' makes no sense", path,
					    line);
		}
	}
	if (!version || !id)
		return kq_error_set(e, KQ_ECORRUPT, "%s: version or topic_id is missing", path);
	return 0;
}

int kq_partition_metadata_read(const char *dir, struct kq_uuid *topic_id, struct kq_error *e)
{
	char path[PATH_MAX];
	char *buf;
	size_t n;
	memset(topic_id, 0, sizeof *topic_id);
	if (path_of(dir, path))
		return kq_error_set(e, KQ_EINVAL, "%s: name too long", dir);
	int rc = kq_io_read_file(path, FILE_MAX, &buf, &n);
	if (rc == KQ_ENOTFOUND)
		return 0;
	if (rc)
		return kq_error_set(e, rc, "%s: %s", path, kq_strerror(rc));
	rc = parse(buf, path, topic_id, e);
	free(buf);
	if (rc)
		memset(topic_id, 0, sizeof *topic_id);
	return rc;
}
