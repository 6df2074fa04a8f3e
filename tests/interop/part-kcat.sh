# kcat and librdkafka: every codec, both directions, millions of nginx lines.
. "$HERE/lib.sh"
start_kq "$dir/data"
lines=${LINES_BIG:-2100000}
nginx_lines "$lines" > "$dir/in"
for z in none gzip snappy lz4 zstd; do
	kcat -P -q -b "$KQ_BROKERS" -t "kcat-$z" -z $z -X queue.buffering.max.messages=1000000 < "$dir/in"
	claim $? "kcat -P -z $z: $lines lines"
	kq-consume -q -e "kcat-$z" > "$dir/out"
	same "kcat -z $z read by kq-consume" "$dir/in" "$dir/out"
	kcat -C -q -e -b "$KQ_BROKERS" -t "kcat-$z" -X check.crcs=true > "$dir/out"
	same "kcat -z $z read by kcat" "$dir/in" "$dir/out"
	kq-topics delete -y "kcat-$z" > /dev/null
	kq-produce -q -z $z "kq-$z" < "$dir/in"
	claim $? "kq-produce -z $z: $lines lines"
	kcat -C -q -e -b "$KQ_BROKERS" -t "kq-$z" -X check.crcs=true > "$dir/out"
	same "kq-produce -z $z read by kcat" "$dir/in" "$dir/out"
	kq-topics delete -y "kq-$z" > /dev/null
done
head -n 1000 "$dir/in" | kcat -P -q -b "$KQ_BROKERS" -t idem -X enable.idempotence=true -X acks=all
claim $? 'librdkafka, idempotent'
printf 'k1:v1\nk2:v2\n' | kcat -P -b "$KQ_BROKERS" -t keyed -K: -H a=1 -H b=2
[ "$(kq-consume -q -e -f '%k=%v %h\n' keyed | sort | tr '\n' ' ')" = 'k1=v1 a=1,b=2 k2=v2 a=1,b=2 ' ]
claim $? 'keys and headers of kcat'
printf 'k1:v1\n' | kq-produce -q -K: -H a=1 -p 0 back
[ "$(kcat -C -q -e -b "$KQ_BROKERS" -t back -f '%k=%s %h')" = 'k1=v1 a=1' ]
claim $? 'keys and headers of kq-produce'
for v in 0.10.2.0 0.11.0.0 1.0.0 2.0.0 2.3.0; do
	head -n 100 "$dir/in" | kcat -P -q -b "$KQ_BROKERS" -t "old-$v" -X api.version.request=true -X broker.version.fallback=$v
	claim $? "librdkafka as for brokers of $v"
done
kcat -L -b "$KQ_BROKERS" | grep -q 'topic "keyed"'
claim $? 'kcat -L lists topics'
[ "$(kcat -Q -b "$KQ_BROKERS" -t idem:0:-1 | awk '{ print $NF }')" -gt 0 ]
claim $? 'kcat -Q asks for offsets'
