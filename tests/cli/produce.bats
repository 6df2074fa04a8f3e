# kq-produce as its users see it.
load ../lib/common

setup() { kq_setup; }
teardown() { kq_teardown; }

# values TOPIC: all values of it, as a foreign client reads them.
values() { kcat -C -b "$KQ_BROKERS" -t "$1" -e -q "${@:2}"; }

@test "lines go in and come out the same" {
	start_broker
	seq 100000 > in
	kq-produce nginx < in
	values nginx | cmp - in
}

@test "the last line needs no newline, and an empty line is a record" {
	start_broker
	printf 'a\n\nb' | kq-produce t
	[ "$(values t | od -c | head -1)" = "$(printf 'a\n\nb\n' | od -c | head -1)" ]
}

@test "every codec is read back by another client" {
	start_broker
	seq 20000 > in
	for codec in none gzip snappy lz4 zstd zstd:1; do
		kq-produce -z "$codec" "t-${codec/:/-}" < in
		values "t-${codec/:/-}" | cmp - in
	done
}

@test "files are read in turn, and one that is missing is named" {
	start_broker
	echo one > a; echo two > b
	run kq-produce t a missing - b <<< "from stdin"
	[ "$status" -eq 1 ]
	[[ $output == *"cannot open 'missing'"* ]]
	[ "$(values t | paste -sd,)" = "one,from stdin,two" ]
}

@test "delimiters may be any string, or NUL" {
	start_broker
	printf 'a--b--c' | kq-produce -d -- t
	[ "$(values t | paste -sd,)" = a,b,c ]
	printf 'x\0y\nz\0' | kq-produce -0 u
	[ "$(values u -D ,)" = $'x,y\nz,' ]
}

@test "keys stand before a delimiter, or are fixed; empty is null with -Z" {
	start_broker
	printf 'k1:v1\n:v2\nv3\nk4:\n' | kq-produce -K : -Z t
	[ "$(values t -Z -K= | paste -sd,)" = "k1=v1,NULL=v2,NULL=v3,k4=NULL" ]
	printf 'v\n' | kq-produce -k fixed u
	[ "$(values u -K=)" = fixed=v ]
}

@test "a key decides the partition as the Java client's does" {
	start_broker
	kq-topics create keyed -p 10
	printf '21:a\nfoobar:b\nabc:c\nkafka:d\n' | kq-produce -K : keyed
	[ "$(values keyed -f '%k %p\n' | sort | paste -sd,)" = "21 0,abc 7,foobar 6,kafka 0" ]
	kq-topics create crc -p 10
	printf '21:a\nfoobar:b\nabc:c\nkafka:d\n' | kq-produce -K : --partitioner crc32 crc
	[ "$(values crc -f '%k %p\n' | sort | paste -sd,)" = "21 2,abc 8,foobar 9,kafka 9" ]
}

@test "round-robin visits every partition; -p names one" {
	start_broker
	kq-topics create rr -p 4
	seq 8 | kq-produce --partitioner round-robin rr
	[ "$(values rr -f '%p\n' | sort | uniq -c | awk '{print $1}' | paste -sd,)" = 2,2,2,2 ]
	echo x | kq-produce -p 3 rr
	[ "$(values rr -p 3 -f '%s\n' | tail -1)" = x ]
	run kq-produce -p 4 rr <<< x
	[ "$status" -eq 1 ]
	[[ $output == *"no partition 4"* ]]
}

@test "headers and timestamps are set" {
	start_broker
	echo v | kq-produce -H a=1 -H b=x=y --timestamp 2026-11-21T10:00:00Z t
	[ "$(values t -f '%h %T\n')" = "a=1,b=x=y 1795255200000" ]
}

@test "JSON lines carry key, headers, timestamp and bytes" {
	start_broker
	printf '%s\n' '{"key":"k","value":"v","headers":[["h","1"]],"timestamp":1700000000000,"offset":99}' \
		'{"key":null,"value_base64":"AP8="}' | kq-produce -i json t
	[ "$(values t -c 1 -f '%k %s %h %T\n')" = "k v h=1 1700000000000" ]
	[ "$(values t -o 1 -D '' | xxd -p)" = 00ff ]
}

@test "frames bring any bytes across" {
	start_broker
	printf 'a\nb\0c|second|' | kq-produce -d '|' -H h=1 -k key t
	kq-consume -e --frames t > frames
	kq-produce -i frames u < frames
	values u -D '|' | cmp - <(printf 'a\nb\0c|second|')
	[ "$(values u -c 1 -D '' -f '%k %h')" = "key h=1" ]
	head -c 20 frames > cut
	run kq-produce -i frames u < cut
	[ "$status" -eq 1 ]
}

@test "a format lays lines out" {
	start_broker
	printf 'alpha=1\nbeta=2\n' | kq-produce -f '%k=%v\n' u
	[ "$(values u -K=| paste -sd,)" = "alpha=1,beta=2" ]
}

@test "a line that is too large is named, and what stands before it is sent" {
	start_broker
	kq-topics create small -c max.message.bytes=2000
	{ echo one; echo two; head -c 3000 /dev/zero | tr '\0' x; echo; echo four; } > in
	run kq-produce small in
	[ "$status" -eq 1 ]
	[[ $output == *"in line 3: "*"max.message.bytes is 2000"* ]]
	[ "$(values small | paste -sd,)" = one,two ]
}

