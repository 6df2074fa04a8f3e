# kq-produce against kcat -P, from a pipe, to the same kq-broker.
start_kq "$WORK/p" -X flush.policy=os
raised=(-X queue.buffering.max.messages=2000000 -X queue.buffering.max.kbytes=1000000 -X batch.size=1000000
	-X batch.num.messages=100000 -X linger.ms=5)
produce_row() { # name, what, file, kq's -z, bars of lines/s and CPU, kcat's flags...
	local name=$1 what=$2 file=$3 z=$4 want_s=$5 want_c=$6 s c
	shift 6
	local flags=("$@")
	fresh() { kq-topics -q -b "$KQ_AT" delete -y bench > /dev/null 2>&1; kq-topics -q -b "$KQ_AT" create bench -p 1 > /dev/null; }
	kq_side() { fresh; cat "$file" | measure "$1" kq-produce -q -b "$KQ_AT" -z "$z" bench; }
	kcat_side() { fresh; cat "$file" | measure "$1" kcat -P -q -b "$KQ_AT" -t bench "${raised[@]}" "${flags[@]}"; }
	alternate "$name" kcat_side kq_side
	s=$(ratio "$WORK/$name.a" "$WORK/$name.b" 1) c=$(ratio "$WORK/$name.a" "$WORK/$name.b" 2)
	row "kq-produce against kcat -P, $what, from a pipe" "$s x lines/s ($(column "$WORK/$name.b" 1) s against $(column "$WORK/$name.a" 1) s), 1/$c of the CPU a line" \
		"${want_s}x, 1/$want_c" "$(both "$(at_least "$s" "$want_s")" "$(at_least "$c" "$want_c")")"
}
produce_row plain 'nginx lines' "$WORK/input" none 3 3
produce_row zstd 'nginx lines, zstd:1' "$WORK/input" zstd:1 1.8 2 -z zstd -X compression.level=1
for size in 100 1024; do
	even_lines $size "$(gib 0.5)" > "$WORK/even"
	produce_row "plain$size" "records of $size bytes" "$WORK/even" none 3 3
done
stop_kq
rm -rf "$WORK/p" "$WORK/even"
