# kafkajs from npm. Its consumer always joins a group, which kq-broker does not have
# yet: what it writes is read back by kcat and kq-consume.
. "$HERE/lib.sh"
start_kq "$dir/data"
mkdir -p "$dir/js" && cp "$HERE/kafkajs/produce.js" "$dir/js" && cd "$dir/js"
npm init -y > /dev/null 2>&1 && npm install --silent --no-audit --no-fund kafkajs@2.2.4 > "$dir/npm.log" 2>&1
claim $? 'kafkajs installs'
for z in none gzip; do
	node produce.js "$KQ_BROKERS" "js-$z" $z > "$dir/out" 2> "$dir/js.err"
	claim $? "kafkajs creates a topic, produces and asks for offsets, $z"
	seq -f 'v%.0f' 0 1999 > "$dir/want"
	kq-consume -q -e "js-$z" > "$dir/got"
	same "kafkajs $z read by kq-consume" "$dir/want" "$dir/got"
	kcat -C -q -e -b "$KQ_BROKERS" -t "js-$z" > "$dir/got"
	same "kafkajs $z read by kcat" "$dir/want" "$dir/got"
done
