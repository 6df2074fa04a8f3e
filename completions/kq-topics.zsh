#compdef kq-topics
# zsh completion; made by kq-topics --completions zsh
_kq_topics()
{
	_arguments -s -S \
		'*'{-p+,--partitions=}'[how many partitions]:N:' \
		'*'{-r+,--replication-factor=}'[how many replicas of each]:N:' \
		'*'--replicas='[brokers of each partition\: '\''0\:1,2;1\:2,3'\'']:P\:ID,ID;...:' \
		'*'{-c+,--set=}'[set a configuration; repeatable]:KEY=VALUE:' \
		'*'--unset='[back to the default; repeatable]:KEY:' \
		'*'--if-not-exists'[a topic that is there is no failure]' \
		'*'--at='[count from the first record of that time\: 1h (ago), 2026-11-21T10\:00Z]:TIME:' \
		'*'--before='[an offset, a time (7d ago, 2026-11-21), or end]:WHERE:' \
		'*'{-y,--yes}'[do not ask]' \
		'*'--dry-run'[check and tell, change nothing]' \
		'*'{-J,--json}'[JSON lines]' \
		'*'--header'[name the columns also in a pipe]' \
		'*'{-b+,--brokers=}'[where to find the cluster]:HOST\:PORT,...:' \
		'*'-X+'[set a configuration key by Kafka'\''s name; repeatable]:KEY=VALUE:' \
		'*'--config='[read such keys from a properties file]:FILE:_files' \
		'*'{-q,--quiet}'[say only what went wrong]' \
		'*'{-v,--verbose}'[say more; twice shows protocol requests]' \
		'*'--help'[print this]' \
		'*'--version'[print the version]' \
		'*'--completions='[print a completion script for bash, zsh or fish]:SHELL:(bash zsh fish)' \
		'1:verb:((list\:"topics with their partitions and replicas" describe\:"leaders, replicas, offsets, size and configuration of partitions" create\:"make topics" alter\:"change configuration, add partitions" delete\:"delete topics with all their records" offsets\:"first and next offset of partitions, and how many lie between" trim\:"delete the records before an offset or a time" configs\:"show or change configuration of topics and brokers" brokers\:"the brokers of the cluster"))' \
		'*:operand:'
}
_kq_topics "$@"
