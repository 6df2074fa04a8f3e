# Installing: DESTDIR and PREFIX honoured.
BINDIR  := $(DESTDIR)$(PREFIX)/bin
LIBDIR  := $(DESTDIR)$(PREFIX)/lib
INCDIR  := $(DESTDIR)$(PREFIX)/include/kq
MANDIR  := $(DESTDIR)$(PREFIX)/share/man
BASHCOMP := $(DESTDIR)$(PREFIX)/share/bash-completion/completions
ZSHCOMP := $(DESTDIR)$(PREFIX)/share/zsh/site-functions
FISHCOMP := $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
MAN     := $(sort $(wildcard man/*.[157]))
.PHONY: install uninstall

$(rel_DIR)/kq.pc: mk/kq.pc.in Makefile
	$(Q)mkdir -p $(@D) && sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' $< > $@

install: all $(rel_DIR)/kq.pc
	$(Q)install -d $(BINDIR) $(LIBDIR)/pkgconfig $(INCDIR) $(BASHCOMP) $(ZSHCOMP) $(FISHCOMP)
	$(Q)install -m 755 $(rel_PROGS) $(BINDIR)
	$(Q)install -m 644 $(rel_DIR)/lib/libkq.a $(LIBDIR)
	$(Q)install -m 755 $(rel_DIR)/lib/libkq.so $(LIBDIR)/libkq.so.$(VERSION)
	$(Q)ln -sf libkq.so.$(VERSION) $(LIBDIR)/libkq.so.0 && ln -sf libkq.so.0 $(LIBDIR)/libkq.so
	$(Q)install -m 644 include/kq/*.h $(INCDIR)
	$(Q)install -m 644 $(rel_DIR)/kq.pc $(LIBDIR)/pkgconfig
	$(Q)for m in $(MAN); do s=$${m##*.}; install -d $(MANDIR)/man$$s && install -m 644 $$m $(MANDIR)/man$$s; done
	$(Q)for p in $(PROGRAMS); do \
		install -m 644 completions/$$p.bash $(BASHCOMP)/$$p && \
		install -m 644 completions/$$p.zsh $(ZSHCOMP)/_$$p && \
		install -m 644 completions/$$p.fish $(FISHCOMP)/$$p.fish || exit 1; done

uninstall:
	$(Q)rm -f $(PROGRAMS:%=$(BINDIR)/%) $(LIBDIR)/libkq.* $(LIBDIR)/pkgconfig/kq.pc
	$(Q)rm -rf $(INCDIR)
	$(Q)for m in $(MAN); do s=$${m##*.}; rm -f $(MANDIR)/man$$s/$${m##*/}; done
	$(Q)for p in $(PROGRAMS); do rm -f $(BASHCOMP)/$$p $(ZSHCOMP)/_$$p $(FISHCOMP)/$$p.fish; done
