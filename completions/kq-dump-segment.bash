# bash completion for kq-dump-segment; made by kq-dump-segment --completions bash
_kq_dump_segment()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	COMPREPLY=()
	case $prev in
	-f|--format) return ;;
	-Z|--null) return ;;
	-o|--offset) return ;;
	--decode) COMPREPLY=($(compgen -W 'auto none offsets transactions' -- "$cur")); return ;;
	--completions) COMPREPLY=($(compgen -W 'bash zsh fish' -- "$cur")); return ;;
	esac
	if [[ $cur == -* ]]; then
		COMPREPLY=($(compgen -W '-r --records -f --format -J --json -Z --null -o --offset --decode --verify -q --quiet -v --verbose --help --version --completions' -- "$cur"))
	else
		COMPREPLY=($(compgen -f -- "$cur"))
	fi
}
complete -o filenames -F _kq_dump_segment kq-dump-segment
