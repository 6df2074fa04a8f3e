#!/usr/bin/env bats
# kq-broker as its operator sees it.

load ../lib/common
setup() { kq_setup; }
teardown() { kq_teardown; }

kcat_lists() { kcat -L -q -b "$KQ_BROKERS" "$@"; }

@test "broker serves kcat on the port it names and stops cleanly on SIGTERM" {
	start_broker
	[[ $KQ_BROKERS == 127.0.0.1:* ]]
	printf 'one\ntwo\n' | kcat -P -b "$KQ_BROKERS" -t t
	[ "$(kcat -C -e -q -b "$KQ_BROKERS" -t t)" = $'one\ntwo' ]
	stop_broker
	[ -f "$KQ_DATA/.kafka_cleanshutdown" ]
	[ -f "$KQ_DATA/kq-metadata.json" ]
}

@test "broker keeps topics and records over a restart and over kill -9" {
	start_broker -X num.partitions=2
	printf 'one\n' | kcat -P -b "$KQ_BROKERS" -t t -p 1
	stop_broker
	start_broker
	[ "$(kcat -C -e -q -b "$KQ_BROKERS" -t t -p 1)" = one ]
	printf 'two\n' | kcat -P -b "$KQ_BROKERS" -t t -p 1
	kill_broker
	start_broker
	[ "$(kcat -C -e -q -b "$KQ_BROKERS" -t t -p 1)" = $'one\ntwo' ]
}

@test "broker --check prints each key with value and source and starts nothing" {
	printf 'num.partitions = 3\n' > my.properties
	run kq-broker --config my.properties -X log.retention.hours=5 --data-dir d --check
	[ "$status" -eq 0 ]
	grep -q $'^num.partitions=3\tmy.properties:1$' <<< "$output"
	grep -q $'^log.retention.hours=5\tcommand line$\|^log.retention.hours=5\t-X' <<< "$output"
	grep -q $'^log.dirs=d\t--data-dir$' <<< "$output"
	grep -q $'^listeners=PLAINTEXT://127.0.0.1:9092\tdefault$' <<< "$output"
	[ ! -e d ]
}

@test "broker --check does not show secrets" {
	run kq-broker -X ssl.key.password=hunter2 --check
	[ "$status" -eq 0 ]
	[[ $output != *hunter2* ]]
}

@test "broker refuses a misspelled key, naming the nearest, and a bad value" {
	run kq-broker -X num.partition=3 --check
	[ "$status" -eq 2 ]
	[[ $output == *"num.partitions"* ]]
	run kq-broker -X num.partitions=many --check
	[ "$status" -eq 2 ]
	[[ $output == *many*num.partitions* ]]
	printf 'a line\nnum.io.thread=1\n' > bad.properties
	run kq-broker --config bad.properties --check
	[ "$status" -eq 2 ]
	[[ $output == *"bad.properties, line"* ]]
}

@test "broker refuses a listener off loopback until that is said to be meant" {
	run kq-broker --listen 0.0.0.0:0 --check
	[ "$status" -eq 2 ]
	[[ $output == *insecure.listeners=true* ]]
	run kq-broker --listen 0.0.0.0:0 -X insecure.listeners=true --check
	[ "$status" -eq 0 ]
}

@test "broker refuses SSL, ZooKeeper and KRaft with words, as they are not built" {
	for x in listeners=SSL://127.0.0.1:0 zookeeper.connect=localhost:2181 process.roles=broker; do
		run kq-broker -X "$x" --check
		[ "$status" -eq 2 ]
		[[ $output == *"not built"* ]]
	done
}

@test "broker is refused a directory in use, by the other's process id" {
	start_broker
	run kq-broker --data-dir "$KQ_DATA" --listen 127.0.0.1:0
	[ "$status" -eq 1 ]
	[[ $output == *"$BROKER_PID"* ]]
	kcat_lists > /dev/null
}

