# CPU of the broker's process for 1 GB produced in batches of three sizes.
start_kq "$WORK/bp" -X flush.policy=os
start_kafka "$WORK/bpk"
head -c 500000000 "$WORK/input" > "$WORK/half"
for size in 1000000 65536 16384; do
	cpu_side() { # out, pid, broker
		kq-topics -b "$3" delete -y bench > /dev/null 2>&1
		kq-topics -b "$3" create bench -p 1 > /dev/null
		local before after
		before=$(cpu_ticks "$2")
		probe batches "${3%:*}" "${3##*:}" bench $size 500000000
		after=$(cpu_ticks "$2")
		echo "$after $before" | awk '{ print ($1 - $2) / 100 * 2 }' >> "$1"
	}
	kq_side() { cpu_side "$1" "$kq_pid" "$KQ_AT"; }
	kafka_side() { cpu_side "$1" "$kafka_pid" "$KAFKA_AT"; }
	alternate "bp$size" kafka_side kq_side
	r=$(ratio "$WORK/bp$size.b" "$WORK/bp$size.a" 1)
	row "broker CPU per GB, produce, batches of $size bytes" "$(median < "$WORK/bp$size.b") s against $(median < "$WORK/bp$size.a") s of Kafka: $r" '1/4' "$(at_most "$r" 0.25)"
done
# Fetch from the page cache, on the same brokers.
for at in "$KQ_AT" "$KAFKA_AT"; do
	kq-topics -b "$at" delete -y bench > /dev/null 2>&1
	kq-topics -b "$at" create fetch -p 1 > /dev/null
	kq-produce -q -b "$at" fetch < "$WORK/half"
done
fetch_side() {
	local before after
	before=$(cpu_ticks "$2")
	kq-consume -q -e -b "$3" fetch > /dev/null
	after=$(cpu_ticks "$2")
	echo "$after $before" | awk '{ print ($1 - $2) / 100 * 2 }' >> "$1"
}
kq_side() { fetch_side "$1" "$kq_pid" "$KQ_AT"; }
kafka_side() { fetch_side "$1" "$kafka_pid" "$KAFKA_AT"; }
alternate bf kafka_side kq_side
r=$(ratio "$WORK/bf.b" "$WORK/bf.a" 1)
row 'broker CPU per GB, fetch from the page cache' "$(median < "$WORK/bf.b") s against $(median < "$WORK/bf.a") s of Kafka: $r" '1/2' "$(at_most "$r" 0.5)"
stop_kq
stop_kafka
rm -rf "$WORK/bp" "$WORK/bpk" "$WORK/half"
