# Start to first answer, empty and with 1,000 partitions after a clean stop. The probe
# starts the broker and asks every 0.2 ms until it answers.
kq_start() { probe start "$2" kq-broker -q --data-dir "$1" --listen "127.0.0.1:$2" 2>> "$WORK/broker.log"; }
kafka_start() { probe start "$2" "$KAFKA" broker "$1" "$2" 2> "$WORK/kafka.log"; }
kq_side() { rm -rf "$WORK/e1"; kq_start "$WORK/e1" "$(free_port)" >> "$1"; }
# Kafka's storage is formatted by the warm-up, which is not part of its start.
kafka_side() { kafka_start "$WORK/e2" "$(free_port)" >> "$1"; }
against() { # name, what, bar
	local r
	alternate "$1" kq_side kafka_side
	r=$(ratio "$WORK/$1.b" "$WORK/$1.a" 1)
	row "$2" "$(median < "$WORK/$1.a") ms against $(median < "$WORK/$1.b") ms of Kafka: 1/$r" "1/$3" "$(at_least "$r" "$3")"
}
against start 'start to first answer, empty' 50
for who in kq kafka; do
	"start_$who" "$WORK/$who.thousand"
	at=$KQ_AT
	[ $who = kq ] || at=$KAFKA_AT
	kq-topics -q -b "$at" create many -p 1000 > /dev/null
	seq 1 20000 | kq-produce -q -b "$at" --partitioner round-robin many
	"stop_$who"
done
kq_side() { kq_start "$WORK/kq.thousand" "$(free_port)" >> "$1"; }
kafka_side() { kafka_start "$WORK/kafka.thousand" "$(free_port)" >> "$1"; }
against thousand 'the same with 1,000 partitions after a clean stop' 20
rm -rf "$WORK/e1" "$WORK/e2" "$WORK/kq.thousand" "$WORK/kafka.thousand"
