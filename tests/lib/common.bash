# Helpers shared by the .bats files. In a file:
#
#	load ../lib/common
#	setup() { kq_setup; }
#	teardown() { kq_teardown; }
#
# KQ_BIN says where the programs are; without it the ones in PATH are taken. Every
# test has its own $BATS_TEST_TMPDIR. Nothing here sleeps for a fixed time: what has to
# become true is polled by wait_until, which gives up after KQ_WAIT seconds.

KQ_TEST_LIB=$(dirname "${BASH_SOURCE[0]}")

kq_setup() {
	[ -z "${KQ_BIN:-}" ] || PATH=$KQ_BIN:$PATH
	KQ_DATA=$BATS_TEST_TMPDIR/data
	KQ_LOG=$BATS_TEST_TMPDIR/broker.log
	BROKER_PID=
	unset KQ_CONFIG KQ_BROKERS
	export KQ_DATA KQ_LOG XDG_STATE_HOME=$BATS_TEST_TMPDIR/state
	cd "$BATS_TEST_TMPDIR" || return 1
}

# Also says what the broker logged, which bats shows for a failed test only.
kq_teardown() {
	[ -z "${BROKER_PID:-}" ] || kill_broker
	[ ! -s "${KQ_LOG:-}" ] || { echo '--- the broker said:'; tail -n 40 "$KQ_LOG"; }
}

# wait_until COMMAND [ARG]...: polls until COMMAND succeeds.
wait_until() {
	local end=$((SECONDS + ${KQ_WAIT:-30}))
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || { echo "waited in vain for: $*" >&2; return 1; }
		sleep 0.02
	done
}

not() { ! "$@"; }
is_gone() { ! kill -0 "$1" 2> /dev/null; }
# lines FILE N: it has at least N lines.
has_lines() { [ -e "$1" ] && [ "$(wc -l < "$1")" -ge "$2" ]; }
# says FILE RE: a line of it matches.
says() { [ -e "$1" ] && grep -Eq -- "$2" "$1"; }

# start_broker [OPTION]...: a broker on $KQ_DATA; sets KQ_BROKERS and BROKER_PID when it
# serves. KQ_LISTEN names another address than a free port.
start_broker() {
	local ready=$BATS_TEST_TMPDIR/ready
	rm -f "$ready"
	mkfifo "$ready"
	${KQ_WRAP:-} kq-broker --data-dir "$KQ_DATA" --listen "${KQ_LISTEN:-127.0.0.1:0}" --ready-fd 3 \
		"$@" 3> "$ready" >> "$KQ_LOG" 2>&1 < /dev/null &
	BROKER_PID=$!
	# a broker that dies closes the pipe, so this ends early then
	if ! read -r -t "${KQ_WAIT:-30}" KQ_BROKERS < "$ready"; then
		echo 'the broker does not start:' >&2
		cat "$KQ_LOG" >&2
		return 1
	fi
	export KQ_BROKERS
}

# A clean stop; its status is the broker's.
stop_broker() {
	local pid=$BROKER_PID
	BROKER_PID=
	kill -TERM "$pid" || return 1
	wait_until is_gone "$pid" || { kill -9 "$pid"; return 1; }
	wait "$pid"
}

kill_broker() {
	local pid=$BROKER_PID
	BROKER_PID=
	kill -9 "$pid" 2> /dev/null
	wait "$pid" 2> /dev/null || true
}

# raw_open / raw_put HEX / raw_get BYTES / raw_close: a socket to the broker on
# descriptor 7. raw_get prints up to so many bytes as hex; 1: the broker closed before
# the first (or reset); 2: nothing came in time.
raw_open() { exec 7<> "/dev/tcp/${KQ_BROKERS%:*}/${KQ_BROKERS##*:}"; }
raw_put() { printf '%s' "$1" | xxd -r -p >&7; }
raw_get() {
	local hex rc=0
	hex=$(timeout "${KQ_WAIT:-30}" head -c "$1" <&7 2> /dev/null | xxd -p | tr -d '\n'
		exit "${PIPESTATUS[0]}") || rc=$?
	[ $rc -ne 124 ] || return 2
	[ -n "$hex" ] && printf '%s\n' "$hex"
}
raw_close() { exec 7>&-; }

# raw_send HEX: one framed request (the length is put in front) on a connection of its
# own; prints the answer without its length. 1: the broker closed; 2: said nothing.
raw_send() {
	local size rc=0
	raw_open || return 3
	raw_put "$(printf '%08x' $((${#1} / 2)))$1" 2> /dev/null || true
	size=$(raw_get 4) || rc=$?
	[ $rc -ne 0 ] || raw_get $((16#$size)) || rc=$?
	raw_close
	return $rc
}
# raw_closed: once the broker has closed descriptor 7.
raw_closed() {
	local rc=0
	raw_get 1 > /dev/null || rc=$?
	[ $rc -eq 1 ]
}
