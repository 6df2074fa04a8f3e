# The Java client and Kafka's own tools against kq-broker.
. "$HERE/lib.sh"
need_kafka
start_kq "$dir/data"
kafka() { "$KAFKA" run "$@" 2>> "$dir/java.err"; }
nginx_lines 20000 > "$dir/in"
kafka org.apache.kafka.tools.TopicCommand --bootstrap-server "$KQ_BROKERS" --create --topic jt --partitions 1 --config retention.ms=86400000 > "$dir/out"
claim $? 'TopicCommand --create'
kafka org.apache.kafka.tools.TopicCommand --bootstrap-server "$KQ_BROKERS" --describe --topic jt > "$dir/out"
grep -q 'PartitionCount: 1' "$dir/out" && grep -q 'retention.ms=86400000' "$dir/out"
claim $? 'TopicCommand --describe'
kafka kafka.admin.ConfigCommand --bootstrap-server "$KQ_BROKERS" --alter --entity-type topics --entity-name jt --add-config max.message.bytes=2000000 > "$dir/out"
claim $? 'ConfigCommand --alter'
kafka kafka.admin.ConfigCommand --bootstrap-server "$KQ_BROKERS" --describe --entity-type topics --entity-name jt > "$dir/out"
grep -q 'max.message.bytes=2000000' "$dir/out"
claim $? 'ConfigCommand --describe'
kafka kafka.admin.ConfigCommand --bootstrap-server "$KQ_BROKERS" --describe --all --entity-type brokers --entity-name 1 > "$dir/out"
grep -q 'log.segment.bytes=1073741824' "$dir/out"
claim $? 'ConfigCommand --describe --all brokers'
for z in none gzip snappy lz4 zstd; do
	kafka kafka.tools.ConsoleProducer --bootstrap-server "$KQ_BROKERS" --topic "j-$z" --compression-codec $z < "$dir/in" > /dev/null
	claim $? "Java producer, $z"
	kafka org.apache.kafka.tools.consumer.ConsoleConsumer --bootstrap-server "$KQ_BROKERS" --topic "j-$z" --partition 0 --offset earliest --max-messages 20000 --timeout-ms 30000 > "$dir/out"
	same "Java producer $z read by the Java consumer" "$dir/in" "$dir/out"
	kq-consume -q -e "j-$z" > "$dir/out"
	same "Java producer $z read by kq-consume" "$dir/in" "$dir/out"
	kq-produce -q -z $z "k-$z" < "$dir/in"
	kafka org.apache.kafka.tools.consumer.ConsoleConsumer --bootstrap-server "$KQ_BROKERS" --topic "k-$z" --partition 0 --offset earliest --max-messages 20000 --timeout-ms 30000 > "$dir/out"
	same "kq-produce $z read by the Java consumer" "$dir/in" "$dir/out"
done
kafka org.apache.kafka.tools.VerifiableProducer --bootstrap-server "$KQ_BROKERS" --topic vp --max-messages 5000 --acks -1 > "$dir/out"
[ "$(grep -c producer_send_success "$dir/out")" = 5000 ]
claim $? 'VerifiableProducer: 5000 acknowledged'
kafka org.apache.kafka.tools.ProducerPerformance --topic pp --num-records 100000 --record-size 200 --throughput -1 --producer-props bootstrap.servers="$KQ_BROKERS" > "$dir/out"
claim $? 'ProducerPerformance'
kafka org.apache.kafka.tools.GetOffsetShell --bootstrap-server "$KQ_BROKERS" --topic pp > "$dir/out"
[ "$(awk -F: '{ s += $3 } END { print s }' "$dir/out")" = 100000 ]
claim $? 'GetOffsetShell'
echo '{"partitions":[{"topic":"vp","partition":0,"offset":100}],"version":1}' > "$dir/del.json"
kafka org.apache.kafka.tools.DeleteRecordsCommand --bootstrap-server "$KQ_BROKERS" --offset-json-file "$dir/del.json" > "$dir/out"
grep -q 'low_watermark: 100' "$dir/out"
claim $? 'DeleteRecordsCommand'
kafka org.apache.kafka.tools.LogDirsCommand --bootstrap-server "$KQ_BROKERS" --describe --topic-list vp > "$dir/out"
grep -q '"partition":"vp-0"' "$dir/out"
claim $? 'LogDirsCommand'
kafka org.apache.kafka.tools.TopicCommand --bootstrap-server "$KQ_BROKERS" --delete --topic jt > "$dir/out"
claim $? 'TopicCommand --delete'
stop_kq
for d in "$dir"/data/*-0; do
	kafka kafka.tools.DumpLogSegments --deep-iteration --files "$(ls "$d"/*.log | paste -sd,)" > "$dir/out"
	rc=$?
	! grep -qiE 'corrupt|mismatch|invalid|not valid|non-consecutive' "$dir/out" && [ $rc = 0 ]
	claim $? "DumpLogSegments --deep-iteration finds nothing wrong in $(basename "$d")"
done
