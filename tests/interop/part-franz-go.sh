# franz-go through the Go module proxy: every codec, idempotent, sessions, topic ids.
. "$HERE/lib.sh"
start_kq "$dir/data"
cp -r "$HERE/franz-go" "$dir/src"
cd "$dir/src" && go mod tidy > "$dir/go.log" 2>&1 && go build -o "$dir/franz" . >> "$dir/go.log" 2>&1
claim $? 'franz-go builds'
"$dir/franz" "$KQ_BROKERS" > "$dir/out" 2> "$dir/franz.err"
rc=$?
cat "$dir/out"
t=$((t + $(grep -c . "$dir/out")))
claim $rc 'the franz-go program ran to its end'
