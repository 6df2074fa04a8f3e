#!/usr/bin/env bats
# kq-dump-segment on the segments that Apache Kafka wrote.

setup() {
	PATH=$KQ_BIN:$PATH
	GOLDEN=$BATS_TEST_DIRNAME/../data/golden
	PLAIN=$GOLDEN/plain/plain-0
	LOG=$PLAIN/00000000000000000000.log
	cd "$BATS_TEST_TMPDIR"
}

golden() { python3 "$BATS_TEST_DIRNAME/golden.py" "$@"; }

# compare DIR EXPECT: every file of the partition against what Kafka read from it.
compare() {
	kq-dump-segment -q --json "$1" | golden batches "$2/batches.jsonl"
	kq-dump-segment -q --json -r --decode none "$1" | golden records "$2/records.jsonl"
	for kind in index timeindex txnindex snapshot; do
		[ -f "$2/$kind.jsonl" ] || continue
		kq-dump-segment --json "$1"/*."$kind" | golden $kind "$2/$kind.jsonl"
	done
	run kq-dump-segment --verify "$1"
	[ "$status" -eq 0 ] && [ -z "$output" ]
}

# put_byte FILE POSITION HEX
put_byte() { printf "\\x$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }

@test "reads what Kafka reads: producers in every codec, idempotent and transactional" {
	for c in plain keyed java-{gzip,snappy,lz4,zstd} kcat-{gzip,snappy,lz4,zstd} idempotent txns txns-rolled opentxn; do
		compare "$GOLDEN/$c/$c-0" "$GOLDEN/$c/expect"
	done
}

@test "reads what Kafka reads: several segments, append time, deleted records, epochs" {
	compare "$GOLDEN/segments/segments-0" "$GOLDEN/segments/expect"
	compare "$GOLDEN/appendtime/appendtime-0" "$GOLDEN/appendtime/expect"
	compare "$GOLDEN/deleterecords/dr-0" "$GOLDEN/deleterecords/expect"
	compare "$GOLDEN/epochs/leader/epochs-0" "$GOLDEN/epochs/expect-leader"
	compare "$GOLDEN/epochs/follower/epochs-0" "$GOLDEN/epochs/expect-follower"
}

@test "reads what Kafka reads: before and after compaction, emptied batches" {
	for when in before after; do
		compare "$GOLDEN/compact/$when/compact-0" "$GOLDEN/compact/expect-$when"
		compare "$GOLDEN/empty/$when/empty-0" "$GOLDEN/empty/expect-$when"
	done
	compare "$GOLDEN/compact-thrice/compact2-0" "$GOLDEN/compact-thrice/expect"
}

@test "reads what Kafka reads: message sets of magic 0 and 1" {
	for c in legacy-v0 legacy-v0-lz4 legacy-v1; do
		compare "$GOLDEN/$c/$c-0" "$GOLDEN/$c/expect"
	done
}

@test "reads what Kafka reads: internal topics" {
	compare "$GOLDEN/consumer-offsets/__consumer_offsets-3" "$GOLDEN/consumer-offsets/expect"
	compare "$GOLDEN/transaction-state/__transaction_state-0" "$GOLDEN/transaction-state/expect"
}

@test "a crashed log gives what Kafka kept of it, and --verify tells the torn tail" {
	compare "$GOLDEN/crash/after/crash-0" "$GOLDEN/crash/expect-after"
	kq-dump-segment -q --json "$GOLDEN/crash/before/crash-0" | golden batches "$GOLDEN/crash/expect-after/batches.jsonl"
	kq-dump-segment --json "$GOLDEN"/crash/before/crash-0/*.snapshot | golden snapshot "$GOLDEN/crash/expect-before/snapshot.jsonl"
	run kq-dump-segment --verify "$GOLDEN/crash/before/crash-0"
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == *"00000000000000000022.log: torn tail: 101 of the 111 bytes of the batch of offset 30 at position 814" ]]
}

@test "internal topics are decoded by their directory's name" {
	kq-dump-segment -r --json "$GOLDEN/consumer-offsets/__consumer_offsets-3" > offsets
	run jq -c 'select(.offset == 2) | [.key.type, .key.group, .key.topic, .key.partition, .value.offset]' offsets
	[ "$output" = '["offset_commit","g2","t1",0,3]' ]
	kq-dump-segment -r --json "$GOLDEN/transaction-state/__transaction_state-0" | jq -rc 'select(.key) | .key.transactionalId + " " + .value.state' > ours
	jq -r '(.key | sub(".*="; "")) + " " + (.payload | capture("state=(?<s>[A-Za-z]*)").s)' "$GOLDEN/transaction-state/expect/decoded.jsonl" > kafkas
	diff ours kafkas
}

@test "a batch is a line, -r adds its records" {
	run kq-dump-segment "$PLAIN"
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 3 ]
	[ "${lines[1]}" = "offset=1..3 position=75 size=105 count=3 epoch=0 time=2023-11-14T22:13:23.000Z codec=none" ]
	run kq-dump-segment -r "$PLAIN"
	[ "${#lines[@]}" -eq 13 ]
	[ "${lines[1]}" = '  offset=0 time=2023-11-14T22:13:20.000Z key=null value="value-0"' ]
}

@test "--format prints records alone, --offset chooses" {
	run kq-dump-segment -f '%o:%v;' -o 3:6 "$LOG"
	[ "$output" = "3:value-3;4:value-4;5:value-5;" ]
	run kq-dump-segment -f '%o\n' -o 8 "$LOG"
	[ "$output" = $'8\n9' ]
	run kq-dump-segment -f '%o ' -o '@2023-11-14T22:13:22Z:@2023-11-14T22:13:24Z' "$LOG"
	[ "$output" = "2 3 " ]
	run kq-dump-segment -f '[%k]%v\n' -Z NULL -o 0:1 "$LOG"
	[ "$output" = "[NULL]value-0" ]
}

@test "- is the bytes of a log on stdin" {
	kq-dump-segment - < "$LOG" > piped
	kq-dump-segment "$LOG" | diff - piped
	cat "$LOG" | kq-dump-segment --verify -
}

@test "checkpoints and properties are known by their names" {
	run kq-dump-segment --json "$GOLDEN/logdir/meta.properties" "$PLAIN/leader-epoch-checkpoint"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = '{"name":"broker.id","value":"1"}' ]
	[ "${lines[3]}" = '{"epoch":0,"start_offset":0}' ]
	run kq-dump-segment "$GOLDEN/logdir/recovery-point-offset-checkpoint"
	[ "${#lines[@]}" -eq 16 ]
	[ "${lines[0]}" = "topic=appendtime partition=0 offset=6" ]
	run kq-dump-segment "$PLAIN/partition.metadata"
	[ "${lines[1]}" = "topic_id=dnr7oHtKTDqbDycXuAMAHw" ]
}

@test "--verify tells a wrong byte in the middle as damage, at the end as torn" {
	cp -r "$PLAIN" d && chmod -R u+w d
	put_byte d/00000000000000000000.log 160 ff
	run kq-dump-segment --verify d
	[ "$status" -eq 1 ]
	[ "$output" = "d/00000000000000000000.log: position 75: damage: wrong CRC" ]
	cp "$LOG" d/00000000000000000000.log
	put_byte d/00000000000000000000.log 320 ff
	run kq-dump-segment --verify --json d
	[ "$(jq -c '[.position, .torn]' <<< "$output")" = '[180,true]' ]
}

@test "--verify tells a length that reaches too far from a file that was cut" {
	cp "$LOG" 00000000000000000000.log
	put_byte 00000000000000000000.log 84 7f
	run kq-dump-segment --verify 00000000000000000000.log
	[[ $output == *"damage: the batch of offset 1 claims "*"whole batches follow earlier at position 75" ]]
	head -c 200 "$LOG" > 00000000000000000000.log
	run kq-dump-segment --verify 00000000000000000000.log
	[[ $output == *"torn tail: 20 of the 150 bytes"* || $output == *"torn tail: 20 bytes"* ]]
	{ cat "$LOG"; head -c 5000 /dev/zero; } > 00000000000000000000.log
	run kq-dump-segment --verify 00000000000000000000.log
	[[ $output == *"torn tail: 5000 zeros at position 330" ]]
	{ cat "$LOG"; echo garbage garbage garbage garbage; } > 00000000000000000000.log
	run kq-dump-segment --verify 00000000000000000000.log
	[[ $output == *"damage: no batch"* ]]
}

@test "--verify finds index entries that point nowhere" {
	cp -r "$GOLDEN/segments/segments-0" d && chmod -R u+w d
	index=$(find d -name '*.index' -size +0 | sort | head -1)
	put_byte "$index" 7 01
	run kq-dump-segment --verify d
	[ "$status" -eq 1 ]
	[[ $output == *"$index: position 0: damage: entry 0 "*"points at no batch"* ]]
	rm "${index%.index}.log"
	run kq-dump-segment --verify "$index"
	[[ $output == *"there is no"*"beside it"* ]]
}

@test "--verify checks snapshots and times" {
	cp -r "$GOLDEN/txns/txns-0" d && chmod -R u+w d
	put_byte d/00000000000000000014.snapshot 20 55
	put_byte d/00000000000000000000.timeindex 7 55
	put_byte d/00000000000000000000.txnindex 9 55
	run kq-dump-segment --verify d
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -eq 3 ]
	[[ ${lines[0]} == *".timeindex: "*"damage: entry 0 says time"* ]]
	[[ ${lines[1]} == *".txnindex: "*"is no abort marker"* ]]
	[[ ${lines[2]} == *".snapshot: damage: wrong CRC" ]]
}

@test "printing stops at a torn tail without an error and at damage with one" {
	head -c 300 "$LOG" > 00000000000000000000.log
	run kq-dump-segment 00000000000000000000.log
	[ "$status" -eq 0 ]
	[[ $output == *"torn tail: 120 of the 150 bytes"* ]]
	put_byte 00000000000000000000.log 91 07
	run kq-dump-segment 00000000000000000000.log
	[ "$status" -eq 1 ]
	[[ $output == *"cannot read '00000000000000000000.log': damage: no batch (magic 7"* ]]
}

@test "a file that is none of Kafka's, or is not there, is an error; others are still read" {
	echo x > notes.txt
	run kq-dump-segment notes.txt "$LOG" 00000000000000000099.log
	[ "$status" -eq 1 ]
	[[ ${lines[*]} == *"cannot read 'notes.txt': its name is none of Kafka's"* ]]
	[[ ${lines[*]} == *"cannot read '00000000000000000099.log': No such file"* ]]
	[[ ${lines[*]} == *"offset=0..0 "* ]]
	mkdir empty
	run kq-dump-segment empty
	[ "$status" -eq 1 ]
	[[ $output == *"no segments in it"* ]]
}

@test "a closed stdout ends it quietly" {
	kq-dump-segment -r $(yes "$LOG" | head -3000) 2> err | head -1
	[ ! -s err ]
}
