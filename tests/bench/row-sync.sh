# Group commit: flush.policy=sync against os with 64 producers, and 64 against one.
# Each producer has one batch of 4 KB in flight, so that it waits for the disk.
swarm() { # policy, producers, out: batches a second of all together
	start_kq "$WORK/sync" -X "flush.policy=$1"
	kq-topics -q -b "$KQ_AT" create s -p 8 > /dev/null
	probe swarm "${KQ_AT%:*}" "${KQ_AT##*:}" s 8 "$2" 3 >> "$3"
	stop_kq
	rm -rf "$WORK/sync"
}
sync_side() { swarm sync 64 "$1"; }
os_side() { swarm os 64 "$1"; }
one_side() { swarm sync 1 "$1"; }
alternate sync sync_side os_side
r=$(ratio "$WORK/sync.a" "$WORK/sync.b" 1)
row 'flush.policy=sync against os, 64 producers' "$(median < "$WORK/sync.a") batches/s against $(median < "$WORK/sync.b"): $r" '0.5' "$(at_least "$r" 0.5)"
alternate many sync_side one_side
r=$(ratio "$WORK/many.a" "$WORK/many.b" 1)
row 'flush.policy=sync, 64 producers against one' "$(median < "$WORK/many.a") batches/s against $(median < "$WORK/many.b"): $r x" '5x' "$(at_least "$r" 5)"
