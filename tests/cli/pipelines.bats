#!/usr/bin/env bats
# What the programs are for: lines in, lines out, through real pipes.
bats_require_minimum_version 1.5.0
load ../lib/common

setup() { kq_setup; }
teardown() { kq_teardown; }

# nginx_lines N: an access log of N lines, as nginx writes them, always the same.
nginx_lines() {
	awk -v n="$1" 'BEGIN {
		srand(42)
		split("200 200 200 200 304 301 404 500", status, " ")
		split("/ /index.html /img/logo.svg /api/v1/items?page= /wp-login.php", path, " ")
		for (i = 0; i < n; i++)
			printf "10.%d.%d.%d - - [21/Nov/2026:10:%02d:%02d +0000] \"GET %s%d HTTP/1.1\" %d %d \"https://example.org/p/%d\" \"Mozilla/5.0 (X11; Linux x86_64; rv:%d.0) Gecko/20100101 Firefox/%d.0\"\n",
				rand() * 256, rand() * 256, rand() * 256, i / 60 % 60, i % 60,
				path[int(rand() * 5) + 1], rand() * 100, status[int(rand() * 8) + 1],
				rand() * 50000, rand() * 1000, i % 40 + 90, i % 40 + 90
	}'
}
by_status() { awk '{ n[$9]++ } END { for (s in n) print s, n[s] }' | sort; }

@test "an access log piped through a topic counts the same by awk" {
	start_broker
	nginx_lines 20000 > access.log
	kq-produce nginx < access.log
	kq-consume -e nginx | cmp - access.log
	[ "$(kq-consume -e nginx | by_status)" = "$(by_status < access.log)" ]
	[ "$(kq-consume -e --match-value '" 500 ' nginx | wc -l)" = "$(grep -c '" 500 ' access.log)" ]
}

@test "a log that grows is followed from one end of the pipe to the other" {
	start_broker
	kq-topics create live
	kq-consume -q live > seen 3>&- &
	consumer=$!
	mkfifo pipe
	kq-produce -q live < pipe 3>&- &
	producer=$!
	exec 9> pipe
	echo first >&9
	wait_until has_lines seen 1
	echo second >&9
	wait_until has_lines seen 2
	exec 9>&-
	wait $producer
	kill -TERM $consumer
	wait $consumer
	[ "$(tr '\n' ' ' < seen)" = 'first second ' ]
}

# The pipe open on descriptor 9 has been read empty.
drained() {
	python3 -c 'import fcntl, struct, termios
raise SystemExit(struct.unpack("i", fcntl.ioctl(9, termios.FIONREAD, bytes(4)))[0] > 0)'
}

@test "a producer that is told to stop delivers what it has read" {
	start_broker
	mkfifo pipe
	kq-produce --linger 60s t < pipe 3>&- &
	producer=$!
	exec 9> pipe
	seq 1000 >&9
	wait_until drained
	kill -TERM $producer
	rc=0
	wait $producer || rc=$?
	exec 9>&-
	[ $rc -eq 143 ]
	kq-consume -e t | cmp - <(seq 1000)
}

@test "JSON out of one topic into another is the same topic" {
	start_broker
	kq-topics create from -p 3
	kq-topics create to -p 3
	for i in $(seq 300); do printf 'key %d:value %d "quoted" \\ \t ü\n' $((i % 17)) "$i"; done > input
	kq-produce -K : -H origin=test -H 'two=a b' from input
	printf 'raw:\377\376\000\001' | kq-produce -0 -K : from
	printf ':empty key\nnull value:\n' | kq-produce -K : -Z from
	kq-consume -e --json from > from.json
	[ "$(wc -l < from.json)" = "$(kq-consume -e -f '%o\n' from | wc -l)" ]
	jq -e . from.json > /dev/null
	jq 'del(.topic)' -c from.json | kq-produce -i json to
	kq-consume -e --json to > to.json
	plain() { jq -c '[.partition, .offset, .key, .key_base64, .value, .value_base64, .headers, .timestamp]' "$1" | sort; }
	cmp <(plain from.json) <(plain to.json)
}

@test "frames carry any bytes" {
	start_broker
	head -c 300000 /dev/urandom > blob
	split -b 1000 blob part.
	for f in part.*; do cat "$f"; printf 'END'; done | kq-produce -d END from
	n=$(kq-consume -e -f '%o\n' from | wc -l)
	kq-consume -e --frames from > frames
	kq-produce -i frames to frames
	kq-consume -e --frames to > again
	[ "$(kq-consume -e -f '%o\n' to | wc -l)" = "$n" ]
	[ "$(kq-consume -e -d '' to | md5sum)" = "$(kq-consume -e -d '' from | md5sum)" ]
	[ "$(kq-consume -e -d '' to | md5sum)" = "$(md5sum < blob)" ]
}

@test "NUL-ended names of files survive" {
	start_broker
	printf 'a b\0c\nd\0' | kq-produce -0 files
	kq-consume -e -0 files | cmp - <(printf 'a b\0c\nd\0')
}

