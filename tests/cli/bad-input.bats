#!/usr/bin/env bats
# What bad input gets: a clear error, and nothing lost or broken for the others.
bats_require_minimum_version 1.5.0
load ../lib/common

setup() { kq_setup; }
teardown() {
	[ -z "${holder:-}" ] || kill "$holder" 2> /dev/null || true
	kq_teardown
	! mountpoint -q "$KQ_DATA" || umount -l "$KQ_DATA"
}

raw() { python3 "$KQ_TEST_LIB/raw.py" "$KQ_BROKERS" "$@"; }

# The broker serves others as before.
serves() {
	[ "$(echo "still here" | kq-produce --timeout 20s -a all probe && kq-consume -e -o -1 probe)" = 'still here' ]
}
closes_on() { # HEX: bytes that end the connection they come by
	raw_open
	raw_put "$1" 2> /dev/null || true
	raw_closed
	raw_close
}

@test "bytes that are no request end their connection and no other" {
	start_broker
	closes_on "$(printf 'GET / HTTP/1.1\r\n\r\n' | xxd -p)"
	closes_on "$(head -c 5000 /dev/urandom | tr '\0-\177' '\200-\377' | xxd -p | tr -d '\n')"
	closes_on 7fffffff0000
	closes_on 80000000
	closes_on ffffffff00
	closes_on 00000000
	closes_on 0000000400030001
	serves
	says "$KQ_LOG" 'closed, '
}

@test "counts that promise more than the request holds end the connection" {
	start_broker
	# Metadata v1 of 2^31-1 topics; of one topic whose name ends too early
	run -1 raw_send 0003000100000007ffff7fffffff
	run -1 raw_send 0003000100000007ffff000000017fff6161
	# Produce v3 of a huge number of partitions; Fetch v4 the same
	run -1 raw_send 0000000300000007ffffffffffff000003e8000000010001617fffffff
	run -1 raw_send 0001000400000007ffffffffffff00000064000000010010000000000000017fffffff
	serves
}

@test "an unknown request or version ends the connection" {
	start_broker
	run -1 raw_send 03e7000000000007ffff
	run -1 raw_send ffff000000000007ffff
	run -1 raw_send 0000006300000007ffff
	says "$KQ_LOG" 'unknown api'
	serves
}

@test "ApiVersions of a version not known is answered by error 35 in version 0" {
	start_broker
	run -0 raw_send 0012006300000007ffff
	# correlation id, error 35, then the versions of ApiVersions at least
	[[ "$output" == 0000000700230000* ]]
	[[ "$output" == *00120000* ]]
}

@test "a half request does not hold its connection longer than the idle time" {
	start_broker -X connections.max.idle.ms=500
	closes_on 000001
	run -0 raw trickle 50
	[[ "$output" == closed* ]]
	[ "${output#closed after=}" -lt 20000 ]
	serves
}

@test "a batch that is damaged is refused by error 2, one against the rules by 87" {
	start_broker
	kq-topics create t
	run -0 raw produce t 0 crc
	[ "$output" = 'error=2 base=-1' ]
	run -0 raw produce t 0 magic9
	[[ "$output" == 'error='[1-9]*' base=-1' ]]
	for kind in magic0 cut offset5 control rubbish codec7; do
		run -0 raw produce t 0 $kind
		[[ "$output" == error=*' base=-1' && "$output" != error=0* ]]
	done
	run -0 raw produce t 0 plain first
	[ "$output" = 'error=0 base=0' ]
	[ "$(kq-consume -e t)" = first ]
}

@test "a batch that inflates beyond bounds costs neither broker nor consumer their memory" {
	start_broker
	kq-topics create opened -c compression.type=zstd
	kq-topics create closed
	run -0 raw produce opened 0 bomb:600
	[ "$output" = 'error=10 base=-1' ]
	[ "$(awk '/VmHWM/ { print $2 }' /proc/$BROKER_PID/status)" -lt 500000 ]
	raw produce closed 0 plain before
	run -0 raw produce closed 0 bomb:600
	[ "$output" = 'error=0 base=1' ]
	run -1 --separate-stderr kq-consume -e closed
	[ "$output" = before ]
	[[ "$stderr" == 'kq-consume: cannot '*'offset 1'* ]]
	serves
}

