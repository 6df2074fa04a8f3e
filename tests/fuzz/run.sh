#!/bin/bash
# run.sh DIR SECONDS FUZZER...: runs each target that long from its corpus; a finding
# is kept in DIR/findings. Ends with a line per target and 1 if there was a finding.
set -u
dir=$1 seconds=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$dir/findings"
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1
one() {
	f=$1 name=$(basename "$1")
	mkdir -p "$dir/corpus/$name" "$here/corpus/$name"
	"$f" -max_total_time="$seconds" -max_len=65536 -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 \
		-artifact_prefix="$dir/findings/$name-" "$dir/corpus/$name" "$here/corpus/$name" > "$dir/$name.log" 2>&1
	rc=$?
	runs=$(awk '/number_of_executed_units/ { print $2 }' "$dir/$name.log")
	if [ $rc -eq 0 ]; then echo "ok $name: ${runs:-0} runs in $seconds s, no finding"
	else echo "not ok $name: finding, see $dir/$name.log"; fi
}
export -f one
export dir seconds here
printf '%s\n' "$@" | xargs -P "$(nproc)" -I{} bash -c 'one {}' | tee "$dir/fuzz.tap"
! grep -q '^not ok' "$dir/fuzz.tap"