@test "every codec of kq-produce is read by kq-consume and by kcat" {
	start_broker
	nginx_lines 3000 > in
	for codec in none gzip snappy lz4 zstd zstd:1; do
		topic=${codec/:/-}
		kq-produce -z "$codec" "$topic" in
		kq-consume -e "$topic" | cmp - in
		kcat -C -q -e -b "$KQ_BROKERS" -t "$topic" -o beginning | cmp - in
		kq-dump-segment --verify "$KQ_DATA/$topic-0"
	done
	[ "$(stat -c %s "$KQ_DATA/zstd-0/00000000000000000000.log")" -lt "$(($(stat -c %s in) / 3))" ]
}

@test "every codec of kcat is read by kq-consume" {
	start_broker
	nginx_lines 3000 > in
	for codec in none gzip snappy lz4 zstd; do
		kcat -P -b "$KQ_BROKERS" -t "k-$codec" -z "$codec" -l in
		kq-consume -e "k-$codec" | cmp - in
	done
}

@test "keys and headers of kcat come out of kq-consume, and the other way round" {
	start_broker
	printf 'k1:v1\nk2:v2\n' | kcat -P -b "$KQ_BROKERS" -t t -K : -H h1=x -H h2=y
	[ "$(kq-consume -e -f '%k=%v %h\n' t)" = $'k1=v1 h1=x,h2=y\nk2=v2 h1=x,h2=y' ]
	printf 'k3:v3\n' | kq-produce -K : -H h3=z t
	[ "$(kcat -C -q -e -b "$KQ_BROKERS" -t t -o -1 -f '%k=%s %h\n')" = 'k3=v3 h3=z' ]
}

@test "the same key lies in the same partition for kq-produce and kcat" {
	start_broker
	kq-topics create a b -p 7
	for i in $(seq 100); do echo "user-$i:x"; done > in
	kq-produce -K : a in
	kcat -P -b "$KQ_BROKERS" -t b -K : -X topic.partitioner=murmur2_random -l in
	cmp <(kq-consume -e -f '%k %p\n' a | sort) <(kq-consume -e -f '%k %p\n' b | sort)
}

@test "everything is there after a clean restart" {
	start_broker
	kq-topics create t -p 3 -c retention.ms=-1
	seq 5000 | kq-produce --partitioner round-robin t
	kq-consume -e -J t | sort > before
	stop_broker
	start_broker
	kq-consume -e -J t | sort | cmp - before
	kq-topics describe t --json | grep -q retention.ms
	seq 5001 5010 | kq-produce t
	[ "$(kq-consume -e t | wc -l)" = 5010 ]
}

@test "everything acknowledged is there after kill -9" {
	start_broker
	kq-topics create t -p 3
	for round in 1 2 3; do
		seq $((round * 1000)) $((round * 1000 + 999)) | kq-produce --partitioner round-robin t
		kill_broker
		start_broker
		[ "$(kq-consume -e t | sort -n | uniq | wc -l)" = $((round * 1000)) ]
	done
	stop_broker
	kq-dump-segment --verify "$KQ_DATA"/t-?
}

@test "segments roll, old ones go, and a reader at the start does not mind" {
	start_broker
	kq-topics create t -c segment.bytes=20000
	nginx_lines 2000 | kq-produce --batch-size 4k t
	[ "$(find "$KQ_DATA/t-0" -name '*.log' | wc -l)" -gt 10 ]
	nginx_lines 2000 | cmp - <(kq-consume -e t)
	kq-topics trim t --before 1000 -y
	nginx_lines 2000 | tail -n 1000 | cmp - <(kq-consume -e t)
}

@test "a topic is copied by a pipe of two programs" {
	start_broker
	nginx_lines 10000 > in
	kq-produce -z lz4 from in
	kq-consume -e --frames from | kq-produce -i frames -z zstd to
	kq-consume -e to | cmp - in
}

@test "two writers and three readers at once lose and double nothing" {
	start_broker
	kq-topics create t -p 4
	for p in 0 1; do
		awk -v p=$p 'BEGIN { for (i = 0; i < 20000; i++) print p, i }' > in.$p
		kq-produce -q --partitioner round-robin t in.$p 3>&- &
		writers+=($!)
	done
	for r in 1 2 3; do
		kq-consume -q -c 40000 t > out.$r 3>&- &
		readers+=($!)
	done
	for p in "${writers[@]}" "${readers[@]}"; do wait "$p"; done
	sort in.0 in.1 > all
	for r in 1 2 3; do sort out.$r | cmp - all; done
}

@test "--tee and --report tell what was delivered" {
	start_broker
	seq 100 | kq-produce --tee t | cmp - <(seq 100)
	seq 100 | kq-produce --report t > report
	[ "$(awk '{ print $2 }' report)" = "$(seq 100 199)" ]
}

@test "segments read with no broker say the same as the broker" {
	start_broker
	nginx_lines 1000 > in
	kq-produce -z zstd t in
	stop_broker
	kq-dump-segment -r -f '%v\n' "$KQ_DATA/t-0/00000000000000000000.log" | cmp - in
}
