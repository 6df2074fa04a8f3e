#!/usr/bin/env bats
# A whole broker on a disk that fails: nothing is acknowledged that is not kept, reads go
# on, and a restart on a disk that works brings everything back.
bats_require_minimum_version 1.5.0
load ../lib/common

setup_file() {
	export PRELOAD=$BATS_FILE_TMPDIR/fault.so
	${CC:-cc} -O1 -shared -fPIC -o "$PRELOAD" "$BATS_TEST_DIRNAME/../fault/preload.c" -ldl
}
setup() {
	kq_setup
	export FAULT_FILE=$BATS_TEST_TMPDIR/fault
}
teardown() { kq_teardown; }

raw() { python3 "$KQ_TEST_LIB/raw.py" "$KQ_BROKERS" "$@"; }
with_faults() { LD_PRELOAD=$PRELOAD ASAN_OPTIONS=verify_asan_link_order=0:$ASAN_OPTIONS exec "$@"; }
start_faulty() { KQ_WRAP=with_faults start_broker "$@"; }
# fail_on CALL ERRNO HOW [PATH]: from now on (preload.c).
fail_on() {
	echo "$*" > "$FAULT_FILE.new"
	mv "$FAULT_FILE.new" "$FAULT_FILE"
}

# A stream into topic t, during which the disk begins to fail so. What was reported as
# delivered is there after a restart, once and in order, and nothing that was not sent.
stream_with() {
	start_faulty
	kq-topics create t -c segment.bytes=50000
	{ seq 20000; wait_until test -e go; seq 20001 40000; } |
		kq-produce -q --report --batch-size 4k --timeout 3s --undelivered left t > report 2> err &
	local producer=$! rc=0
	wait_until has_lines report 20000
	fail_on "$@"
	touch go
	wait $producer || rc=$?
	[ $rc -eq 1 ]
	says err 'not delivered.*KAFKA_STORAGE_ERROR'
	says "$KQ_LOG" 'ERROR.*offline'
	rm -f "$FAULT_FILE"
	# no retry into success; reads go on
	[ "$(raw produce t 0 plain)" = 'error=56 base=-1' ]
	seq 40000 | cmp -n 100000 - <(kq-consume -e t)
	kill_broker
	start_broker
	acked=$(wc -l < report)
	kq-consume -e t > now
	[ "$(wc -l < now)" -ge "$acked" ]
	cmp now <(seq "$(wc -l < now)")
	[ "$((acked + $(wc -l < left)))" -eq 40000 ]
	kq-dump-segment --verify "$KQ_DATA/t-0"
	kq-produce t <<< more
	[ "$(kq-consume -e -o -1 t)" = more ]
}

@test "a sync fails once under load" { stream_with fdatasync EIO once .log; }
@test "every sync fails under load" { stream_with sync EIO always; }
@test "a write fails once under load" { stream_with pwrite EIO once .log; }
@test "there is no space under load" { stream_with pwrite ENOSPC always; }
@test "a write stops half-way under load" { stream_with short ENOSPC once .log; }
@test "an index cannot grow under load" { stream_with pwrite ENOSPC once index; }
@test "the sync of a directory fails under load" { stream_with fsync EIO once t-0; }
@test "a snapshot cannot be renamed under load" { stream_with rename EIO always .snapshot; }

@test "of two directories one fails: the other goes on" {
	KQ_DATA=$BATS_TEST_TMPDIR/one,$BATS_TEST_TMPDIR/two
	start_faulty
	kq-topics create t -p 4
	for p in 0 1 2 3; do kq-produce -p $p t <<< "before $p"; done
	ours=$(basename -a "$BATS_TEST_TMPDIR"/one/t-? | sed 's/t-//')
	theirs=$(basename -a "$BATS_TEST_TMPDIR"/two/t-? | sed 's/t-//')
	[ "$(wc -w <<< "$ours $theirs")" -eq 4 ]
	fail_on fdatasync EIO always /one/
	for p in $ours; do run -1 kq-produce -p $p --timeout 1s t <<< after; done
	for p in $theirs; do kq-produce -p $p --timeout 10s t <<< after; done
	[ "$(kq-consume -e t | grep -c before)" -eq 4 ]
	rm "$FAULT_FILE"
	stop_broker
	start_broker
	for p in $ours $theirs; do kq-produce -p $p t <<< again; done
	[ "$(kq-consume -e t | grep -c before)" -eq 4 ]
	[ "$(kq-consume -e t | grep -c again)" -eq 4 ]
}

@test "a topic that cannot be made is refused, and what is there is served" {
	start_faulty
	kq-produce old <<< here
	for call in rename pwrite fdatasync; do
		fail_on $call ENOSPC always meta
		run -1 kq-topics create "new-$call"
		[[ "$output" == *"new-$call"* ]]
		rm -f "$FAULT_FILE"
		[ "$(kq-consume -e old)" = here ]
	done
	kill_broker
	start_broker
	[ "$(kq-topics list | cut -f 1)" = old ]
	kq-topics create new-rename
	kq-produce new-rename <<< fine
}

@test "a disk that fails at the stop: the next start recovers everything" {
	start_faulty
	kq-topics create t -p 3
	seq 3000 | kq-produce --partitioner round-robin t
	fail_on sync EIO always
	stop_broker || true
	[ ! -e "$KQ_DATA/.kafka_cleanshutdown" ]
	rm "$FAULT_FILE"
	start_broker
	kq-consume -e t | sort -n | cmp - <(seq 3000)
}

@test "a disk that fails at the start is named" {
	start_broker
	seq 10 | kq-produce t
	kill_broker
	fail_on sync EIO always
	KQ_WAIT=20
	if start_faulty 2> refused; then
		# it may serve what could be loaded, with a word about the rest
		says "$KQ_LOG" 'ERROR.*(error|failed|offline)'
		kill_broker
	else
		says refused 'cannot start'
		BROKER_PID=
	fi
	rm -f "$FAULT_FILE"
	start_broker
	kq-consume -e t | cmp - <(seq 10)
}
