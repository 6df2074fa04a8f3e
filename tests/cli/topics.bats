#!/usr/bin/env bats
# kq-topics against kq-broker, or against any other at KQ_TEST_BROKERS.

load ../lib/common

setup() {
	kq_setup
	if [ -n "${KQ_TEST_BROKERS:-}" ]; then
		export KQ_BROKERS=$KQ_TEST_BROKERS
		kq-topics list '^kqt-' | cut -f1 | xargs -r kq-topics delete -qy
		wait_until no_topics
	else
		start_broker
	fi
}

teardown() { kq_teardown; }

no_topics() { [ -z "$(kq-topics list '^kqt-')" ]; }
# known TOPIC [PARTITIONS]: the cluster has caught up with a change.
known() { [ "$(kq-topics list "^$1\$" | cut -f2)" = "${2:-1}" ]; }
create() { kq-topics create -q "$@" && wait_until known "$1" "${3:-1}"; }
put() { kcat -P -b "$KQ_BROKERS" -t "$1" -p "$2"; }
offsets_are() { [ "$(kq-topics offsets "$1")" = "$2" ]; }
refused() { run "$@"; [ "$status" -eq 1 ]; }

@test "a topic's life: create, list, describe, alter, delete" {
	run kq-topics create kqt-a -p 3 -c retention.ms=86400000
	[ "$status" -eq 0 ]
	[ "$output" = "kq-topics: 'kqt-a' created" ]
	wait_until known kqt-a 3
	[ "$(kq-topics list kqt-a)" = $'kqt-a\t3\t1' ]
	run kq-topics describe kqt-a
	[ "${#lines[@]}" -eq 3 ]
	[[ ${lines[2]} == $'kqt-a\t2\t1\t0\t1\t1\t0\t0\t0\tretention.ms=86400000(topic)' ]]
	kq-topics alter -q kqt-a -c retention.ms=1000 -c segment.bytes=1048576 -p 4
	wait_until known kqt-a 4
	kq-topics alter -q kqt-a --unset segment.bytes
	[ "$(kq-topics configs kqt-a | awk '$4 == "topic"' FS='\t')" = $'kqt-a\tretention.ms\t1000\ttopic' ]
	kq-topics delete -qy kqt-a
	wait_until no_topics
}

@test "describe --json says all of a topic" {
	create kqt-j -p 2
	seq 5 | put kqt-j 1
	kq-topics describe --json kqt-j > out
	[ "$(jq -c '[.topic, .internal, (.id | length)]' out)" = '["kqt-j",false,22]' ]
	[ "$(jq -c '.partitions[1] | [.partition, .leader, .replicas, .isr, .first_offset, .next_offset]' out)" = '[1,1,[1],[1],0,5]' ]
	[ "$(jq '.partitions[1].size > 60' out)" = true ]
	[ "$(jq -r '.configs["cleanup.policy"] | .value + " " + .source' out)" = "delete default" ]
}

@test "offsets counts records by partition and in all, and from a time on" {
	create kqt-o -p 2
	seq 10 | put kqt-o 0
	seq 4 | put kqt-o 1
	wait_until offsets_are kqt-o $'kqt-o\t0\t0\t10\t10\nkqt-o\t1\t0\t4\t4\nkqt-o\ttotal\t-\t-\t14'
	[ "$(kq-topics offsets kqt-o --at 1h --json | jq -c 'select(.total) | .records')" = 14 ]
	[ "$(kq-topics offsets kqt-o --at +1h | tail -1 | cut -f5)" = 0 ]
	[ "$(kq-topics offsets --header kqt-o | head -1)" = $'topic\tpartition\tfirst\tnext\trecords' ]
}

@test "trim deletes before an offset, a time or the end, and asks for -y in a script" {
	create kqt-t
	seq 10 | put kqt-t 0
	run kq-topics trim kqt-t --before 4
	[ "$status" -eq 2 ]
	[[ $output == *"needs -y"* ]]
	[ "$(kq-topics trim kqt-t --before 4 --dry-run)" = $'kqt-t\t0\t4' ]
	offsets_are kqt-t $'kqt-t\t0\t0\t10\t10'
	[ "$(kq-topics trim kqt-t:0 --before 4 -y)" = $'kqt-t\t0\t4' ]
	[ "$(kq-topics trim kqt-t --before 1h -y)" = $'kqt-t\t0\t4' ]
	refused kq-topics trim kqt-t --before 11 -y
	[[ $output == *"cannot trim 'kqt-t:0': "*"'kq-topics offsets' shows how far it goes" ]]
	[ "$(kq-topics trim kqt-t --before end -y --json)" = '{"topic":"kqt-t","partition":0,"first_offset":10,"dry_run":false}' ]
	refused kq-topics trim kqt-t:1 --before 4 -y
}

