# kq-consume against kcat -C from the same kq-broker, into a pipe and to /dev/null.
start_kq "$WORK/c" -X flush.policy=os
big=(-X fetch.message.max.bytes=16000000 -X fetch.max.bytes=64000000 -X queued.max.messages.kbytes=2000000)
kq_run() { measure "$1" kq-consume -q -e -b "$KQ_AT" "$topic"; }
kcat_run() { measure "$1" kcat -C -q -e -b "$KQ_AT" -t "$topic" -o beginning "${big[@]}"; }
into_pipe() { # name, topic
	topic=$2
	kq_side() { kq_run "$1" | cat > /dev/null; }
	kcat_side() { kcat_run "$1" | cat > /dev/null; }
	alternate "$1" kcat_side kq_side
}
into_null() {
	topic=$2
	kq_side() { kq_run "$1" > /dev/null; }
	kcat_side() { kcat_run "$1" > /dev/null; }
	alternate "$1" kcat_side kq_side
}
consume_row() { # name, what, lines/s, cpu or nothing
	local s c
	s=$(ratio "$WORK/$1.a" "$WORK/$1.b" 1) c=$(ratio "$WORK/$1.a" "$WORK/$1.b" 2)
	row "kq-consume against kcat -C, $2" "$s x lines/s ($(column "$WORK/$1.b" 1) s against $(column "$WORK/$1.a" 1) s), 1/$c of the CPU a line" \
		"${3}x${4:+, 1/$4}" "$(both "$(at_least "$s" "$3")" "$(at_least "$c" "${4:-0}")")"
}
kq-produce -q -b "$KQ_AT" plain < "$WORK/input"
into_pipe pipe plain
consume_row pipe 'nginx lines into a pipe' 10 4
into_null null plain
consume_row null 'nginx lines to /dev/null' 3 4
kq-topics -q -b "$KQ_AT" delete -y plain > /dev/null
kq-produce -q -b "$KQ_AT" -z zstd:1 packed < "$WORK/input"
into_pipe zpipe packed
consume_row zpipe 'nginx lines in zstd, into a pipe' 2.5
for size in 100 1024; do
	even_lines $size "$(gib 0.5)" | kq-produce -q -b "$KQ_AT" "lines$size"
	into_pipe "pipe$size" "lines$size"
	consume_row "pipe$size" "records of $size bytes into a pipe" 10 4
	into_null "null$size" "lines$size"
	consume_row "null$size" "records of $size bytes to /dev/null" 3 4
	kq-topics -q -b "$KQ_AT" delete -y "lines$size" > /dev/null
done
stop_kq
rm -rf "$WORK/c"
