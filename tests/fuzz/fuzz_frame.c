/* What a connection sends: frames, each with a request header and a body. */
#include "fuzz/fuzz_wire.h"
#include "wire/framing.h"

/* A header that was understood is written and read back to the same. */
static void check_head(const struct kq_request_head *h)
{
	struct kq_request_head again;
	struct kq_reader r;
	struct kq_writer w;
	kq_writer_init(&w, 1 << 20);
	kq_api_write_request_head(&w, h);
	kq_reader_init(&r, w.buf, w.len);
	must(kq_api_read_request_head(&r, &again) == 0);
	must(kq_reader_left(&r) == 0);
	must(again.api_key == h->api_key && again.api_version == h->api_version);
	must(again.correlation_id == h->correlation_id);
	must(again.client_id.len == h->client_id.len);
	must(h->client_id.len <= 0 ||
	     memcmp(again.client_id.p, h->client_id.p, (size_t)h->client_id.len) == 0);
	kq_writer_deinit(&w);
}

static void read_frame(const uint8_t *p, size_t n)
{
	struct kq_request_head h;
	struct kq_reader r;
	int32_t correlation_id;

	kq_reader_init(&r, p, n);
	if (kq_api_read_request_head(&r, &h) == 0) {
		const struct kq_api *api = kq_api_find(h.api_key);
		must(api != NULL);
		check_head(&h);
		fuzz_message(api->request, h.api_version, &r);
	}
	/* The same bytes as an answer: the API is not said in it. */
	if (n < 2)
		return;
	const struct kq_api *api = kq_api_at(p[0] % kq_api_count);
	int version = fuzz_version(api->response, p[1]);
	kq_reader_init(&r, p, n);
	if (kq_api_read_response_head(&r, api->key, version, &correlation_id) == 0)
		fuzz_message(api->response, version, &r);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	while (n >= KQ_FRAME_HEAD) {
		int64_t size = kq_frame_size(p, 1 << 20);
		if (size < 0 || (uint64_t)size > n - KQ_FRAME_HEAD)
			break;
		read_frame(p + KQ_FRAME_HEAD, (size_t)size);
		p += KQ_FRAME_HEAD + size;
		n -= KQ_FRAME_HEAD + (size_t)size;
	}
	return 0;
}
