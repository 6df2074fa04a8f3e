# fish completion for kq-broker; made by kq-broker --completions fish
complete -c kq-broker -f
complete -c kq-broker -l data-dir -r -F -d 'keep data here (log.dirs; default kq-data)'
complete -c kq-broker -l listen -x -d 'serve here (listeners; default 127.0.0.1:9092, port 0 picks one)'
complete -c kq-broker -l ready-fd -x -d 'write HOST:PORT to descriptor N once it serves'
complete -c kq-broker -l check -d 'print the effective configuration and exit'
complete -c kq-broker -s X -x -d 'set a configuration key by Kafka\'s name; repeatable'
complete -c kq-broker -l config -r -F -d 'read such keys from a properties file'
complete -c kq-broker -s q -l quiet -d 'say only what went wrong'
complete -c kq-broker -s v -l verbose -d 'say more; twice shows protocol requests'
complete -c kq-broker -l help -d 'print this'
complete -c kq-broker -l version -d 'print the version'
complete -c kq-broker -l completions -x -a 'bash zsh fish' -d 'print a completion script for bash, zsh or fish'
