# kq-consume against kcat -C from the same kq-broker, into a pipe and to /dev/null.
start_kq "$WORK/c" -X flush.policy=os
kq-produce -q -b "$KQ_AT" plain < "$WORK/input"
kq-produce -q -b "$KQ_AT" -z zstd:1 packed < "$WORK/input"
big='-X fetch.message.max.bytes=16000000 -X fetch.max.bytes=64000000 -X queued.max.messages.kbytes=2000000'
consume_pair() { # name, topic, shell tail
	local topic=$2 tail=$3
	kq_side() { measure "$1" bash -c "kq-consume -q -e -b $KQ_AT $topic $tail"; }
	kcat_side() { measure "$1" bash -c "kcat -C -q -e -b $KQ_AT -t $topic -o beginning $big $tail"; }
	alternate "$1" kcat_side kq_side
}
consume_pair pipe plain '| cat > /dev/null'
s=$(ratio "$WORK/pipe.a" "$WORK/pipe.b" 1) c=$(ratio "$WORK/pipe.a" "$WORK/pipe.b" 2)
row 'kq-consume against kcat -C into a pipe' "$s x lines/s, 1/$c of the CPU a line (cat included)" '10x, 1/4' "$(both "$(at_least "$s" 10)" "$(at_least "$c" 4)")"
consume_pair null plain '> /dev/null'
s=$(ratio "$WORK/null.a" "$WORK/null.b" 1) c=$(ratio "$WORK/null.a" "$WORK/null.b" 2)
row 'kq-consume against kcat -C to /dev/null' "$s x lines/s, 1/$c of the CPU a line" '3x, 1/4' "$(both "$(at_least "$s" 3)" "$(at_least "$c" 4)")"
consume_pair zpipe packed '| cat > /dev/null'
s=$(ratio "$WORK/zpipe.a" "$WORK/zpipe.b" 1)
row 'kq-consume against kcat -C, zstd, into a pipe' "$s x lines/s" '2.5x' "$(at_least "$s" 2.5)"
stop_kq
rm -rf "$WORK/c"