@test "--on-error skip goes on, dead-letter puts it elsewhere" {
	start_broker
	kq-topics create small -c max.message.bytes=2000
	{ echo one; head -c 3000 /dev/zero | tr '\0' x; echo; echo three; } > in
	run kq-produce --on-error skip small in
	[ "$status" -eq 0 ]
	[[ $output == *"skipped in line 2"* ]]
	[ "$(values small | paste -sd,)" = one,three ]
	printf '{"value":"good"}\nbad\n' | kq-produce -i json --on-error dead-letter:dead t
	[ "$(values t)" = good ]
	[ "$(values dead)" = bad ]
}

@test "--undelivered keeps what was not sent, byte for byte" {
	start_broker
	kq-topics create small -c max.message.bytes=2000
	{ echo one; head -c 3000 /dev/zero | tr '\0' x; echo; printf 'three\nfour'; } > in
	run kq-produce --undelivered left small in
	[ "$status" -eq 1 ]
	{ values small; cat left; } | cmp - in
}

@test "--report says where each record went" {
	start_broker
	printf 'a\nb\nc\n' > in
	kq-produce --report --timestamp 1700000000000 -z gzip t in > out
	[ "$(cat out)" = $'0\t0\t1700000000000\n0\t1\t1700000000000\n0\t2\t1700000000000' ]
}

@test "--tee copies the input, --stats counts" {
	start_broker
	seq 10 > in
	kq-produce --tee --stats t < in > out 2> err
	cmp in out
	says err '10 records read, 10 delivered, 0 failed'
}

@test "acks 0 and 1 work, and other words are refused" {
	start_broker
	echo a | kq-produce -a 0 t
	echo b | kq-produce -a 1 t
	[ "$(values t | paste -sd,)" = a,b ]
	run kq-produce -a 2 t
	[ "$status" -eq 2 ]
}

@test "wrong usage is exit 2 and names what was meant" {
	run kq-produce
	[ "$status" -eq 2 ]
	run kq-produce --batch-sice 1m t
	[ "$status" -eq 2 ]
	[[ $output == *--batch-size* ]]
	run kq-produce -X linger.sm=5 t
	[ "$status" -eq 2 ]
	[[ $output == *"did you mean 'linger.ms'"* ]]
	run kq-produce -z zip t
	[ "$status" -eq 2 ]
	run kq-produce -X security.protocol=SSL t
	[ "$status" -eq 2 ]
	[[ $output == *PLAINTEXT* ]]
}

@test "no broker is exit 3 and says why" {
	run kq-produce -b 127.0.0.1:1 t <<< x
	[ "$status" -eq 3 ]
	[[ $output == *"127.0.0.1:1: Connection refused"* ]]
}

@test "a topic that cannot be is refused" {
	start_broker
	run kq-produce 'no/such' <<< x
	[ "$status" -eq 1 ]
	[[ $output == *"no/such"* ]]
}

@test "a broker that dies and comes back costs nothing" {
	start_broker
	KQ_LISTEN=$KQ_BROKERS
	seq 300000 > in
	mkfifo pipe
	kq-produce -p 0 t < pipe 2> err & pid=$!
	exec 8> pipe
	head -150000 in >&8
	wait_until eval '[ -n "$(values t -c 1)" ]'
	kill_broker
	tail -n +150001 in >&8 & tail=$!
	start_broker 8>&- # or the pipe would never end
	wait "$tail"
	exec 8>&-
	wait "$pid"
	values t | cmp - in
}

@test "a broker that stays away: what is left is counted and kept" {
	start_broker
	mkfifo pipe
	kq-produce --timeout 500ms --undelivered left t < pipe 2> err & pid=$!
	exec 8> pipe
	echo delivered >&8
	wait_until eval '[ -n "$(values t)" ]'
	kill_broker
	printf 'kept 1\nkept 2\n' >&8
	wait_until says left .
	echo rest >&8
	exec 8>&-
	status=0
	wait "$pid" || status=$?
	[ "$status" -eq 1 ]
	[ "$(paste -sd, left)" = "kept 1,kept 2,rest" ]
	says err '3 records not delivered.*kept in left'
}

@test "SIGINT delivers what was read and says 130" {
	start_broker
	mkfifo pipe
	kq-produce t < pipe & pid=$!
	exec 8> pipe
	echo one >&8
	wait_until eval '[ -n "$(values t)" ]'
	kill -INT "$pid"
	status=0
	wait "$pid" || status=$?
	exec 8>&-
	[ "$status" -eq 130 ] || [ "$status" -eq 0 ]
	[ "$(values t)" = one ]
}

@test "keys of a properties file and -X count, options win" {
	start_broker
	printf 'bootstrap.servers=127.0.0.1:1\ncompression.type=gzip\n' > client.properties
	seq 1000 | kq-produce --config client.properties -X linger.ms=1 -b "$KQ_BROKERS" -z zstd t
	[ "$(values t | wc -l)" -eq 1000 ]
	kq-dump-segment "$KQ_DATA"/t-0/*.log | grep -q zstd
}

@test "--rate slows down" {
	start_broker
	start=$(date +%s%N)
	seq 40 | kq-produce --rate 100 t
	took=$((($(date +%s%N) - start) / 1000000))
	[ "$took" -ge 300 ]
	[ "$(values t | wc -l)" -eq 40 ]
}