@test "a batch that counts more records than it has stops its reader with words" {
	start_broker
	kq-topics create lie
	raw produce lie 0 count
	run -1 --separate-stderr kq-consume -e lie
	[[ "$stderr" == 'kq-consume: cannot '*'corrupt'* ]]
	# where the broker opens batches anyway it looks
	kq-topics create opened -c compression.type=zstd
	run -0 raw produce opened 0 count
	[ "$output" = 'error=87 base=-1' ]
	serves
}

@test "an unknown topic or partition is answered as such" {
	start_broker -X auto.create.topics.enable=false
	run -0 raw produce nope 0 plain
	[ "$output" = 'error=3 base=-1' ]
	run -0 raw fetch nope 0 0
	[[ "$output" == error=3* ]]
	kq-topics create t
	run -0 raw produce t 7 plain
	[ "$output" = 'error=3 base=-1' ]
	run -1 kq-consume -e nope
	[[ "$output" == *nope* ]]
	run -1 kq-consume -e -p 7 t
	[[ "$output" == *'no partition 7'* ]]
	run -1 kq-produce --timeout 1s nope <<< x
	[[ "$output" == *nope* ]]
}

@test "an offset outside the log is answered by error 1" {
	start_broker
	seq 10 | kq-produce t
	run -0 raw fetch t 0 11
	[[ "$output" == error=1* ]]
	run -0 raw fetch t 0 -5
	[[ "$output" == error=1* ]]
	run -0 raw fetch t 0 10
	[ "$output" = 'error=0 hw=10 bytes=0' ]
	kq-topics trim t --before 4 -y
	run -0 raw fetch t 0 3
	[[ "$output" == error=1* ]]
	[ "$(kq-consume -e t | head -n 1)" = 5 ]
}

@test "names that are no topic's are refused and make no files" {
	start_broker
	long=$(printf '%0250d' 0)
	for name in .. . 'a b' 'a/b' ../x $'tab\t' "$long" ''; do
		run -0 raw create "$name"
		[ "$output" = error=17 ]
		run -0 raw metadata "$name"
		[ "$output" = error=17 ]
	done
	run -1 kq-topics create ..
	run -1 kq-topics create "$long"
	run -1 kq-produce ../x <<< x
	[ "$(find "$KQ_DATA" -mindepth 1 -type d | wc -l)" = 0 ]
	[ ! -e x-0 ]
}

@test "a name of 249 characters can be used and deleted" {
	start_broker
	name=$(printf '%0249d' 0)
	kq-produce "$name" <<< here
	[ "$(kq-consume -e "$name")" = here ]
	kill_broker
	start_broker
	[ "$(kq-consume -e "$name")" = here ]
	kq-topics delete "$name" -y
	[ -z "$(kq-topics list)" ]
}

@test "a full disk: produce is refused, reads go on, and all works after space and a restart" {
	mkdir "$KQ_DATA"
	mount -t tmpfs -o size=8m none "$KQ_DATA" 2> /dev/null || skip 'needs leave to mount'
	start_broker
	seq 1000 | kq-produce t
	fallocate -l 7500k "$KQ_DATA/filler"
	awk 'BEGIN { for (i = 0; i < 3000; i++) printf "%01000d\n", i }' > much
	run -1 kq-produce --timeout 2s --undelivered left t much
	[[ "$output" == *'not delivered'*KAFKA_STORAGE_ERROR* ]]
	cmp left much
	says "$KQ_LOG" 'ERROR.*no space left on device'
	run -0 raw produce t 0 plain
	[ "$output" = 'error=56 base=-1' ]
	kq-consume -e t | cmp - <(seq 1000)
	rm "$KQ_DATA/filler"
	run -0 raw produce t 0 plain
	[ "$output" = 'error=56 base=-1' ]
	stop_broker
	start_broker
	seq 1001 1100 | kq-produce t
	kq-consume -e t | cmp - <(seq 1100)
	kq-dump-segment --verify "$KQ_DATA/t-0"
}

@test "a data directory in use is refused by the name of the process" {
	start_broker
	run -1 kq-broker --data-dir "$KQ_DATA" --listen 127.0.0.1:0
	[[ "$output" == *"in use by process $BROKER_PID"* ]]
	serves
}

@test "an address in use is refused" {
	start_broker
	run -1 kq-broker --data-dir other --listen "$KQ_BROKERS"
	[[ "$output" == *"$KQ_BROKERS"* || "$output" == *"${KQ_BROKERS##*:}"* ]]
}

