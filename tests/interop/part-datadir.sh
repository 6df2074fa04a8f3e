# A data directory goes from Kafka to kq and back. ZooKeeper mode: Kafka takes over a
# directory of kq only if the topics' znodes with their ids are there beforehand.
. "$HERE/lib.sh"
need_kafka
zk_port=$(free_port)
"$KAFKA" zookeeper "$dir/zk" "$zk_port" > "$dir/zk.log" 2>&1 &
pids+=($!)
zkfor() { for _ in $(seq 1 150); do (exec 3<> "/dev/tcp/127.0.0.1/$zk_port") 2>/dev/null && return; sleep 0.2; done; return 1; }
zkfor || { claim 1 'ZooKeeper starts'; exit 1; }
start_zkbroker() { # data
	local port
	port=$(free_port)
	"$KAFKA" zkbroker "$1" 1 "$port" "127.0.0.1:$zk_port" log.segment.bytes=2000000 > "$dir/zkbroker.log" 2>&1 &
	kafka_pid=$!
	pids+=("$kafka_pid")
	KAFKA_AT=127.0.0.1:$port
	"$KAFKA" wait "$KAFKA_AT" 90
}
nginx_lines 60000 > "$dir/in"
start_zkbroker "$dir/k" || { claim 1 'Kafka starts in ZooKeeper mode'; exit 1; }
for z in none gzip snappy lz4 zstd; do
	kcat -P -q -b "$KAFKA_AT" -t "from-kafka-$z" -z $z < "$dir/in"
done
kcat -P -q -b "$KAFKA_AT" -t idem -X enable.idempotence=true < "$dir/in"
kill "$kafka_pid"
wait "$kafka_pid" 2>/dev/null
kq-dump-segment --verify "$dir/k/logs"/from-kafka-* "$dir/k/logs/idem-0" > "$dir/out" 2>&1
claim $? "kq-dump-segment --verify finds nothing in Kafka's segments"
start_kq "$dir/k/logs" -X log.segment.bytes=2000000
for z in none gzip snappy lz4 zstd; do
	kq-consume -q -e "from-kafka-$z" > "$dir/out"
	same "kq-broker serves what Kafka wrote, $z" "$dir/in" "$dir/out"
done
head -n 5000 "$dir/in" > "$dir/more"
kq-produce -q -z lz4 from-kafka-none < "$dir/more"
kcat -P -q -b "$KQ_BROKERS" -t idem -X enable.idempotence=true < "$dir/more"
claim $? "kq-broker appends to Kafka's topics"
stop_kq
start_zkbroker "$dir/k"
claim $? 'Kafka opens the directory that kq-broker used'
cat "$dir/in" "$dir/more" > "$dir/both"
for topic in from-kafka-none idem; do
	kcat -C -q -e -b "$KAFKA_AT" -t $topic -X check.crcs=true > "$dir/out"
	same "Kafka serves $topic, written by both" "$dir/both" "$dir/out"
done
kill "$kafka_pid"
wait "$kafka_pid" 2>/dev/null

# A directory made by kq alone, given to Kafka: the cluster's id and the topic's znodes
# are written first, as an operator would.
start_kq "$dir/ours" -X log.segment.bytes=2000000
kq-topics create made-by-kq -p 1 > /dev/null
kq-produce -q -z zstd made-by-kq < "$dir/in"
claim $? 'a directory made by kq'
stop_kq
id=$(sed -n 's/^topic_id: //p' "$dir/ours/made-by-kq-0/partition.metadata")
cluster=$(sed -n 's/^cluster.id=//p' "$dir/ours/meta.properties")
broker_id=$(sed -n 's/^broker.id=//p; s/^node.id=//p' "$dir/ours/meta.properties" | head -n 1)
zk_shell() { "$KAFKA" run org.apache.zookeeper.ZooKeeperMain -server "127.0.0.1:$zk_port/kq" "$@" >> "$dir/zkshell.log" 2>&1; }
"$KAFKA" run org.apache.zookeeper.ZooKeeperMain -server "127.0.0.1:$zk_port" create /kq '' >> "$dir/zkshell.log" 2>&1
for z in /cluster /brokers /brokers/topics /brokers/topics/made-by-kq /brokers/topics/made-by-kq/partitions /brokers/topics/made-by-kq/partitions/0; do
	case $z in
	/brokers/topics/made-by-kq)
		zk_shell create $z "{\"version\":3,\"topic_id\":\"$id\",\"partitions\":{\"0\":[$broker_id]},\"adding_replicas\":{},\"removing_replicas\":{}}" ;;
	*) zk_shell create $z '' ;;
	esac
done
zk_shell create /cluster/id "{\"version\":\"1\",\"id\":\"$cluster\"}"
zk_shell create /brokers/topics/made-by-kq/partitions/0/state "{\"controller_epoch\":1,\"leader\":$broker_id,\"version\":1,\"leader_epoch\":0,\"isr\":[$broker_id]}"
port=$(free_port)
mkdir -p "$dir/take"
mv "$dir/ours" "$dir/take/logs"
"$KAFKA" zkbroker "$dir/take" "$broker_id" "$port" "127.0.0.1:$zk_port/kq" > "$dir/take.log" 2>&1 &
pids+=($!)
"$KAFKA" wait "127.0.0.1:$port" 90
claim $? 'Kafka opens a directory made by kq'
kcat -C -q -e -b "127.0.0.1:$port" -t made-by-kq -X check.crcs=true > "$dir/out"
same 'Kafka serves what kq wrote' "$dir/in" "$dir/out"
