#compdef kq-broker
# zsh completion; made by kq-broker --completions zsh
_kq_broker()
{
	_arguments -s -S \
		'*'--data-dir='[keep data here (log.dirs; default kq-data)]:DIR:_files -/' \
		'*'--listen='[serve here (listeners; default 127.0.0.1\:9092, port 0 picks one)]:HOST\:PORT:' \
		'*'--ready-fd='[write HOST\:PORT to descriptor N once it serves]:N:' \
		'*'--check'[print the effective configuration and exit]' \
		'*'-X+'[set a configuration key by Kafka'\''s name; repeatable]:KEY=VALUE:' \
		'*'--config='[read such keys from a properties file]:FILE:_files' \
		'*'{-q,--quiet}'[say only what went wrong]' \
		'*'{-v,--verbose}'[say more; twice shows protocol requests]' \
		'*'--help'[print this]' \
		'*'--version'[print the version]' \
		'*'--completions='[print a completion script for bash, zsh or fish]:SHELL:(bash zsh fish)' \
		'*:operand:'
}
_kq_broker "$@"
