# Group commit: flush.policy=sync against os with 64 producers, and 64 against one.
# Each producer keeps one small batch in flight, so that it waits for the disk.
swarm() { # policy, producers, out: records a second of all together
	local each=$((40000 / $2)) i
	[ "$2" = 1 ] && each=3000
	start_kq "$WORK/sync" -X flush.policy=$1
	kq-topics -b "$KQ_AT" create s -p 8 > /dev/null
	head -n $each "$WORK/input" > "$WORK/few"
	local t0 t1 jobs=()
	t0=$(date +%s%N)
	for i in $(seq 1 "$2"); do
		kq-produce -q -b "$KQ_AT" --batch-size 4k --linger 0ms --in-flight 1 -p $((i % 8)) s < "$WORK/few" &
		jobs+=($!)
	done
	wait "${jobs[@]}"
	t1=$(date +%s%N)
	echo "$each $2 $t0 $t1" | awk '{ print $1 * $2 / (($4 - $3) / 1e9) }' >> "$3"
	stop_kq
	rm -rf "$WORK/sync"
}
sync_side() { swarm sync 64 "$1"; }
os_side() { swarm os 64 "$1"; }
one_side() { swarm sync 1 "$1"; }
alternate sync sync_side os_side
r=$(ratio "$WORK/sync.a" "$WORK/sync.b" 1)
row 'flush.policy=sync against os, 64 producers' "$r of the throughput" '0.5' "$(at_least "$r" 0.5)"
alternate many sync_side one_side
r=$(ratio "$WORK/many.a" "$WORK/many.b" 1)
row 'flush.policy=sync, 64 producers against one' "$r x" '5x' "$(at_least "$r" 5)"
