# kafka-python as Debian has it.
. "$HERE/lib.sh"
start_kq "$dir/data"
python3 - "$KQ_BROKERS" > "$dir/out" <<'P'
import sys
from kafka import KafkaProducer, KafkaConsumer, TopicPartition, KafkaAdminClient
from kafka.admin import NewTopic, NewPartitions, ConfigResource, ConfigResourceType
at = sys.argv[1]
n = 0
def claim(ok, text):
    global n
    n += 1
    print(f"{'ok' if ok else 'not ok'} {n} - kafka-python: {text}", flush=True)
admin = KafkaAdminClient(bootstrap_servers=at)
admin.create_topics([NewTopic('made', 3, 1, topic_configs={'retention.ms': '60000'})])
claim('made' in admin.list_topics(), 'create_topics, list_topics')
admin.create_partitions({'made': NewPartitions(5)})
d = admin.describe_topics(['made'])[0]
claim(len(d['partitions']) == 5, 'create_partitions')
c = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, 'made')])
values = {e[0]: e[1] for e in c[0].resources[0][4]}
claim(values.get('retention.ms') == '60000', 'describe_configs')
for codec in [None, 'gzip', 'lz4', 'snappy', 'zstd']:
    try:
        p = KafkaProducer(bootstrap_servers=at, compression_type=codec, acks='all', linger_ms=20)
    except AssertionError:
        print(f"ok - kafka-python {codec} # SKIP library not installed")
        continue
    topic = f'py-{codec}'
    for i in range(2000):
        p.send(topic, key=b'k%d' % i, value=b'v%d' % i, headers=[('h', b'%d' % i)])
    p.flush()
    p.close()
    consumer = KafkaConsumer(bootstrap_servers=at, consumer_timeout_ms=8000, auto_offset_reset='earliest')
    tp = TopicPartition(topic, 0)
    consumer.assign([tp])
    consumer.seek_to_beginning(tp)
    got = []
    for m in consumer:
        got.append(m)
        if len(got) == 2000:
            break
    claim([m.value for m in got] == [b'v%d' % i for i in range(2000)] and got[7].headers == [('h', b'7')],
          f'produce and read, codec {codec}')
    claim(consumer.end_offsets([tp])[tp] == 2000 and consumer.beginning_offsets([tp])[tp] == 0, f'offsets, codec {codec}')
    t = got[1000].timestamp
    claim(consumer.offsets_for_times({tp: t})[tp].offset <= 1000, f'offsets for times, codec {codec}')
    consumer.close()
admin.delete_topics(['made'])
claim('made' not in admin.list_topics(), 'delete_topics')
P
rc=$?
cat "$dir/out"
t=$(grep -c . "$dir/out")
claim $rc 'the kafka-python script ran to its end'
kq-consume -q -e py-gzip | head -n 3 | tr '\n' ' ' | grep -q 'v0 v1 v2'
claim $? 'kq-consume reads what kafka-python wrote'
