#compdef kq-consume
# zsh completion; made by kq-consume --completions zsh
_kq_consume()
{
	_arguments -s -S \
		'*'{-o+,--offset=}'[start (default), end, -N, +N, N, A\:B, \:end, @TIME, @TIME\:@TIME, @-1h\:]:RANGE:' \
		'*'{-p+,--partition=}'[only these partitions]:N,...:' \
		'*'{-e,--exit}'[stop at the ends as they were at the start]' \
		'*'--idle='[stop after that long with nothing new]:TIME:' \
		'*'{-c+,--count=}'[stop after N records]:N:' \
		'*'--isolation='[which records of transactions]:LEVEL:(read_committed read_uncommitted)' \
		'*'--control'[print control records too]' \
		'*'--key='[only records with this key, from the partition where it lives]:STR:' \
		'*'--match-key='[only keys that match]:RE:' \
		'*'--match-value='[only values that match]:RE:' \
		'*'--match-header='[only with a header that matches; repeatable]:NAME=RE:' \
		'*'{-f+,--format=}'[by a format\: %v %k %h %t %p %o %T %S %K %e %%]:FMT:' \
		'*'{-J,--json}'[JSON lines]' \
		'*'--frames'[length-framed binary for kq-produce --input frames]' \
		'*'{-d+,--delim=}'[what follows each value]:STR:' \
		'*'{-0,--null}'[NUL follows each value]' \
		'*'{-Z+,--null-text=}'[text for a null key or value]:STR:' \
		'*'--raw'[values as they are on a terminal too]' \
		'*'{-b+,--brokers=}'[where to find the cluster]:HOST\:PORT,...:' \
		'*'-X+'[set a configuration key by Kafka'\''s name; repeatable]:KEY=VALUE:' \
		'*'--config='[read such keys from a properties file]:FILE:_files' \
		'*'{-q,--quiet}'[say only what went wrong]' \
		'*'{-v,--verbose}'[say more; twice shows protocol requests]' \
		'*'--help'[print this]' \
		'*'--version'[print the version]' \
		'*'--completions='[print a completion script for bash, zsh or fish]:SHELL:(bash zsh fish)' \
		'*:operand:'
}
_kq_consume "$@"
