# Resident memory: idle, per partition, per idle connection.
start_kq "$WORK/m"
sleep 1
idle=$(rss_kb "$kq_pid")
row 'idle RSS' "$idle KiB" '8 MB' "$(at_most "$idle" 8000)"
kq-topics -q -b "$KQ_AT" create many -p 1000 > /dev/null
seq 1 20000 | kq-produce -q -b "$KQ_AT" --partitioner round-robin many
sleep 1
with=$(rss_kb "$kq_pid")
per=$(awk -v a="$with" -v b="$idle" 'BEGIN { printf "%.1f", (a - b) / 1000 }')
row 'RSS per partition (1,000 of them, each written to)' "$per KiB" '16 KiB' "$(at_most "$per" 16)"
# Connections that asked one thing and then hold still.
coproc idlers { probe idle "${KQ_AT%:*}" "${KQ_AT##*:}" 800; }
read -r _ <&"${idlers[0]}"
sleep 1
after=$(rss_kb "$kq_pid")
per=$(awk -v a="$after" -v b="$with" 'BEGIN { printf "%.1f", (a - b) / 800 }')
row 'RSS per idle connection (800 of them)' "$per KiB" '8 KiB' "$(at_most "$per" 8)"
exec {idlers[1]}>&-
stop_kq
rm -rf "$WORK/m"
