# Shared by the parts: starting brokers, claims, input.
set -u
dir=$(mktemp -d "$WORK/XXXXXX")
t=0
pids=()
trap 'for p in "${pids[@]:-}"; do [ -z "$p" ] || kill "$p" 2>/dev/null; done; wait 2>/dev/null' EXIT

claim() { # status, text
	t=$((t + 1))
	if [ "$1" = 0 ]; then echo "ok $t - $2"; else echo "not ok $t - $2"; fi
}
same() { # text, file, file
	cmp -s "$2" "$3"
	claim $? "$1 ($(wc -l < "$2") and $(wc -l < "$3") lines)"
}
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

start_kq() { # data directory [-X k=v]...: sets KQ_BROKERS and kq_pid
	local data=$1
	shift
	rm -f "$dir/ready"
	mkfifo "$dir/ready"
	kq-broker -q --data-dir "$data" --listen 127.0.0.1:0 --ready-fd 3 "$@" 3>"$dir/ready" 2>>"$dir/broker.log" &
	kq_pid=$!
	pids+=("$kq_pid")
	read -r -t 30 KQ_BROKERS < "$dir/ready" || { echo "not ok - kq-broker does not start"; cat "$dir/broker.log" >&2; exit 1; }
	export KQ_BROKERS
}
stop_kq() { kill "$kq_pid"; wait "$kq_pid" 2>/dev/null; }

start_kafka() { # directory [k=v]...: sets KAFKA_AT and kafka_pid
	local port
	port=$(free_port)
	local data=$1
	shift
	"$KAFKA" broker "$data" "$port" "$@" > "$dir/kafka.log" 2>&1 &
	kafka_pid=$!
	pids+=("$kafka_pid")
	KAFKA_AT=127.0.0.1:$port
	"$KAFKA" wait "$KAFKA_AT" 90
}
need_kafka() { [ -x "$KAFKA" ] || { echo "ok 1 - Apache Kafka is not here # SKIP"; exit 0; }; }

# Lines as nginx writes them (combined format), N of them.
nginx_lines() {
	awk -v n="$1" 'BEGIN { srand(42); split("200 200 200 200 200 301 304 404 404 500 503", st, " ");
		split("/ /index.html /img/logo.png /api/v1/items /api/v1/items/42 /search?q=log /static/app.3f2a91.js /favicon.ico", path, " ");
		split("Mozilla/5.0_(X11;_Linux_x86_64)_AppleWebKit/537.36_(KHTML,_like_Gecko)_Chrome/129.0.0.0_Safari/537.36 curl/7.88.1 Mozilla/5.0_(iPhone;_CPU_iPhone_OS_17_5_like_Mac_OS_X)_AppleWebKit/605.1.15_(KHTML,_like_Gecko)_Version/17.5_Mobile/15E148_Safari/604.1", ua, " ");
		for (i in ua) gsub("_", " ", ua[i]);
		for (i = 0; i < n; i++) printf "%d.%d.%d.%d - - [21/Nov/2026:%02d:%02d:%02d +0000] \"GET %s HTTP/1.1\" %s %d \"https://example.org/page/%d\" \"%s\"\n",
			10 + rand() * 90, rand() * 255, rand() * 255, rand() * 255, i / 36000 % 24, i / 600 % 60, i / 10 % 60,
			path[1 + int(rand() * 8)], st[1 + int(rand() * 11)], rand() * 90000, i, ua[1 + int(rand() * 3)] }'
}