@test "an address for all to see needs to be said out loud" {
	run kq-broker --data-dir "$KQ_DATA" --listen 0.0.0.0:0 --check
	[ "$status" -ne 0 ]
	[[ "$output" == *insecure.listeners* ]]
}

@test "a key that cannot be read is refused and the nearest one named" {
	run -2 kq-broker -X log.retention.hour=3
	[[ "$output" == *"'log.retention.hours'"* ]]
	run -2 kq-produce -X linger.mss=5 t
	[[ "$output" == *"'linger.ms'"* ]]
	run -2 kq-broker -X num.partitions=many --check
	[[ "$output" == *num.partitions* ]]
	printf 'num.partitions=3\n\nlog.dir=x\nbroker.idd=1\n' > server.properties
	run -2 kq-broker --config server.properties --check
	[[ "$output" == *'server.properties, line 4'*"'broker.id'"* ]]
	run -2 kq-broker --config missing.properties
	[[ "$output" == *missing.properties* ]]
	[ ! -e kq-data ]
}

@test "a line that is too large is named by its number, and what stands before it is sent" {
	start_broker
	{ echo one; echo two; head -c 2000000 /dev/zero | tr '\0' x; echo; echo four; } > input
	run -1 kq-produce t < input
	[[ "$output" == *'line 3'*max.message.bytes* ]]
	[ "$(kq-consume -e t | head -n 2 | tr '\n' ' ')" = 'one two ' ]
	run -0 kq-produce --on-error skip u < input
	[[ "$output" == *'line 3'* ]]
	[ "$(kq-consume -e u | tr '\n' ' ')" = 'one two four ' ]
}

@test "a line beyond the topic's own limit is named, too" {
	start_broker
	kq-topics create small -c max.message.bytes=2000
	{ seq 100; printf '%03000d\n' 7; } > input
	run -1 kq-produce small < input
	[[ "$output" == *'line 101'* ]]
	kq-consume -e small | cmp - <(seq 100)
}

@test "a broker that dies in mid-stream: what is not delivered is counted and kept" {
	start_broker
	{ seq 1000; wait_until test -e go; seq 1001 2000; } |
		kq-produce --report --timeout 2s --undelivered left t > report 2> err &
	producer=$!
	wait_until has_lines report 1000
	kill_broker
	touch go
	rc=0
	wait $producer || rc=$?
	[ $rc -eq 1 ]
	says err '1000 records not delivered'
	seq 1001 2000 | cmp - left
	start_broker
	kq-produce t left
	kq-consume -e t | cmp - <(seq 2000)
}

@test "a broker that comes back in time costs nothing" {
	start_broker
	KQ_LISTEN=$KQ_BROKERS
	{ seq 1000; wait_until test -e go; seq 1001 2000; } |
		kq-produce --report --timeout 60s t > report 2> err &
	producer=$!
	wait_until has_lines report 1000
	kill_broker
	touch go
	start_broker
	wait $producer
	kq-consume -e t | cmp - <(seq 2000)
}

@test "a consumer outlives its broker" {
	start_broker
	KQ_LISTEN=$KQ_BROKERS
	seq 10 | kq-produce t
	kq-consume -q -c 20 t > out 3>&- &
	consumer=$!
	wait_until has_lines out 10
	kill_broker
	start_broker
	seq 11 20 | kq-produce t
	wait $consumer
	cmp out <(seq 20)
}

@test "no broker there is exit status 3" {
	run -3 kq-topics -b 127.0.0.1:1 list
	[[ "$output" == *127.0.0.1:1* ]]
	run -3 kq-consume -b 127.0.0.1:1 -e t
	run -3 kq-produce -b 127.0.0.1:1 --timeout 1s t <<< x
}

@test "a closed stdout ends a program quietly, a full one does not" {
	start_broker
	seq 300000 | kq-produce t
	{ kq-consume -e t 2> err || true; } | head -n 1 > first
	[ "$(cat first)" = 1 ]
	[ ! -s err ]
	{ kq-broker --check 2> err || true; } | head -n 1 > first
	[ ! -s err ]
	run -1 --separate-stderr bash -c 'kq-consume -e t > /dev/full'
	[[ "$stderr" == 'kq-consume: cannot write'* ]]
	run -1 --separate-stderr bash -c 'kq-topics list > /dev/full'
	[[ "$stderr" == 'kq-topics: '* ]]
}
