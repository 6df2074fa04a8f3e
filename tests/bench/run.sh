#!/bin/bash
# run.sh BINDIR [ROW...]: measures side by side; with no ROW all of them, and the table
# goes to bench/results.md.
# Rows: produce consume broker-produce sync latency memory start seek restart.
# PAIRS (5) pairs after a warm-up, medians of ratios. GIB (1) size of the input, BIG (16)
# of the large logs in GB. BENCH_TMP: where data goes (/tmp).
# Needs Apache Kafka by the KAFKA script (see tests/interop/run.sh), kcat, the probe in PATH.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
bin=$1
shift
export PATH=$bin:$PATH
export KAFKA=${KAFKA:-$root/../shared/peers/kafka}
GIB=${GIB:-1}
WORK=$(mktemp -d -p "${BENCH_TMP:-/tmp}")
. "$here/lib.sh"
trap bench_cleanup EXIT
rows=("$@")
[ ${#rows[@]} -gt 0 ] || rows=(produce consume broker-produce sync latency memory start seek restart)
: > "$WORK/table"
nginx_lines "$(gib 1)" > "$WORK/input"
lines=$(wc -l < "$WORK/input")
for r in "${rows[@]}"; do
	. "$here/row-$r.sh"
done
[ $# -eq 0 ] || exit 0
mkdir -p "$root/bench"
{
	echo '# What `make bench` measured'
	echo
	echo "$(date -u +%F), commit $(git -C "$root" rev-parse --short HEAD), $(nproc) cores of $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), Linux $(uname -r)."
	echo "Input: $lines nginx lines, $(stat -c %s "$WORK/input") bytes. $PAIRS pairs after a warm-up, alternating; medians of ratios. 1 GB is 10^9 bytes."
	echo
	echo '| what | measured | must reach | met |'
	echo '|---|---|---|---|'
	cat "$WORK/table"
} > "$root/bench/results.md"
cat "$root/bench/results.md"
