# Shared by the rows of the bench: brokers, measuring, ratios.
set -u
PAIRS=${PAIRS:-5}
pids=()
bench_cleanup() {
	for p in "${pids[@]:-}"; do [ -z "$p" ] || kill "$p" 2>/dev/null; done
	wait 2>/dev/null
	rm -rf "$WORK"
}
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# start_kq DIR [-X k=v]...: sets KQ_AT, kq_pid.
start_kq() {
	local data=$1
	shift
	rm -f "$WORK/ready"
	mkfifo "$WORK/ready"
	kq-broker -q --data-dir "$data" --listen 127.0.0.1:0 --ready-fd 3 "$@" 3>"$WORK/ready" 2>>"$WORK/broker.log" &
	kq_pid=$!
	pids+=("$kq_pid")
	read -r -t 120 KQ_AT < "$WORK/ready" || { echo "kq-broker does not start" >&2; tail -3 "$WORK/broker.log" >&2; return 1; }
}
stop_kq() { kill "$kq_pid" && wait "$kq_pid" 2>/dev/null; }
# start_kafka DIR [k=v]...: sets KAFKA_AT, kafka_pid.
start_kafka() {
	local data=$1 port
	port=$(free_port)
	shift
	"$KAFKA" broker "$data" "$port" "$@" > "$WORK/kafka.log" 2>&1 &
	kafka_pid=$!
	pids+=("$kafka_pid")
	KAFKA_AT=127.0.0.1:$port
	"$KAFKA" wait "$KAFKA_AT" 90
}
stop_kafka() { kill "$kafka_pid" && wait "$kafka_pid" 2>/dev/null; }

rss_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }

cpu_seconds() { probe cpu "$1"; }
# measure FILE CMD...: appends "seconds cpu_seconds" of the command; its stdin and stdout
# are the caller's, so that in a pipe it alone is measured.
measure() {
	local file=$1 TIMEFORMAT='%R %U %S'
	shift
	{ time "$@" 2>> "$WORK/measure.err"; } 2> "$WORK/time"
	awk '{ print $1, $2 + $3 }' "$WORK/time" >> "$file"
}
median() { sort -n | awk '{ v[NR] = $1 } END { if (!NR) print "nan"; else print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
# ratio FILE_A FILE_B COLUMN: median of A/B by pair.
ratio() { paste "$1" "$2" | awk -v c="$3" '{ a = $c; b = $(c + NF / 2); if (b > 0) print a / b; else print a / 0.001 }' | median; }

# alternate NAME A_FUNCTION B_FUNCTION: a warm-up, then PAIRS pairs; results in
# $WORK/NAME.a and .b, one line a run.
alternate() {
	local name=$1 a=$2 b=$3 i
	: > "$WORK/warm"
	$a "$WORK/warm" && $b "$WORK/warm"
	: > "$WORK/$name.a"
	: > "$WORK/$name.b"
	for i in $(seq 1 "$PAIRS"); do
		$a "$WORK/$name.a"
		$b "$WORK/$name.b"
	done
}
# row WHAT MEASURED BAR MET: a line of the table.
row() { printf '| %s | %s | %s | %s |\n' "$1" "$2" "$3" "$4" | tee -a "$WORK/table"; }
at_least() { awk -v a="$1" -v b="$2" 'BEGIN { print (a >= b) ? "yes" : "no" }'; }
at_most() { awk -v a="$1" -v b="$2" 'BEGIN { print (a <= b) ? "yes" : "no" }'; }
both() { [ "$1$2" = yesyes ] && echo yes || echo no; }

# column FILE N: the median of a column.
column() { awk -v c="$2" '{ print $c }' "$1" | median; }
gib() { awk -v g="$GIB" -v part="$1" 'BEGIN { printf "%.0f", g * part * 1073741824 }'; } # PART: bytes

nginx_lines() { # BYTES: about that many bytes of combined log lines
	awk -v want="$1" 'BEGIN { srand(7); split("200 200 200 200 200 301 304 404 404 500 503", st, " ");
		split("/ /index.html /img/logo.png /api/v1/items /api/v1/items/42 /search?q=log /static/app.3f2a91.js /favicon.ico", path, " ");
		ua[1] = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36";
		ua[2] = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36 Edg/129.0.0.0";
		ua[3] = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";
		for (n = 0; n < want; i++) { l = sprintf("%d.%d.%d.%d - - [21/Nov/2026:%02d:%02d:%02d +0000] \"GET %s HTTP/1.1\" %s %d \"https://example.org/page/%d\" \"%s\"",
			10 + rand() * 90, rand() * 255, rand() * 255, rand() * 255, i / 36000 % 24, i / 600 % 60, i / 10 % 60,
			path[1 + int(rand() * 8)], st[1 + int(rand() * 11)], rand() * 90000, i, ua[1 + int(rand() * 3)]); n += length(l) + 1; print l } }'
}
# LENGTH BYTES: about that many bytes of lines of one length, delimiter included.
even_lines() {
	awk -v n="$1" -v want="$2" 'BEGIN { srand(7); for (i = 0; i < 64; i++) { l = ""; while (length(l) < n)
		l = l sprintf("%08x ", rand() * 4294967295); line[i] = substr(l, 1, n - 11) }
		for (i = 0; i * n < want; i++) printf "%010d%s\n", i, line[i % 64] }'
}
