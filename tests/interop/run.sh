#!/bin/bash
# run.sh BINDIR [PART...]: kq against programs that nobody here wrote. Each part is a
# script tests/interop/part-*.sh that prints TAP lines by `claim`. Ends with the tally.
# KAFKA (a script with verbs broker, zookeeper, zkbroker, wait, run) defaults to the
# peers script beside the checkout; without it the parts that need Kafka are skipped.
set -u
here=$(cd "$(dirname "$0")" && pwd)
export KQ_BIN=$1
shift
export PATH=$KQ_BIN:$PATH HERE=$here
export KAFKA=${KAFKA:-$here/../../../shared/peers/kafka}
work=$(mktemp -d)
export WORK=$work
trap 'rm -rf "$work"' EXIT
parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(kcat python java franz-go kafkajs kafka-broker datadir)
taps=()
for p in "${parts[@]}"; do
	echo "== $p"
	timeout 900 bash "$here/part-$p.sh" 2> "$work/$p.err" | tee "$work/$p.tap"
	[ "${PIPESTATUS[0]}" -eq 0 ] || { echo "not ok - part $p ended early" | tee -a "$work/$p.tap"; tail -5 "$work/$p.err"; }
	taps+=("$work/$p.tap")
done
"$here/../lib/tally" "${taps[@]}"
