#compdef kq-produce
# zsh completion; made by kq-produce --completions zsh
_kq_produce()
{
	_arguments -s -S \
		'*'{-d+,--delim=}'[what ends a record; escapes allowed]:STR:' \
		'*'{-0,--null}'[NUL ends a record]' \
		'*'{-K+,--key-delim=}'[what stands before STR is the key]:STR:' \
		'*'{-i+,--input=}'[what the input is]:KIND:(lines json frames)' \
		'*'{-f+,--format=}'[lines laid out as FMT says\: %k %v %h %p %T ..]:FMT:' \
		'*'{-Z,--empty-as-null}'[an empty key or value is null]' \
		'*'{-k+,--key=}'[a fixed key]:STR:' \
		'*'{-H+,--header=}'[a header on every record; repeatable]:NAME=VALUE:' \
		'*'{-p+,--partition=}'[into this partition]:N:' \
		'*'--partitioner='[partition by key, or without]:HOW:(murmur2 random round-robin sticky crc32)' \
		'*'--timestamp='[for every record; default now at reading]:TIME:' \
		'*'{-z+,--compression=}'[none, gzip, snappy, lz4, zstd\[\:LEVEL\]]:CODEC:' \
		'*'{-a+,--acks=}'[0, 1 or all (default)]:N:' \
		'*'--batch-size='[bytes of a batch, default 1m]:SIZE:' \
		'*'--linger='[how long a batch waits for more, default 5ms]:TIME:' \
		'*'--in-flight='[requests under way, default 5]:N:' \
		'*'--timeout='[give a record up after that long, default 2m]:TIME:' \
		'*'--rate='[records a second at most]:N:' \
		'*'--on-error='[for a record that can never be sent\: stop, skip, dead-letter\:TOPIC]:WHAT:' \
		'*'--undelivered='[what was not delivered is kept here]:FILE:_files' \
		'*'--report'[partition, offset, timestamp of each record on stdout]' \
		'*'--tee'[copy the input to stdout]' \
		'*'--progress'[tell how it goes; by itself on a terminal]' \
		'*'--stats'[counts on stderr at the end]' \
		'*'{-b+,--brokers=}'[where to find the cluster]:HOST\:PORT,...:' \
		'*'-X+'[set a configuration key by Kafka'\''s name; repeatable]:KEY=VALUE:' \
		'*'--config='[read such keys from a properties file]:FILE:_files' \
		'*'{-q,--quiet}'[say only what went wrong]' \
		'*'{-v,--verbose}'[say more; twice shows protocol requests]' \
		'*'--help'[print this]' \
		'*'--version'[print the version]' \
		'*'--completions='[print a completion script for bash, zsh or fish]:SHELL:(bash zsh fish)' \
		'*:operand:_files'
}
_kq_produce "$@"
