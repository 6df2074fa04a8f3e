#!/bin/sh
# Installs what kq needs to be built and tested, by apt-get; nothing that is there
# already. With no apt-get it prints the list. `deps.sh build` only what the build
# and the demo need, `deps.sh interop` what the interop tests need besides.
set -eu
build="gcc make pkg-config libc6-dev libuv1-dev libzstd-dev liblz4-dev libsnappy-dev zlib1g-dev libisal-dev libssl-dev libjansson-dev"
demo="nginx-light curl"
check="clang libclang-rt-14-dev libcmocka-dev bats bats-support bats-assert kcat jq zstd python3 xxd mandoc universal-ctags"
interop="python3-kafka python3-venv maven default-jdk-headless nodejs npm golang"
case ${1:-check} in
build) want="$build" ;;
demo) want="$build $demo" ;;
check) want="$build $demo $check" ;;
interop) want="$build $demo $check $interop" ;;
*) echo "deps.sh: unknown set '$1'" >&2; exit 2 ;;
esac
if ! command -v apt-get >/dev/null; then
	echo "There is no apt-get here. Please install these (Debian's names):"
	for p in $want; do echo "  $p"; done
	exit 1
fi
missing=
for p in $want; do
	case $p in
	nginx-light) command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || missing="$missing $p" ;;
	gcc | make | clang | curl | python3 | maven | nodejs | npm | golang | default-jdk-headless)
		case $p in maven) c=mvn ;; nodejs) c=node ;; golang) c=go ;; default-jdk-headless) c=java ;; *) c=$p ;; esac
		command -v $c >/dev/null || missing="$missing $p" ;;
	libclang-rt-14-dev)
		ls /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-* >/dev/null 2>&1 || missing="$missing $p" ;;
	*) dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing="$missing $p" ;;
	esac
done
[ -n "$missing" ] || exit 0
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
export DEBIAN_FRONTEND=noninteractive
echo "installing:$missing"
log=$(mktemp)
# A freshly installed nginx must not start serving by itself.
if $sudo apt-get install -y -qq --no-install-recommends $missing >"$log" 2>&1 ||
	{ $sudo apt-get update -qq >>"$log" 2>&1 && $sudo apt-get install -y -qq --no-install-recommends $missing >>"$log" 2>&1; }; then
	rm -f "$log"
else
	tail -20 "$log" >&2
	echo "deps.sh: apt-get could not install:$missing; the log is $log" >&2
	exit 1
fi
