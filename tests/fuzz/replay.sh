#!/bin/bash
# replay.sh FUZZER...: each target over its committed corpus, and 2,000 fresh
# inputs from a fixed seed. TAP.
set -u
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
n=0
for f in "$@"; do
	n=$((n + 1))
	name=$(basename "$f")
	mkdir -p "$scratch/$name"
	seeds=()
	[ -d "$here/corpus/$name" ] && seeds=("$here/corpus/$name")
	if "$f" -seed=1 -runs=2000 -max_len=4096 -artifact_prefix="$scratch/" "$scratch/$name" "${seeds[@]}" > "$scratch/log" 2>&1; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		tail -40 "$scratch/log" | sed 's/^/# /'
	fi
done
echo "1..$n"
