/* Kafka's files read as they lie on disk, with no broker and no lock: segments, their
 * indexes, snapshots, checkpoints. Reading changes nothing and may happen while a
 * broker writes; what is not whole yet is told as a torn tail.
 *
 * A path `-` is standard input (a .log). */
#ifndef KQ_SEGMENT_H
#define KQ_SEGMENT_H

#include "kq/error.h"
#include "kq/message.h"

enum kq_segment_kind {
	KQ_SEGMENT_UNKNOWN,
	KQ_SEGMENT_LOG,          /* <base>.log, also .deleted, .cleaned and .swap of it */
	KQ_SEGMENT_INDEX,
	KQ_SEGMENT_TIMEINDEX,
	KQ_SEGMENT_TXNINDEX,
	KQ_SEGMENT_SNAPSHOT,
	KQ_SEGMENT_EPOCHS,       /* leader-epoch-checkpoint */
	KQ_SEGMENT_OFFSETS,      /* the per-directory checkpoints: topic, partition, offset */
	KQ_SEGMENT_PROPERTIES,   /* partition.metadata, meta.properties: names and values */
};

/* What a file is by its name; *base is the number in the name, 0 if it has none. */
enum kq_segment_kind kq_segment_kind(const char *path, int64_t *base);

/* Topic and partition of the directory that path lies in (or is), by its name; *topic
 * needs 256 bytes. false if it is not named so. `-delete` and its like are cut off. */
bool kq_segment_partition(const char *path, bool is_directory, char *topic, int32_t *partition);

/* ---- .log -------------------------------------------------------------- */

struct kq_segment_batch {
	int64_t position;       /* in the file */
	int64_t base_offset;    /* of a legacy wrapper: of its first record if known, else its last */
	int64_t last_offset;
	int32_t size;           /* bytes, header included */
	int8_t magic;           /* 0 or 1: a legacy message set, where fields below are -1 but
				 * for crc, attributes, max_timestamp */
	enum kq_codec codec;
	int32_t leader_epoch;
	uint32_t crc;
	int16_t attributes;
	int64_t base_timestamp, max_timestamp; /* ms; -1 none */
	int64_t producer_id;    /* -1 none; so the three below */
	int16_t producer_epoch;
	int32_t base_sequence, last_sequence;
	int32_t count;          /* records; 0 a batch emptied by compaction */
	bool log_append_time, transactional, control;
	bool has_horizon;       /* base_timestamp is the delete horizon */
	bool crc_wrong;
};

/* A record with what its batch says about it. */
struct kq_segment_record {
	struct kq_message m;    /* valid until the next call */
	int64_t producer_id;    /* -1 none */
	int16_t producer_epoch;
	int32_t sequence;       /* -1 none */
	bool transactional;
	int16_t control_type;   /* 0 abort, 1 commit, others KRaft's; -1 no control record */
	int32_t coordinator_epoch; /* -1 unknown */
};

struct kq_segment_reader;

enum { KQ_SEGMENT_BATCH_MAX = 1 << 30, KQ_SEGMENT_INFLATED_MAX = 1 << 30 };

/* Opens a .log. from: batches whose last offset is below it are passed over quickly
 * (headers only); 0 for all. KQ_ENOTFOUND, KQ_EAUTH, KQ_EIO with words. */
int kq_segment_open(struct kq_segment_reader **out, const char *path, int64_t from, struct kq_error *e);
void kq_segment_close(struct kq_segment_reader *r);

/* The next batch: 1; 0 at the end; else reading is over and *e says why and where:
 * KQ_ETRUNC for a torn tail (the file ends inside a batch, or in zeros),
 * KQ_ECORRUPT for bytes that are no batch, KQ_EIO. A wrong CRC alone does not stop:
 * see crc_wrong. *b is valid until the next call. */
int kq_segment_next(struct kq_segment_reader *r, struct kq_segment_batch *b, struct kq_error *e);

/* The next record of the batch last read: 1, 0 at its end, KQ_ECORRUPT, KQ_ELIMIT
 * (inflates beyond bounds), KQ_EUNSUPPORTED with words (the batch is then over). */
int kq_segment_next_record(struct kq_segment_reader *r, struct kq_segment_record *rec, struct kq_error *e);

/* ---- the other files ----------------------------------------------------
 * Each reads a whole file; the caller frees *v. 0, or KQ_ENOTFOUND, KQ_EIO,
 * KQ_ECORRUPT (words in *e; what was read before stands in *v). */

/* An entry of an offset, time or transaction index; fields of the others are 0. */
struct kq_segment_index_entry {
	int64_t offset;             /* absolute (.index, .timeindex) */
	int64_t position;           /* .index */
	int64_t timestamp;          /* .timeindex */
	int16_t version;            /* .txnindex, with those below */
	int64_t producer_id, first_offset, last_offset, last_stable_offset;
};

/* The zero tail of an index that is being written is left out. */
int kq_segment_read_index(const char *path, struct kq_segment_index_entry **v, size_t *n, struct kq_error *e);

struct kq_segment_producer {
	int64_t producer_id;
	int16_t producer_epoch;
	int32_t last_sequence;
	int64_t last_offset;
	int32_t offset_delta;
	int64_t timestamp;
	int32_t coordinator_epoch;
	int64_t current_txn_first_offset; /* -1 none */
};
int kq_segment_read_snapshot(const char *path, struct kq_segment_producer **v, size_t *n, struct kq_error *e);

/* A line of a text file: epochs (epoch, offset), offsets (name is the topic,
 * partition, offset), properties (name, value). Strings lie behind the array in the
 * same allocation. */
struct kq_segment_line {
	const char *name, *value;
	int32_t partition, epoch;
	int64_t offset;
};
int kq_segment_read_lines(const char *path, struct kq_segment_line **v, size_t *n, struct kq_error *e);

/* ---- verifying ----------------------------------------------------------- */

/* Called for each fault: path, position in the file (-1 none), words. torn: the end of
 * a log or index that is being written or was cut by a crash, which recovery mends. */
typedef void kq_segment_fault_fn(void *arg, const char *path, int64_t position, bool torn, const char *text);

/* Checks one file: a .log for framing, CRC, offsets in order and above its name's
 * number, sizes and, by walking the records, counts and deltas; indexes for their
 * order and against the .log beside them; snapshots for their CRC; text files for
 * their form. The number of faults, or KQ_ENOTFOUND, KQ_EIO. */
int kq_segment_verify(const char *path, kq_segment_fault_fn *fault, void *arg, struct kq_error *e);

/* ---- internal topics ------------------------------------------------------ */

enum kq_segment_decode {
	KQ_SEGMENT_PLAIN,
	KQ_SEGMENT_GROUP_OFFSETS,  /* __consumer_offsets */
	KQ_SEGMENT_TRANSACTIONS,   /* __transaction_state */
};

/* Key and value of a record in Kafka's own terms, as JSON text: {"type":..} objects or
 * `null`. Free both. KQ_ECORRUPT, KQ_EUNSUPPORTED (a type or version not known). */
int kq_segment_decode(enum kq_segment_decode how, const struct kq_message *m, char **key, char **value);

#endif
