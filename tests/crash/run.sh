#!/bin/bash
# run.sh BINDIR ROUNDS: kill -9 of the broker under produce load, ROUNDS times.
#
# kq-produce with acks=all runs through all the crashes with one strictly numbered
# stream: all of it must be there once and in order at the end. kcat (librdkafka,
# idempotent) gives up when its only broker is down, so it is started again and again:
# a run that ended well must be there whole, any other as a gapless beginning.
# TAP: one test a claim. Leaves its directory behind when a claim fails.
set -u
bin=$1 rounds=${2:-10}
export PATH=$bin:$PATH
dir=$(mktemp -d)
broker= feeders=()
stop_all() {
	for p in "${feeders[@]:-}"; do [ -z "$p" ] || kill "$p" 2>/dev/null; done
	[ -z "$broker" ] || kill -9 "$broker" 2>/dev/null
	wait 2>/dev/null
}
trap stop_all EXIT
t=0 failed=0
claim() { # status, text
	t=$((t + 1))
	if [ "$1" = 0 ]; then echo "ok $t - $2"; else echo "not ok $t - $2 (see $dir)"; failed=1; fi
}

listen=127.0.0.1:0
start_broker() {
	rm -f "$dir/ready"
	mkfifo "$dir/ready"
	kq-broker -q --data-dir "$dir/data" --listen "$listen" --ready-fd 3 3>"$dir/ready" 2>>"$dir/broker.log" &
	broker=$!
	read -r -t 60 listen < "$dir/ready" || return 1
}
count() { wc -l < "$1" 2>/dev/null || echo 0; }
wait_growth() { # file, lines: until it has that many more, or the broker died
	local want=$(($(count "$1") + $2)) tries=600
	while [ "$(count "$1")" -lt "$want" ] && [ $tries -gt 0 ]; do
		sleep 0.05
		tries=$((tries - 1))
	done
	[ $tries -gt 0 ]
}

start_broker || { echo "Bail out! the broker does not start"; exit 1; }
export KQ_BROKERS=$listen
kq-topics create ours theirs -p 1 || { echo "Bail out! no topics"; exit 1; }

touch "$dir/go"
# Numbered lines until the go file is gone.
numbers() {
	local i=0
	while [ -e "$dir/go" ]; do
		awk -v p="$1" -v from=$i 'BEGIN { for (n = from; n < from + 200; n++) printf "%s-%09d-abcdefghijklmnopqrstuvwxyz\n", p, n }'
		i=$((i + 200))
		sleep 0.01
	done
}
numbers ours | tee "$dir/ours.in" | kq-produce -q --report --timeout 5m ours > "$dir/ours.report" 2> "$dir/ours.err" &
feeders+=($!)
kcat_runs() {
	local run=0 status
	while [ -e "$dir/go" ]; do
		awk -v p="$run" 'BEGIN { for (n = 0; n < 1000; n++) printf "%d %d abcdefghijklmnopqrstuvwxyz\n", p, n }' |
			kcat -P -q -b "$KQ_BROKERS" -t theirs -X enable.idempotence=true -X acks=all \
				-X batch.num.messages=20 2>> "$dir/theirs.err"
		status=$?
		echo "$run $status" >> "$dir/theirs.runs"
		run=$((run + 1))
	done
}
kcat_runs &
feeders+=($!)

recovered=0
for r in $(seq 1 "$rounds"); do
	wait_growth "$dir/ours.report" 50 || break
	sleep "0.0$((RANDOM % 9))"
	kill -9 "$broker"
	wait "$broker" 2>/dev/null
	start_broker || break
	recovered=$r
done
[ "$recovered" -eq "$rounds" ]
claim $? "$recovered of $rounds rounds of kill -9 recovered and went on"
wait_growth "$dir/ours.report" 50
claim $? 'produce goes on after the last crash'
rm -f "$dir/go"
wait "${feeders[0]}"
claim $? 'kq-produce delivered everything through all crashes'
wait "${feeders[1]}"
feeders=()

kq-consume -q -e ours > "$dir/ours.out"
cmp -s "$dir/ours.in" "$dir/ours.out"
claim $? "no record of kq-produce lost, doubled or reordered ($(count "$dir/ours.out") read of $(count "$dir/ours.in"))"
kcat -C -q -e -b "$KQ_BROKERS" -t theirs -o beginning > "$dir/theirs.read" 2>/dev/null
# Each run's lines begin at 0 and go up by one; a run with status 0 has all 1,000.
awk 'NR == FNR { status[$1] = $2; next }
	{ if ($2 != next_of[$1] + 0) bad++; next_of[$1] = $2 + 1 }
	END { for (r in status) if (status[r] == 0) { whole++; if (next_of[r] != 1000) bad++ }
		print whole + 0, bad + 0 }' "$dir/theirs.runs" "$dir/theirs.read" > "$dir/theirs.sum"
read -r whole bad < "$dir/theirs.sum"
[ "$bad" = 0 ] && [ "$whole" -gt 0 ]
claim $? "no record of kcat lost, doubled or reordered ($(count "$dir/theirs.runs") runs, $whole to their end, $(count "$dir/theirs.read") records, $bad faults)"
acked=$(awk '$2 ~ /^[0-9]+$/ { print $2 }' "$dir/ours.report" | sort -n | uniq -d | wc -l)
[ "$acked" -eq 0 ]
claim $? 'no offset was reported twice'
kq-dump-segment --verify "$dir/data/ours-0" "$dir/data/theirs-0" > "$dir/verify.out" 2>&1
claim $? 'the segments verify'
echo "1..$t"
stop_all
[ $failed -eq 0 ] && rm -rf "$dir"
exit $failed
