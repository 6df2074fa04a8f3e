# kq-produce against kcat -P, from a pipe, to the same kq-broker.
start_kq "$WORK/p" -X flush.policy=os -X log.retention.check.interval.ms=3600000
produce_pair() { # name, kq's -z, kcat's flags...
	local name=$1 z=$2
	shift 2
	local flags=("$@")
	fresh() { kq-topics -b "$KQ_AT" delete -y bench > /dev/null 2>&1; kq-topics -b "$KQ_AT" create bench -p 1 > /dev/null; }
	kq_side() { fresh; measure "$1" bash -c "cat '$WORK/input' | exec kq-produce -q -b $KQ_AT -z $z bench"; }
	kcat_side() { fresh; measure "$1" bash -c "cat '$WORK/input' | exec kcat -P -q -b $KQ_AT -t bench ${flags[*]}"; }
	alternate "$name" kcat_side kq_side
}
produce_pair plain none -X queue.buffering.max.messages=2000000 -X batch.size=1000000 -X batch.num.messages=100000 -X linger.ms=5
s=$(ratio "$WORK/plain.a" "$WORK/plain.b" 1) c=$(ratio "$WORK/plain.a" "$WORK/plain.b" 2)
row 'kq-produce against kcat -P, from a pipe' "$s x lines/s, 1/$c of the CPU a line" '3x, 1/3' "$(both "$(at_least "$s" 3)" "$(at_least "$c" 3)")"
produce_pair zstd zstd:1 -z zstd -X compression.level=1 -X queue.buffering.max.messages=2000000 -X batch.size=1000000 -X batch.num.messages=100000 -X linger.ms=5
s=$(ratio "$WORK/zstd.a" "$WORK/zstd.b" 1) c=$(ratio "$WORK/zstd.a" "$WORK/zstd.b" 2)
row 'the same with zstd:1' "$s x lines/s, 1/$c of the CPU a line" '1.8x, 1/2' "$(both "$(at_least "$s" 1.8)" "$(at_least "$c" 2)")"
stop_kq
rm -rf "$WORK/p"
