# Installing: DESTDIR and PREFIX honoured.
.PHONY: install uninstall
