# From start to serving after kill -9, with BIG GB (16) of data against 1 GB. The data is
# older than the last checkpoint of the recovery points, as it is on a running broker.
BIG=${BIG:-16}
prepare() { # dir, bytes
	start_kq "$1" -X flush.policy=sync -X log.flush.offset.checkpoint.interval.ms=1000
	kq-topics -q -b "$KQ_AT" create t -p 1 > /dev/null
	probe batches "${KQ_AT%:*}" "${KQ_AT##*:}" t 1000000 "$2"
	sleep 2
	kill -9 "$kq_pid"
	wait "$kq_pid" 2>/dev/null
}
prepare "$WORK/r1" 1000000000
prepare "$WORK/r16" "${BIG}000000000"
again() { # out, dir: a few batches more, kill -9, then the start is timed
	local t0 t1
	start_kq "$2" -X flush.policy=sync
	probe batches "${KQ_AT%:*}" "${KQ_AT##*:}" t 1000000 20000000
	kill -9 "$kq_pid"
	wait "$kq_pid" 2>/dev/null
	t0=$(date +%s%N)
	start_kq "$2" -X flush.policy=sync
	t1=$(date +%s%N)
	echo $(((t1 - t0) / 1000)) >> "$1"
	kill -9 "$kq_pid"
	wait "$kq_pid" 2>/dev/null
}
small_side() { again "$1" "$WORK/r1"; }
big_side() { again "$1" "$WORK/r16"; }
alternate restart big_side small_side
r=$(ratio "$WORK/restart.a" "$WORK/restart.b" 1)
row "restart after kill -9, $BIG GB against 1 GB of data" "$(median < "$WORK/restart.a") us, $(median < "$WORK/restart.b") us: $r" '1.5' "$(at_most "$r" 1.5)"
rm -rf "$WORK/r1" "$WORK/r16"
