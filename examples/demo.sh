#!/bin/bash
# kq in one go: a broker, a real nginx, its access log through a topic and back.
# usage: demo.sh BINDIR. Everything lives in one temporary directory and is gone after.
set -euo pipefail
bin=$(cd "${1:-build/bin}" && pwd)
export PATH=$bin:$PATH:/usr/sbin
dir=$(mktemp -d)
broker= nginx=
cleanup() {
	[ -z "$nginx" ] || kill "$nginx" 2>/dev/null || true
	[ -z "$broker" ] || kill "$broker" 2>/dev/null || true
	wait 2>/dev/null || true
	rm -rf "$dir"
}
trap cleanup EXIT
say() { printf '\n\033[1m$ %s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n$ %s\n' "$*"; }
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' 2>/dev/null || echo $((20000 + RANDOM % 20000)); }

say "kq-broker --data-dir data --listen 127.0.0.1:0 --ready-fd 3 &"
mkfifo "$dir/ready"
kq-broker -q --data-dir "$dir/data" --listen 127.0.0.1:0 --ready-fd 3 3>"$dir/ready" 2>"$dir/broker.log" &
broker=$!
read -r KQ_BROKERS < "$dir/ready"
export KQ_BROKERS
echo "serving"

port=$(free_port)
mkdir -p "$dir/www"
echo 'hello from nginx' > "$dir/www/index.html"
cat > "$dir/nginx.conf" <<CONF
$([ "$(id -u)" != 0 ] || echo 'user root;')
daemon off; worker_processes 1; pid $dir/nginx.pid; error_log $dir/error.log;
events { worker_connections 64; }
http {
	access_log $dir/access.log combined;
	client_body_temp_path $dir/t1; proxy_temp_path $dir/t2; fastcgi_temp_path $dir/t3;
	uwsgi_temp_path $dir/t4; scgi_temp_path $dir/t5;
	server { listen 127.0.0.1:$port; root $dir/www;
		location /old { return 301 /; } location /broken { return 503; } }
}
CONF
say "nginx serves 400 requests"
nginx -c "$dir/nginx.conf" -e "$dir/error.log" &
nginx=$!
for try in $(seq 1 100); do
	curl -fs -o /dev/null "http://127.0.0.1:$port/index.html?first" && break
	[ "$try" -lt 100 ] || { echo "nginx does not answer:" >&2; cat "$dir/error.log" >&2; exit 1; }
	sleep 0.05
done
for i in $(seq 1 80); do
	echo "http://127.0.0.1:$port/index.html?$i" "http://127.0.0.1:$port/?page=$i" \
		"http://127.0.0.1:$port/missing/$i" "http://127.0.0.1:$port/old" "http://127.0.0.1:$port/broken"
done | xargs -n 50 curl -s 2>/dev/null >/dev/null || true
kill "$nginx"
wait "$nginx" 2>/dev/null || true
nginx=
tail -n +2 "$dir/access.log" > "$dir/lines"
echo "$(wc -l < "$dir/lines") lines in access.log"

say "kq-topics create nginx -p 1"
kq-topics create nginx -p 1
say "cat access.log | kq-produce nginx"
kq-produce -q nginx < "$dir/lines"
say "kq-topics offsets nginx"
kq-topics offsets nginx
say "kq-consume -e nginx | awk '{ n[\$9]++ } END { for (s in n) print s, n[s] }' | sort"
kq-consume -q -e nginx | awk '{ n[$9]++ } END { for (s in n) print s, n[s] }' | sort
say "kq-consume -e nginx | cmp - access.log"
kq-consume -q -e nginx | cmp - "$dir/lines" && echo "equal, byte for byte"
say "kq-dump-segment --verify data/nginx-0"
kq-dump-segment --verify "$dir/data/nginx-0" && echo "no faults"
say "kq-dump-segment data/nginx-0/00000000000000000000.log | head -n 2 | cut -c 1-76"
kq-dump-segment "$dir/data/nginx-0/00000000000000000000.log" | head -n 2 | cut -c 1-76
