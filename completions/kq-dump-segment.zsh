#compdef kq-dump-segment
# zsh completion; made by kq-dump-segment --completions zsh
_kq_dump_segment()
{
	_arguments -s -S \
		'*'{-r,--records}'[print the records of each batch too]' \
		'*'{-f+,--format=}'[print records by this format, and no batches\: %o offset, %k key, %v value, %T time, %h headers; see kq-consume]:FMT:' \
		'*'{-J,--json}'[print JSON lines]' \
		'*'{-Z+,--null=}'[with -f\: how null is printed]:STR:' \
		'*'{-o+,--offset=}'[only these\: N, FROM\:TO (TO not included), @TIME, @TIME\:@TIME]:RANGE:' \
		'*'--decode='[records of internal topics in words\: offsets, transactions, none, or auto (by the directory'\''s name)]:WHAT:(auto none offsets transactions)' \
		'*'--verify'[check CRCs, order, sizes, and indexes against the log; print faults only]' \
		'*'{-q,--quiet}'[say only what went wrong]' \
		'*'{-v,--verbose}'[say more; twice shows protocol requests]' \
		'*'--help'[print this]' \
		'*'--version'[print the version]' \
		'*'--completions='[print a completion script for bash, zsh or fish]:SHELL:(bash zsh fish)' \
		'*:operand:_files'
}
_kq_dump_segment "$@"
