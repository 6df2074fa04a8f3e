# The first record at 1,000 random offsets: a log of 1 GB against one of BIG GB (16).
BIG=${BIG:-16}
start_kq "$WORK/sk" -X flush.policy=os
kq-topics -q -b "$KQ_AT" create small big -p 1 > /dev/null
host=${KQ_AT%:*} port=${KQ_AT##*:}
probe batches "$host" "$port" small 65536 1000000000
probe batches "$host" "$port" big 65536 "${BIG}000000000"
small_side() { probe seek "$host" "$port" small 1000 >> "$1"; }
big_side() { probe seek "$host" "$port" big 1000 >> "$1"; }
alternate seek big_side small_side
r=$(ratio "$WORK/seek.a" "$WORK/seek.b" 1)
row "first record at 1,000 random offsets, 1 GB log against $BIG GB log" "$(median < "$WORK/seek.b") us, $(median < "$WORK/seek.a") us: $r" '1.2' "$(at_most "$r" 1.2)"
stop_kq
rm -rf "$WORK/sk"
