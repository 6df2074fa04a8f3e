#!/usr/bin/env bats
# What all programs have in common: options, help, completions, exit codes.

PROGRAMS="kq-broker kq-produce kq-consume kq-topics kq-dump-segment"

setup() {
	PATH=$KQ_BIN:$PATH
	cd "$BATS_TEST_TMPDIR"
}

@test "--help goes to stdout, fits two screens and ends with examples" {
	for p in $PROGRAMS; do
		$p --help > help 2> err
		[ ! -s err ]
		[ "$(wc -l < help)" -le 66 ]
		[ "$(wc -L < help)" -le 100 ]
		grep -q "^Usage: $p" help
		sed -n '/^Examples:/,$p' help | tail -n +2 | grep -q "^  "
		[ "$(sed -n '/^Examples:/,$p' help | tail -n +2 | grep -vc '^  ')" -eq 0 ]
	done
}

@test "--version names the program" {
	for p in $PROGRAMS; do
		run $p --version
		[ "$status" -eq 0 ]
		[[ $output =~ ^$p\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	done
}

@test "completions name every long option of --help and are well-formed" {
	for p in $PROGRAMS; do
		for shell in bash zsh fish; do $p --completions $shell > $shell; done
		bash -n bash
		for o in $($p --help | sed '/^Examples:/,$d' | grep -o '^  .\{4\}--[a-z-]*' | grep -o '\-\-[a-z-]*'); do
			grep -q -e "$o" bash
			grep -q -e "$o" zsh
			grep -q -e "-l ${o#--}" fish
		done
	done
}

@test "bash completes options, their words and verbs" {
	source <(kq-topics --completions bash)
	COMP_WORDS=(kq-topics de) COMP_CWORD=1
	_kq_topics
	[ "${COMPREPLY[*]}" = "describe delete" ]
	COMP_WORDS=(kq-topics create --part) COMP_CWORD=2
	_kq_topics
	[ "${COMPREPLY[*]}" = "--partitions" ]
	source <(kq-dump-segment --completions bash)
	COMP_WORDS=(kq-dump-segment --decode t) COMP_CWORD=2
	_kq_dump_segment
	[ "${COMPREPLY[*]}" = "transactions" ]
}

@test "a slip is a usage error that names what was meant" {
	run kq-dump-segment --recrods x
	[ "$status" -eq 2 ]
	[[ $output == "kq-dump-segment: unknown option '--recrods'; did you mean '--records'?"* ]]
	run kq-topics lsit
	[ "$status" -eq 2 ]
	[[ $output == *"did you mean 'list'?"* ]]
	run kq-dump-segment --decode offset x
	[ "$status" -eq 2 ]
	[[ $output == *"wrong value 'offset' for --decode: did you mean 'offsets'?"* ]]
	run kq-topics list -X bootstrap.server=x
	[ "$status" -eq 2 ]
	[[ $output == *"bootstrap.servers"* ]]
}

@test "wrong usage of every kind is 2 and one line" {
	usage() {
		run "$@"
		[ "$status" -eq 2 ]
		[ "${#lines[@]}" -eq 1 ]
	}
	usage kq-dump-segment
	usage kq-dump-segment -Q x
	usage kq-dump-segment --offset
	usage kq-dump-segment --records=yes x
	usage kq-dump-segment --offset abc x
	usage kq-dump-segment --offset -3 x
	usage kq-dump-segment -f '%y' x
	usage kq-dump-segment -f %v --json x
	usage kq-dump-segment --completions tcsh
	usage kq-topics
	usage kq-topics create
	usage kq-topics list a b
	usage kq-topics list --partitions 3
	usage kq-topics create x -p 0
	usage kq-topics list -X foo
	usage kq-topics create x --replicas 0:a
	usage kq-topics offsets --at yesterday
	usage kq-topics list --config /no/such/file
}

@test "options and operands mix; -- ends options; values stand in every place" {
	log=$BATS_TEST_DIRNAME/../data/golden/plain/plain-0/00000000000000000000.log
	kq-dump-segment -r "$log" > want
	kq-dump-segment "$log" -r | diff want -
	kq-dump-segment -qr -- "$log" | diff want -
	kq-dump-segment --records -vv "$log" | diff want -
	run kq-dump-segment -o3:4 -f%o "$log"
	[ "$output" = 3 ]
	run kq-dump-segment --offset=3:4 --format=%o "$log"
	[ "$output" = 3 ]
	cp "$log" ./-r
	run kq-dump-segment -- -r
	[[ $output == *"cannot read '-r'"* ]]
}

@test "no broker is 3, and the line says where it looked and what to do" {
	run kq-topics -b 127.0.0.1:1 list
	[ "$status" -eq 3 ]
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == "kq-topics: cannot list topics: 127.0.0.1:1: "*"-b or \$KQ_BROKERS says where to look" ]]
	KQ_BROKERS=127.0.0.1:2 run kq-topics list
	[[ $output == *"127.0.0.1:2: "* ]]
	echo "bootstrap.servers=127.0.0.1:3" > client.properties
	KQ_CONFIG=client.properties run kq-topics list
	[[ $output == *"127.0.0.1:3: "* ]]
}

@test "a full disk behind stdout is an error" {
	[ -w /dev/full ] || skip "no /dev/full"
	run bash -c 'kq-dump-segment "$0" > /dev/full' "$BATS_TEST_DIRNAME/../data/golden/plain/plain-0"
	[ "$status" -eq 1 ]
	[[ $output == *"cannot write the output: no space left on device"* ]]
}
