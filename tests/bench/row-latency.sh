# End to end: a producer without linger at 10,000 records/s and a consumer that waits.
start_kq "$WORK/l" -X flush.policy=os
start_kafka "$WORK/lk"
kq-topics -b "$KQ_AT" create lat -p 1 > /dev/null
kq-topics -b "$KAFKA_AT" create lat -p 1 > /dev/null
kq_side() { probe latency "${KQ_AT%:*}" "${KQ_AT##*:}" lat 10000 5 >> "$1"; }
kafka_side() { probe latency "${KAFKA_AT%:*}" "${KAFKA_AT##*:}" lat 10000 5 >> "$1"; }
alternate lat kq_side kafka_side
p50=$(ratio "$WORK/lat.a" "$WORK/lat.b" 1) p99=$(ratio "$WORK/lat.a" "$WORK/lat.b" 2)
col() { awk -v c="$2" '{ print $c }' "$1" | median; }
row 'end-to-end latency at 10,000 records/s, p50' "$(col "$WORK/lat.a" 1) us against $(col "$WORK/lat.b" 1) us of Kafka: $p50" '1/4' "$(at_most "$p50" 0.25)"
row 'end-to-end latency at 10,000 records/s, p99' "$(col "$WORK/lat.a" 2) us against $(col "$WORK/lat.b" 2) us of Kafka: $p99" '1/4' "$(at_most "$p99" 0.25)"
stop_kq
stop_kafka
rm -rf "$WORK/l" "$WORK/lk"
