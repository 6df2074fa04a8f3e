# bash completion for kq-consume; made by kq-consume --completions bash
_kq_consume()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	COMPREPLY=()
	case $prev in
	-o|--offset) return ;;
	-p|--partition) return ;;
	--idle) return ;;
	-c|--count) return ;;
	--isolation) COMPREPLY=($(compgen -W 'read_committed read_uncommitted' -- "$cur")); return ;;
	--key) return ;;
	--match-key) return ;;
	--match-value) return ;;
	--match-header) return ;;
	-f|--format) return ;;
	-d|--delim) return ;;
	-Z|--null-text) return ;;
	-b|--brokers) return ;;
	-X) return ;;
	--config) COMPREPLY=($(compgen -f -- "$cur")); return ;;
	--completions) COMPREPLY=($(compgen -W 'bash zsh fish' -- "$cur")); return ;;
	esac
	if [[ $cur == -* ]]; then
		COMPREPLY=($(compgen -W '-o --offset -p --partition -e --exit --idle -c --count --isolation --control --key --match-key --match-value --match-header -f --format -J --json --frames -d --delim -0 --null -Z --null-text --raw -b --brokers -X --config -q --quiet -v --verbose --help --version --completions' -- "$cur"))
	fi
}
complete -o filenames -F _kq_consume kq-consume