@test "what is refused names its item and a way out; the others are still done" {
	create kqt-there
	refused kq-topics create kqt-there kqt-new 'kqt bad'
	[[ $output == *"'kqt-new' created"* ]]
	[[ $output == *"cannot create topic 'kqt-there': "*"already exists; --if-not-exists makes that no failure"* ]]
	[[ $output == *"cannot create topic 'kqt bad': "* ]]
	run kq-topics create kqt-there --if-not-exists
	[ "$status" -eq 0 ]
	refused kq-topics create kqt-r -r 9
	[[ $output == *"'kq-topics brokers' shows who could hold replicas" ]]
	refused kq-topics create kqt-c -c retention.mss=1
	[[ $output == *"retention.mss"* ]]
	refused kq-topics alter kqt-there -p 1
	refused kq-topics describe kqt-ther
	[[ $output == *"did you mean 'kqt-there'?" ]]
	refused kq-topics delete -y kqt-nope kqt-new
	[[ $output == *"'kqt-new' deleted"* ]]
	[[ $output == *"cannot delete topic 'kqt-nope': "* ]]
}

@test "--dry-run changes nothing" {
	create kqt-d
	kq-topics create kqt-e --dry-run
	kq-topics alter kqt-d -p 5 -c retention.ms=5 --dry-run
	kq-topics delete kqt-d --dry-run
	refused kq-topics create kqt-d --dry-run
	refused kq-topics delete kqt-e --dry-run
	[ "$(kq-topics list '^kqt-')" = $'kqt-d\t1\t1' ]
	[ -z "$(kq-topics configs kqt-d | awk '$4 == "topic"' FS='\t')" ]
}

@test "--json gives a line an item, failures too" {
	create kqt-x
	refused kq-topics create kqt-x kqt-y --json
	jq -ce 'select(.name == "kqt-x") | .error == "TOPIC_ALREADY_EXISTS"' <(kq-topics create kqt-x --json 2> /dev/null)
	[ "$(kq-topics delete -y kqt-x --json)" = '{"name":"kqt-x","done":"deleted","dry_run":false}' ]
}

@test "regular expressions choose topics to look at, never to delete" {
	create kqt-1; create kqt-2
	[ "$(kq-topics offsets '^kqt-[0-9]' | cut -f1 | tr '\n' ' ')" = "kqt-1 kqt-2 " ]
	[ "$(kq-topics list 'qt-2$' | cut -f1)" = kqt-2 ]
	run kq-topics delete -y '^kqt-'
	[ "$status" -eq 2 ]
	run kq-topics list '('
	[ "$status" -eq 2 ]
}

@test "replicas are placed as told" {
	kq-topics create -q kqt-p --replicas '1:1;0:1'
	wait_until known kqt-p 2
	refused kq-topics create kqt-q --replicas '0:77'
}

@test "brokers and their configuration" {
	run kq-topics brokers --json
	[ "$(jq -c '[.id, .port, .controller]' <<< "$output")" = "[1,${KQ_BROKERS##*:},true]" ]
	[ "$(kq-topics configs 1 | awk -F'\t' '$2 == "broker.id" || $2 == "node.id" { print $3; exit }')" = 1 ]
	kq-topics configs -q 1 -c log.cleaner.threads=2
	thread_count() { [ "$(kq-topics configs 1 | awk -F'\t' '$2 == "log.cleaner.threads" { print $3, $4 }')" = "$1" ]; }
	wait_until thread_count '2 broker'
	kq-topics configs -q 1 --unset log.cleaner.threads
	wait_until thread_count '1 default'
	refused kq-topics configs 99
}

@test "a client's bad key is told before anything is asked" {
	run kq-topics list -X request.timeout.mss=5
	[ "$status" -eq 2 ]
	[[ $output == *"request.timeout.ms"* ]]
}
