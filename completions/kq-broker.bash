# bash completion for kq-broker; made by kq-broker --completions bash
_kq_broker()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	COMPREPLY=()
	case $prev in
	--data-dir) COMPREPLY=($(compgen -d -- "$cur")); return ;;
	--listen) return ;;
	--ready-fd) return ;;
	-X) return ;;
	--config) COMPREPLY=($(compgen -f -- "$cur")); return ;;
	--completions) COMPREPLY=($(compgen -W 'bash zsh fish' -- "$cur")); return ;;
	esac
	if [[ $cur == -* ]]; then
		COMPREPLY=($(compgen -W '--data-dir --listen --ready-fd --check -X --config -q --quiet -v --verbose --help --version --completions' -- "$cur"))
	fi
}
complete -o filenames -F _kq_broker kq-broker
