/* ApiVersions: the dispatch table as clients see it (PROTOCOL sections 1 and 5). */
#include "broker/api_versions.h"

#include <ctype.h>

enum { ROWS_MAX = 128 };

static bool is_word(char c)
{
	return isalnum((unsigned char)c);
}

/* Letters and digits; minus and dot inside. */
static bool is_software_name(struct kq_str s)
{
	if (s.len <= 0 || !is_word(s.p[0]) || !is_word(s.p[s.len - 1]))
		return false;
	for (int32_t i = 0; i < s.len; i++)
		if (!is_word(s.p[i]) && s.p[i] != '-' && s.p[i] != '.')
			return false;
	return true;
}

static int32_t list_apis(struct kq_api_versions_response_api_version *v)
{
	int32_t n = 0;
	const struct kq_dispatch *d;
	for (int i = 0; n < ROWS_MAX && (d = kq_dispatch_at(i)); i++)
		v[n++] = (struct kq_api_versions_response_api_version){
			.api_key = d->key, .min_version = d->min, .max_version = d->max };
	return n;
}

void kq_handle_api_versions(struct kq_request *req)
{
	const struct kq_api_versions_request *body = req->body;
	struct kq_api_versions_response_api_version rows[ROWS_MAX];
	struct kq_api_versions_response out;
	kq_wire_init(&kq_api_versions_response_schema, &out);
	if (req->head.api_version >= 3 && (!is_software_name(body->client_software_name) ||
					   !is_software_name(body->client_software_version))) {
		out.error_code = KQ_KAFKA_INVALID_REQUEST;
	} else {
		out.api_keys = rows;
		out.api_keys_n = list_apis(rows);
	}
	kq_request_answer(req, &out);
}

void kq_api_versions_refuse(struct kq_request *req)
{
	const struct kq_dispatch *own = kq_dispatch_find(KQ_API_API_VERSIONS);
	struct kq_api_versions_response_api_version row = {
		.api_key = own->key, .min_version = own->min, .max_version = own->max };
	struct kq_api_versions_response out;
	kq_wire_init(&kq_api_versions_response_schema, &out);
	out.error_code = KQ_KAFKA_UNSUPPORTED_VERSION;
	out.api_keys = &row;
	out.api_keys_n = 1;
	req->head.api_version = 0;
	kq_request_answer(req, &out);
}
