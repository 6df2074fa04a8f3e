# End to end: a producer without linger at 10,000 records/s and a consumer that waits.
start_kq "$WORK/l" -X flush.policy=os
start_kafka "$WORK/lk"
kq-topics -q -b "$KQ_AT" create lat -p 1 > /dev/null
kq-topics -q -b "$KAFKA_AT" create lat -p 1 > /dev/null
kq_side() { probe latency "${KQ_AT%:*}" "${KQ_AT##*:}" lat 10000 5 >> "$1"; }
kafka_side() { probe latency "${KAFKA_AT%:*}" "${KAFKA_AT##*:}" lat 10000 5 >> "$1"; }
for _ in 1 2; do kafka_side "$WORK/warm"; done
alternate lat kq_side kafka_side
for c in 1 2; do
	r=$(ratio "$WORK/lat.a" "$WORK/lat.b" $c)
	row "end-to-end latency at 10,000 records/s, p$([ $c = 1 ] && echo 50 || echo 99)" "$(column "$WORK/lat.a" $c) us against $(column "$WORK/lat.b" $c) us of Kafka: $r" '1/4' "$(at_most "$r" 0.25)"
done
stop_kq
stop_kafka
rm -rf "$WORK/l" "$WORK/lk"
