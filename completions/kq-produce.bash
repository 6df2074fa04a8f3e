# bash completion for kq-produce; made by kq-produce --completions bash
_kq_produce()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	COMPREPLY=()
	case $prev in
	-d|--delim) return ;;
	-K|--key-delim) return ;;
	-i|--input) COMPREPLY=($(compgen -W 'lines json frames' -- "$cur")); return ;;
	-f|--format) return ;;
	-k|--key) return ;;
	-H|--header) return ;;
	-p|--partition) return ;;
	--partitioner) COMPREPLY=($(compgen -W 'murmur2 random round-robin sticky crc32' -- "$cur")); return ;;
	--timestamp) return ;;
	-z|--compression) return ;;
	-a|--acks) return ;;
	--batch-size) return ;;
	--linger) return ;;
	--in-flight) return ;;
	--timeout) return ;;
	--rate) return ;;
	--on-error) return ;;
	--undelivered) COMPREPLY=($(compgen -f -- "$cur")); return ;;
	-b|--brokers) return ;;
	-X) return ;;
	--config) COMPREPLY=($(compgen -f -- "$cur")); return ;;
	--completions) COMPREPLY=($(compgen -W 'bash zsh fish' -- "$cur")); return ;;
	esac
	if [[ $cur == -* ]]; then
		COMPREPLY=($(compgen -W '-d --delim -0 --null -K --key-delim -i --input -f --format -Z --empty-as-null -k --key -H --header -p --partition --partitioner --timestamp -z --compression -a --acks --batch-size --linger --in-flight --timeout --rate --on-error --undelivered --report --tee --progress --stats -b --brokers -X --config -q --quiet -v --verbose --help --version --completions' -- "$cur"))
	else
		COMPREPLY=($(compgen -f -- "$cur"))
	fi
}
complete -o filenames -F _kq_produce kq-produce
