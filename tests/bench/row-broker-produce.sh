# CPU of the broker's process for 1 GB produced in batches of three sizes, then fetched.
start_kq "$WORK/bp" -X flush.policy=os
start_kafka "$WORK/bpk"
half=$(awk -v g="$GIB" 'BEGIN { printf "%.0f", g * 500000000 }')
# per_gb BROKER_PID BYTES CMD...: the broker's CPU seconds for 1 GB while CMD runs.
per_gb() {
	local pid=$1 bytes=$2 before after
	shift 2
	before=$(cpu_seconds "$pid")
	"$@" > /dev/null
	after=$(cpu_seconds "$pid")
	echo "$before $after $bytes" | awk '{ printf "%.4f\n", ($2 - $1) / $3 * 1e9 }'
}
fresh() { # broker, topic
	kq-topics -q -b "$1" delete -y "$2" > /dev/null 2>&1
	kq-topics -q -b "$1" create "$2" -p 1 > /dev/null
}
produce_side() { # out, pid, broker
	fresh "$3" bench
	per_gb "$2" "$half" probe batches "${3%:*}" "${3##*:}" bench "$size" "$half" >> "$1"
}
kq_side() { produce_side "$1" "$kq_pid" "$KQ_AT"; }
kafka_side() { produce_side "$1" "$kafka_pid" "$KAFKA_AT"; }
size=16384
for _ in 1 2; do kafka_side "$WORK/warm"; done # its compiler's work is not counted
for size in 1000000 65536 16384; do
	alternate "bp$size" kafka_side kq_side
	r=$(ratio "$WORK/bp$size.b" "$WORK/bp$size.a" 1)
	row "broker CPU per GB, produce, batches of $size bytes" "$(median < "$WORK/bp$size.b") s against $(median < "$WORK/bp$size.a") s of Kafka: $r" '1/4' "$(at_most "$r" 0.25)"
done
# Fetch from the page cache, on the same brokers, by the same consumer.
head -c "$half" "$WORK/input" > "$WORK/half"
for at in "$KQ_AT" "$KAFKA_AT"; do
	kq-topics -q -b "$at" delete -y bench > /dev/null 2>&1
	fresh "$at" fetch
	kq-produce -q -b "$at" fetch < "$WORK/half"
done
rm -f "$WORK/half"
kq_side() { per_gb "$kq_pid" "$half" kq-consume -q -e -b "$KQ_AT" fetch >> "$1"; }
kafka_side() { per_gb "$kafka_pid" "$half" kq-consume -q -e -b "$KAFKA_AT" fetch >> "$1"; }
alternate bf kafka_side kq_side
r=$(ratio "$WORK/bf.b" "$WORK/bf.a" 1)
row 'broker CPU per GB, fetch from the page cache' "$(median < "$WORK/bf.b") s against $(median < "$WORK/bf.a") s of Kafka: $r" '1/2' "$(at_most "$r" 0.5)"
stop_kq
stop_kafka
rm -rf "$WORK/bp" "$WORK/bpk"
