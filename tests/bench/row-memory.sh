# Resident memory: idle, per partition, per idle connection.
start_kq "$WORK/m"
sleep 1
idle=$(rss_kb "$kq_pid")
row 'idle RSS' "$idle KiB" '8 MB' "$(at_most "$idle" 8192)"
kq-topics -b "$KQ_AT" create many -p 1000 > /dev/null
sleep 1
with=$(rss_kb "$kq_pid")
per=$(((with - idle) / 1000))
row 'RSS per partition (1,000 of them)' "$per KiB" '16 KiB' "$(at_most "$per" 16)"
conns=()
for _ in $(seq 1 800); do
	exec {fd}<> "/dev/tcp/${KQ_AT%:*}/${KQ_AT##*:}"
	conns+=("$fd")
done
sleep 1
after=$(rss_kb "$kq_pid")
per=$(awk -v a="$after" -v b="$with" 'BEGIN { printf "%.1f", (a - b) / 800 }')
row 'RSS per idle connection (800 of them)' "$per KiB" '8 KiB' "$(at_most "$per" 8)"
for fd in "${conns[@]}"; do exec {fd}>&-; done
stop_kq
rm -rf "$WORK/m"
