/* Values go the fast way: the library lays them into the output buffer as they are.
 * Everything else looks at one record at a time. */
#include "print.h"

#include <string.h>

#include "common/frames.h"
#include "common/json.h"

static int print_values(struct printer *p, struct kq_fetched *f)
{
	size_t want = KQ_OUT_FLUSH_SIZE;
	int rc = 1;
	while (rc == 1 && p->left && !p->out.err) {
		struct kq_values v = { .p = kq_out_room(&p->out, want), .delim = p->delim, .delim_n = p->delim_n,
				       .null_text = { (const uint8_t *)p->null_text, (int32_t)strlen(p->null_text) },
				       .max_records = p->left };
		v.room = p->out.cap - p->out.len;
		rc = kq_fetched_values(f, &v);
		want = KQ_OUT_FLUSH_SIZE;
		if (v.records) {
			p->out.len += v.used;
			p->left -= v.records;
			if (rc == 1)
				kq_out_flush(&p->out);
		} else if (rc == 1) {
			want = v.used; /* one value larger than the buffer */
		}
	}
	return rc;
}

/* Bytes that would move the cursor or set modes show as \xHH. */
static void print_safely(struct kq_out *o, struct kq_bytes b)
{
	static const char hex[] = "0123456789abcdef";
	for (int32_t i = 0; i < b.len; i++) {
		uint8_t c = b.p[i];
		if ((c >= ' ' && c != 0x7f) || c == '\t') {
			kq_out_char(o, (char)c);
			continue;
		}
		char text[4] = { '\\', 'x', hex[c >> 4], hex[c & 15] };
		kq_out_bytes(o, text, sizeof text);
	}
}

static void print_for_people(struct printer *p, const struct kq_message *m)
{
	if (m->key.len >= 0) {
		kq_out_text(&p->out, p->colour ? "\033[2m" : "");
		print_safely(&p->out, m->key);
		kq_out_text(&p->out, p->colour ? "\033[0m\t" : "\t");
	}
	if (m->value.len < 0)
		kq_out_text(&p->out, p->null_text);
	else
		print_safely(&p->out, m->value);
	kq_out_bytes(&p->out, p->delim, p->delim_n);
}

static void print_one(struct printer *p, const struct kq_message *m)
{
	switch (p->mode) {
	case PRINT_VALUES:
		if (m->value.len < 0)
			kq_out_text(&p->out, p->null_text);
		else
			kq_out_bytes(&p->out, m->value.p, (size_t)m->value.len);
		kq_out_bytes(&p->out, p->delim, p->delim_n);
		break;
	case PRINT_FORMAT: kq_format_write(p->format, m, &p->out); break;
	case PRINT_JSON: kq_json_message(&p->out, m); break;
	case PRINT_FRAMES: kq_frame_write(&p->out, m); break;
	case PRINT_TERMINAL: print_for_people(p, m); break;
	}
}

static int print_each(struct printer *p, struct kq_fetched *f)
{
	struct kq_message m;
	int rc = 0;
	while (p->left && !p->out.err && (rc = kq_fetched_next(f, &m)) == 1) {
		if (p->match && !match_record(p->match, &m))
			continue;
		print_one(p, &m);
		p->left--;
	}
	return rc;
}

int print_run(struct printer *p, struct kq_fetched *f)
{
	int rc = p->mode == PRINT_VALUES && !p->match ? print_values(p, f) : print_each(p, f);
	if (kq_out_flush(&p->out))
		return KQ_ECLOSED;
	return rc < 0 ? rc : 0;
}
