#include "wire/api.h"

#include "wire/schema.h"

/* Headers are read and written by hand, not by the tables headers.msg gives:
 * they come first, before it is known whether the rest makes sense. */

enum { API_CONTROLLED_SHUTDOWN = 7 };

const struct kq_api *kq_api_at(int i)
{
	return i >= 0 && i < kq_api_count ? &kq_api_table[i] : NULL;
}

const struct kq_api *kq_api_find(int key)
{
	/* Few keys are missing, so the row is at its key or just before. */
	int i = key < kq_api_count ? key : kq_api_count - 1;
	while (i >= 0 && kq_api_table[i].key > key)
		i--;
	return i >= 0 && kq_api_table[i].key == key ? &kq_api_table[i] : NULL;
}

/* Version of the header before a request: 0, 1 or 2. */
static int request_head_version(const struct kq_api *api, int version)
{
	if (api && kq_schema_is_flexible(api->request, version))
		return 2;
	return api && api->key == API_CONTROLLED_SHUTDOWN && version == 0 ? 0 : 1;
}

static void skip_tags(struct kq_reader *r)
{
	uint32_t n = kq_read_uvarint(r);
	for (; n && !kq_reader_failed(r); n--) {
		kq_read_uvarint(r);
		kq_reader_take(r, kq_read_uvarint(r));
	}
}

static struct kq_str read_client_id(struct kq_reader *r)
{
	int n = kq_read_i16(r);
	if (n < 0 || kq_reader_failed(r))
		return KQ_STR_NULL;
	const uint8_t *p = kq_reader_take(r, (size_t)n);
	return p ? (struct kq_str){ (const char *)p, n } : KQ_STR_NULL;
}

int kq_api_read_request_head(struct kq_reader *r, struct kq_request_head *h)
{
	h->api_key = kq_read_i16(r);
	h->api_version = kq_read_i16(r);
	h->correlation_id = kq_read_i32(r);
	h->client_id = KQ_STR_NULL;
	if (kq_reader_failed(r))
		return r->err;
	const struct kq_api *api = kq_api_find(h->api_key);
	if (!api || h->api_version < api->request->min || h->api_version > api->request->max) {
		struct kq_reader copy = *r;
		h->client_id = read_client_id(&copy);
		return KQ_EUNSUPPORTED;
	}
	int version = request_head_version(api, h->api_version);
	if (version >= 1)
		h->client_id = read_client_id(r);
	if (version >= 2)
		skip_tags(r);
	return r->err;
}

void kq_api_write_request_head(struct kq_writer *w, const struct kq_request_head *h)
{
	int version = request_head_version(kq_api_find(h->api_key), h->api_version);
	kq_write_i16(w, h->api_key);
	kq_write_i16(w, h->api_version);
	kq_write_i32(w, h->correlation_id);
	if (version >= 1) {
		int32_t n = h->client_id.len > INT16_MAX ? INT16_MAX : h->client_id.len;
		kq_write_i16(w, (int16_t)(n < 0 ? -1 : n));
		if (n > 0)
			kq_write_bytes(w, h->client_id.p, (size_t)n);
	}
	if (version >= 2)
		kq_write_uvarint(w, 0);
}

static bool response_head_has_tags(int key, int version)
{
	const struct kq_api *api = kq_api_find(key);
	return api && key != KQ_API_API_VERSIONS && kq_schema_is_flexible(api->response, version);
}

int kq_api_read_response_head(struct kq_reader *r, int key, int version, int32_t *correlation_id)
{
	*correlation_id = kq_read_i32(r);
	if (response_head_has_tags(key, version))
		skip_tags(r);
	return r->err;
}

void kq_api_write_response_head(struct kq_writer *w, int key, int version, int32_t correlation_id)
{
	kq_write_i32(w, correlation_id);
	if (response_head_has_tags(key, version))
		kq_write_uvarint(w, 0);
}
