# Start to first answer, empty and with 1,000 partitions after a clean stop. The port
# is probed every 2 ms with an ApiVersions request until it is answered.
probe() { # host:port
	until exec {fd}<> "/dev/tcp/${1%:*}/${1##*:}" && printf '\0\0\0\x0a\0\x12\0\0\0\0\0\1\xff\xff' >&"$fd" &&
		LC_ALL=C IFS= read -r -t 5 -N 1 -d '' -u "$fd" _; do
		exec {fd}>&- 2>/dev/null
		sleep 0.002
	done 2>/dev/null
	exec {fd}>&-
}
first_answer() { # out, kq or kafka, directory
	local port t0 t1
	port=$(free_port)
	t0=$(date +%s%N)
	if [ "$2" = kq ]; then
		kq-broker -q --data-dir "$3" --listen 127.0.0.1:$port 2>> "$WORK/broker.log" &
	else
		"$KAFKA" broker "$3" "$port" > "$WORK/kafka.log" 2>&1 &
	fi
	local pid=$!
	pids+=("$pid")
	probe "127.0.0.1:$port"
	t1=$(date +%s%N)
	echo "$(((t1 - t0) / 1000))" | awk '{ print $1 / 1000 }' >> "$1"
	last_at=127.0.0.1:$port
	if [ "${3##*-}" = keep ]; then kept=$pid; else kill $pid; wait $pid 2>/dev/null; fi
}
kq_side() { rm -rf "$WORK/e1"; first_answer "$1" kq "$WORK/e1"; }
# Kafka's storage is formatted before, which is not part of its start.
first_answer "$WORK/warm" kafka "$WORK/e2"
kafka_side() { first_answer "$1" kafka "$WORK/e2"; }
alternate start kq_side kafka_side
r=$(ratio "$WORK/start.a" "$WORK/start.b" 1)
row 'start to first answer, empty' "$(median < "$WORK/start.a") ms against $(median < "$WORK/start.b") ms of Kafka: 1/$(awk -v r="$r" 'BEGIN { printf "%.0f", 1 / r }')" '1/50' "$(at_most "$r" 0.02)"
for who in kq kafka; do
	first_answer "$WORK/warm" $who "$WORK/$who-keep"
	[ $who = kafka ] && "$KAFKA" wait "$last_at" 60
	kq-topics -b "$last_at" create many -p 1000 > /dev/null
	seq 1 20000 | kq-produce -q -b "$last_at" --partitioner round-robin many
	kill "$kept"
	wait "$kept" 2>/dev/null
	mv "$WORK/$who-keep" "$WORK/$who.thousand"
done
kq_side() { first_answer "$1" kq "$WORK/kq.thousand"; }
kafka_side() { first_answer "$1" kafka "$WORK/kafka.thousand"; }
alternate thousand kq_side kafka_side
r=$(ratio "$WORK/thousand.a" "$WORK/thousand.b" 1)
row 'the same with 1,000 partitions after a clean stop' "$(median < "$WORK/thousand.a") ms against $(median < "$WORK/thousand.b") ms of Kafka: 1/$(awk -v r="$r" 'BEGIN { printf "%.0f", 1 / r }')" '1/20' "$(at_most "$r" 0.05)"
rm -rf "$WORK/e1" "$WORK/e2" "$WORK/kq.thousand" "$WORK/kafka.thousand"
