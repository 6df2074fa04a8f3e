# bash completion for kq-topics; made by kq-topics --completions bash
_kq_topics()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	COMPREPLY=()
	case $prev in
	-p|--partitions) return ;;
	-r|--replication-factor) return ;;
	--replicas) return ;;
	-c|--set) return ;;
	--unset) return ;;
	--at) return ;;
	--before) return ;;
	-b|--brokers) return ;;
	-X) return ;;
	--config) COMPREPLY=($(compgen -f -- "$cur")); return ;;
	--completions) COMPREPLY=($(compgen -W 'bash zsh fish' -- "$cur")); return ;;
	esac
	if [[ $cur == -* ]]; then
		COMPREPLY=($(compgen -W '-p --partitions -r --replication-factor --replicas -c --set --unset --if-not-exists --at --before -y --yes --dry-run -J --json --header -b --brokers -X --config -q --quiet -v --verbose --help --version --completions' -- "$cur"))
	elif ((COMP_CWORD == 1)); then
		COMPREPLY=($(compgen -W 'list describe create alter delete offsets trim configs brokers' -- "$cur"))
	fi
}
complete -o filenames -F _kq_topics kq-topics