@test "broker is refused a port in use and leaves the directory clean" {
	start_broker
	run kq-broker --data-dir other --listen "$KQ_BROKERS"
	[ "$status" -eq 1 ]
	[[ $output == *"${KQ_BROKERS##*:}"* ]]
	run timeout 20 kq-broker --data-dir other --listen "$KQ_BROKERS"
	[ "$status" -eq 1 ]
}

@test "broker reopens its log file and reloads its file on SIGHUP" {
	printf 'log.file=%s\nlog.retention.ms=1000\n' "$PWD/b.log" > my.properties
	start_broker --config my.properties
	wait_until says b.log serves
	mv b.log b.log.1
	printf 'log.file=%s\nlog.retention.ms=2000\nnum.partitions=7\n' "$PWD/b.log" > my.properties
	kill -HUP "$BROKER_PID"
	wait_until says b.log 'num.partitions changed'
	kcat_lists > /dev/null
}

@test "broker tells systemd when it serves and when it stops" {
	command -v python3 > /dev/null || skip
	python3 - "$PWD/notify" > said <<-'P' &
		import socket, sys
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.bind(sys.argv[1])
		s.settimeout(30)
		for _ in range(2):
		    print(s.recv(100).decode(), flush=True)
	P
	wait_until test -S notify
	NOTIFY_SOCKET=$PWD/notify start_broker
	wait_until says said READY=1
	stop_broker
	wait_until says said STOPPING=1
}

@test "broker serves metrics where it is told to, and nowhere else" {
	command -v curl > /dev/null || skip
	start_broker -X metrics.listener=127.0.0.1:0
	local at
	at=$(sed -n 's|.*metrics on \(http://[0-9.:]*\)/metrics$|\1|p' "$KQ_LOG")
	printf 'one\n' | kcat -P -b "$KQ_BROKERS" -t t
	curl -sf "$at/metrics" > page
	grep -q '^kq_log_end_offset{topic="t",partition="0"} 1$' page
	grep -q '^kq_requests_total{api="Produce"} 1$' page
	grep -q '^process_resident_memory_bytes [1-9]' page
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$at/etc")" = 404 ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' -X POST "$at/metrics")" = 405 ]
}

@test "broker -v -v shows each request, its version and who sent it" {
	start_broker -v -v
	printf 'one\n' | kcat -P -b "$KQ_BROKERS" -t t -X client.id=$'the\nclient'
	wait_until says "$KQ_LOG" "DEBUG broker: 127.0.0.1:[0-9]+: Produce v[0-9]+ #[0-9]+ from 'the client'"
	says "$KQ_LOG" 'ApiVersions v3 '
}

@test "broker takes over a directory that Kafka wrote" {
	local golden=$BATS_TEST_DIRNAME/../data/golden
	mkdir "$KQ_DATA"
	cp -r "$golden/plain/plain-0" "$golden/java-zstd/java-zstd-0" "$golden/logdir/meta.properties" "$KQ_DATA"
	chmod -R u+w "$KQ_DATA"
	start_broker
	[ "$(kcat -C -e -q -b "$KQ_BROKERS" -t plain | wc -l)" -eq 10 ]
	[ "$(kcat -C -e -q -b "$KQ_BROKERS" -t plain -o 3 -c 1)" = value-3 ]
	[ "$(kcat -C -e -q -b "$KQ_BROKERS" -t java-zstd -f '%o\n' | wc -l)" -eq \
		"$(wc -l < "$golden/java-zstd/expect/records.jsonl")" ]
}

@test "broker --help, --version and completions go to stdout" {
	kq-broker --help > help 2> err
	grep -q -e --data-dir help
	[ ! -s err ]
	run kq-broker --version
	[ "$status" -eq 0 ]
	for shell in bash zsh fish; do
		run kq-broker --completions $shell
		[ "$status" -eq 0 ]
		[[ $output == *ready-fd* ]]
	done
	run kq-broker --no-such
	[ "$status" -eq 2 ]
}
