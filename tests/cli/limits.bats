#!/usr/bin/env bats
# Every bound of the broker, reached: the one who reaches it is told or waits, the
# others are served as before.
bats_require_minimum_version 1.5.0
load ../lib/common

setup() { kq_setup; }
teardown() {
	holder_gone
	kq_teardown
}

raw() { python3 "$KQ_TEST_LIB/raw.py" "$KQ_BROKERS" "$@"; }

# hold N: N connections stay open until holder_gone; how many were answered is in held.
hold() {
	rm -f held keep
	mkfifo keep
	python3 "$KQ_TEST_LIB/raw.py" "$KQ_BROKERS" hold "$1" held < keep > /dev/null 3>&- &
	holder=$!
	exec 9> keep
	wait_until has_lines held 1
}
holder_gone() {
	exec 9>&-
	[ -z "${holder:-}" ] || wait "$holder" || true
	holder=
}
answered() { sed 's/answered=\([0-9]*\).*/\1/' held; }

@test "out of descriptors accepting pauses, and goes on when some are free" {
	few() { ulimit -n 64; exec "$@"; }
	KQ_WRAP=few start_broker
	seq 10 | kq-produce t
	raw_open
	hold 100
	[ "$(answered)" -lt 60 ]
	[ "$(answered)" -gt 10 ]
	# the one that was there before is served: ApiVersions
	raw_put 0000000a001200000000000affff
	[[ "$(raw_get 8)" == ????????0000000a ]]
	raw_close
	holder_gone
	[ "$(kq-consume -e t | wc -l)" = 10 ]
	seq 11 20 | kq-produce t
	kq-consume -e t | cmp - <(seq 20)
	[ "$(grep -c 'accepting pauses' "$KQ_LOG")" -le 2 ]
	says "$KQ_LOG" 'accepting pauses'
	says "$KQ_LOG" 'accepting goes on'
	stop_broker
}

@test "max.connections turns the next one away or lets it wait" {
	start_broker -X max.connections=20
	hold 40
	[ "$(answered)" -le 20 ]
	[ "$(answered)" -ge 15 ]
	holder_gone
	seq 3 | kq-produce t
	kq-consume -e t | cmp - <(seq 3)
}

@test "max.connections.per.ip turns the next one away" {
	start_broker -X max.connections.per.ip=5
	hold 20
	[ "$(answered)" -le 5 ]
	[ "$(answered)" -ge 3 ]
	holder_gone
	seq 3 | kq-produce t
	kq-consume -e t | cmp - <(seq 3)
}

@test "a request beyond socket.request.max.bytes ends its connection" {
	start_broker -X socket.request.max.bytes=100000
	raw_open
	raw_put 000186a1
	raw_put 00120000 2> /dev/null || true
	raw_closed
	raw_close
	says "$KQ_LOG" 'frame of length 100001'
	seq 10000 | kq-produce --batch-size 50k t
	kq-consume -e t | cmp - <(seq 10000)
}

@test "requests in flight keep to queued.max.request.bytes, and all get through" {
	start_broker -X queued.max.request.bytes=200000
	kq-topics create t -p 8
	pids=()
	for i in 1 2 3 4 5 6 7 8; do
		awk -v p="$i" 'BEGIN { for (n = 0; n < 3000; n++) printf "%d %0200d\n", p, n }' > in.$i
		kq-produce -q -p $((i - 1)) --batch-size 100k t in.$i 3>&- &
		pids+=($!)
	done
	for p in "${pids[@]}"; do wait "$p"; done
	for i in 1 2 3 4 5 6 7 8; do
		kq-consume -e -p $((i - 1)) t | cmp - in.$i
	done
}

@test "connections that idle are closed, those that work are not" {
	start_broker -X connections.max.idle.ms=400
	kq-topics create t
	kq-consume -q -c 3 t > out 3>&- &
	consumer=$!
	seq 1 | kq-produce t
	wait_until has_lines out 1
	hold 5
	wait_until idle_closed 5
	holder_gone
	seq 2 3 | kq-produce t
	wait $consumer
	cmp out <(seq 3)
	stop_broker
}
idle_closed() { [ "$(grep -c 'closed, no progress' "$KQ_LOG")" -ge "$1" ]; }

@test "many requests in one go are answered in order" {
	start_broker
	run -0 raw pipeline 2000
	[ "$output" = answers=2000 ]
}

@test "more readers than fetch sessions all get everything" {
	start_broker -X max.incremental.fetch.session.cache.slots=2
	kq-topics create t -p 4
	seq 1000 | kq-produce --partitioner round-robin t
	pids=()
	for i in 1 2 3 4 5 6; do
		kq-consume -q -e t > out.$i 3>&- &
		pids+=($!)
	done
	for p in "${pids[@]}"; do wait "$p"; done
	for i in 1 2 3 4 5 6; do
		sort -n out.$i | cmp - <(seq 1000)
	done
}

@test "a record as large as the topic allows passes, one byte more does not" {
	start_broker
	kq-topics create t -c max.message.bytes=1000
	# 61 bytes of batch, 9 of the record's own
	head -c 928 /dev/zero | tr '\0' a | kq-produce t
	run -1 kq-produce t < <(head -c 950 /dev/zero | tr '\0' b)
	[ "$(kq-consume -e t | wc -c)" = 929 ]
}

@test "message.max.bytes can be raised and a record of 20 MB goes through" {
	start_broker -X message.max.bytes=30000000
	head -c 15000000 /dev/urandom | base64 -w 0 | head -c 20000000 > big
	kq-produce --batch-size 25m t big
	kq-consume -e t | head -c 20000000 | cmp - big
	kcat -C -q -e -b "$KQ_BROKERS" -t t -X fetch.message.max.bytes=40000000 \
		-X receive.message.max.bytes=100000000 -D '' | cmp - big
}

@test "two hundred partitions fit and survive a restart" {
	start_broker
	kq-topics create t -p 200
	seq 2000 | kq-produce --partitioner round-robin t
	stop_broker
	start_broker
	kq-consume -e t | sort -n | cmp - <(seq 2000)
}
