# kq's tools against a real Apache Kafka.
. "$HERE/lib.sh"
need_kafka
start_kafka "$dir/kafka" || { claim 1 'Apache Kafka starts'; exit 1; }
export KQ_BROKERS=$KAFKA_AT
lines=${LINES_BIG:-2100000}
nginx_lines "$lines" > "$dir/in"
kq-topics create t3 -p 3 -c retention.ms=86400000
claim $? 'kq-topics create'
kq-topics list | grep -qx t3 || kq-topics list | grep -q '^t3'
claim $? 'kq-topics list'
kq-topics describe t3 | grep -q retention.ms
claim $? 'kq-topics describe'
for z in none gzip snappy lz4 zstd; do
	kq-produce -q -z $z "a-$z" < "$dir/in"
	claim $? "kq-produce -z $z to Kafka, $lines lines"
	kcat -C -q -e -b "$KAFKA_AT" -t "a-$z" -X check.crcs=true > "$dir/out"
	same "kq-produce -z $z to Kafka, read by kcat" "$dir/in" "$dir/out"
	kq-consume -q -e "a-$z" > "$dir/out"
	same "the same read by kq-consume from Kafka" "$dir/in" "$dir/out"
	kcat -P -q -b "$KAFKA_AT" -t "b-$z" -z $z -X queue.buffering.max.messages=1000000 < "$dir/in"
	kq-consume -q -e "b-$z" > "$dir/out"
	same "kcat -z $z to Kafka, read by kq-consume" "$dir/in" "$dir/out"
	kq-topics delete -y "a-$z" "b-$z" > /dev/null
done
printf 'x\ny\nz\n' | kq-produce -q -p 0 t3
[ "$(kq-topics offsets --json t3 | grep -c .)" -ge 3 ]
claim $? 'kq-topics offsets'
kq-topics trim t3:0 --before 2 -y && [ "$(kq-consume -q -e -p 0 t3)" = z ]
claim $? 'kq-topics trim'
kq-topics alter t3 -c retention.ms=1000 -p 4 && kq-topics describe t3 | grep -q 'retention.ms.*1000'
claim $? 'kq-topics alter'
kq-topics delete -y t3 && ! kq-topics list | grep -q '^t3'
claim $? 'kq-topics delete'
kill "$kafka_pid"
wait "$kafka_pid" 2>/dev/null
