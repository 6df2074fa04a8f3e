# kq: one Makefile, no recursion. `make help` lists the targets.
VERSION := 0.1.0
PREFIX  ?= /usr/local
DESTDIR ?=
BUILD   ?= build
CC      ?= gcc
V       ?= 0
ifeq ($(origin CC),default)
CC := gcc
endif

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),@:,@printf '  %-7s %s\n' $(1) $(2))

# ---- what there is -------------------------------------------------------
LAYERS   := base record net wire rpc log cluster client broker
PROGRAMS := kq-broker kq-produce kq-consume kq-topics kq-dump-segment
GEN      := $(BUILD)/gen/wire
MESSAGES := $(sort $(wildcard libcore/wire/schema/*.msg))
LIB_SRC  := $(foreach l,$(LAYERS),$(sort $(wildcard libcore/$(l)/*.c libcore/$(l)/*/*.c)))
GEN_SRC  := $(if $(MESSAGES),$(GEN)/messages.c)
GEN_HDR  := $(if $(MESSAGES),$(GEN)/messages.h)
COMMON_SRC := $(sort $(wildcard cmd/common/*.c))
UNIT_SRC := $(sort $(wildcard tests/unit/*/test_*.c))
UNIT_LIB := $(sort $(wildcard tests/lib/*.c))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
BATS     := $(sort $(wildcard tests/cli/*.bats))

# ---- flags ---------------------------------------------------------------
try = $(shell printf 'int main(void){return 0;}' | $(CC) $(1) -Werror -x c -o /dev/null - 2>/dev/null && echo '$(1)')
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	-Wvla -Wformat=2 -Wimplicit-fallthrough $(if $(CI),-Werror) $(if $(WERROR),-Werror)
HARDEN := -D_FORTIFY_SOURCE=2 -D_GLIBCXX_ASSERTIONS -fstack-protector-strong \
	$(call try,-fstack-clash-protection) $(call try,-fcf-protection=full) \
	-fno-delete-null-pointer-checks -fno-strict-overflow
LINKHARD := -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed
CPPFLAGS += -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DKQ_VERSION='"$(VERSION)"'
OPT      ?= -O2 -g
LIBS     := -luv -lzstd -llz4 -lsnappy -lz -lisal -lssl -lcrypto -ljansson -lpthread -lm
STD      := -std=c11 -fPIC -fno-omit-frame-pointer -fvisibility=default
INC_LIB  := -Iinclude -Ilibcore -I$(BUILD)/gen
INC_CMD  := -Iinclude -Icmd -I$(BUILD)/gen/cmd
INC_TEST := -Iinclude -Ilibcore -I$(BUILD)/gen -Itests

# ---- variants: the product, and the same under sanitizers ------------------
# $(1) name, $(2) compiler, $(3) compile flags, $(4) link flags
ASAN := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all
TSAN := -O1 -g -fsanitize=thread
FUZZ := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all


define variant
$(1)_DIR := $(BUILD)$(if $(filter rel,$(1)),,/$(1))
$(1)_LIBOBJ := $$(LIB_SRC:%.c=$$($(1)_DIR)/obj/%.o) $$(if $$(GEN_SRC),$$($(1)_DIR)/obj/gen/wire/messages.o)
$(1)_PROGS := $$(foreach p,$$(PROGRAMS),$$(if $$(wildcard cmd/$$(p)/*.c),$$($(1)_DIR)/bin/$$(p)))
$(1)_UNITS := $$(UNIT_SRC:tests/unit/%.c=$$($(1)_DIR)/unit/%)

$$($(1)_DIR)/obj/libcore/%.o: libcore/%.c $$(GEN_HDR)
	$$(call say,CC,$$@)
	$$(Q)mkdir -p $$(@D) && $(2) $$(STD) $$(WARN) $$(CPPFLAGS) $$(INC_LIB) $(3) $$(CFLAGS) -MMD -MP -c $$< -o $$@
$$($(1)_DIR)/obj/gen/%.o: $$(BUILD)/gen/%.c $$(GEN_HDR)
	$$(call say,CC,$$@)
	$$(Q)mkdir -p $$(@D) && $(2) $$(STD) $$(WARN) $$(CPPFLAGS) $$(INC_LIB) $(3) $$(CFLAGS) -MMD -MP -c $$< -o $$@
$$($(1)_DIR)/obj/cmd/%.o: cmd/%.c
	$$(call say,CC,$$@)
	$$(Q)mkdir -p $$(@D) && $(2) $$(STD) $$(WARN) $$(CPPFLAGS) $$(INC_CMD) $(3) $$(CFLAGS) -MMD -MP -c $$< -o $$@
$$($(1)_DIR)/obj/tests/%.o: tests/%.c $$(GEN_HDR)
	$$(call say,CC,$$@)
	$$(Q)mkdir -p $$(@D) && $(2) $$(STD) $$(WARN) $$(CPPFLAGS) $$(INC_TEST) -DKQ_TESTDATA='"$$(CURDIR)/tests/data"' $(3) $$(CFLAGS) -MMD -MP -c $$< -o $$@

$$($(1)_DIR)/lib/libkq.a: $$($(1)_LIBOBJ)
	$$(call say,AR,$$@)
	$$(Q)mkdir -p $$(@D) && rm -f $$@ && ar rcs $$@ $$^
$$(foreach p,$$(PROGRAMS),$$(eval $$($(1)_DIR)/bin/$$(p): $$(patsubst %.c,$$($(1)_DIR)/obj/%.o,$$(wildcard cmd/$$(p)/*.c) $$(COMMON_SRC)) $$($(1)_DIR)/lib/libkq.a))
$$($(1)_DIR)/bin/%:
	$$(call say,LINK,$$@)
	$$(Q)mkdir -p $$(@D) && $(2) $(3) $$(LINKHARD) $(4) $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) $$($(1)_DIR)/lib/libkq.a $$(LIBS)
$$($(1)_DIR)/unit/%: $$($(1)_DIR)/obj/tests/unit/%.o $$(UNIT_LIB:%.c=$$($(1)_DIR)/obj/%.o) $$($(1)_DIR)/lib/libkq.a
	$$(call say,LINK,$$@)
	$$(Q)mkdir -p $$(@D) && $(2) $(3) $(4) $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) $$($(1)_DIR)/lib/libkq.a $$(LIBS) -lcmocka
-include $$($(1)_LIBOBJ:.o=.d) $$(patsubst %.c,$$($(1)_DIR)/obj/%.d,$$(COMMON_SRC) $$(wildcard cmd/*/*.c) $$(UNIT_SRC) $$(UNIT_LIB))
endef
$(eval $(call variant,rel,$(CC),$(OPT) $(HARDEN),-pie))
$(eval $(call variant,asan,$(CC),$(ASAN),))
$(eval $(call variant,tsan,$(CC),$(TSAN),))
$(eval $(call variant,fuzz,clang,$(FUZZ),))

# ---- build ---------------------------------------------------------------
.PHONY: all help clean
all: $(rel_PROGS) $(rel_DIR)/lib/libkq.a $(rel_DIR)/lib/libkq.so

help:
	@echo 'all deps demo check check-unit check-cli check-asan check-tsan check-layers check-docs'
	@echo 'interop fuzz crash bench install uninstall clean'

$(rel_DIR)/lib/libkq.so: $(rel_LIBOBJ)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) -shared -Wl,-soname,libkq.so.0 $(LINKHARD) $(LDFLAGS) -o $@ $^ $(LIBS)

# The protocol: structs and tables from one description of each message.
$(GEN)/messages.h $(GEN)/messages.c &: libcore/wire/gen.awk $(MESSAGES)
	$(call say,GEN,$(GEN)/messages.[ch])
	$(Q)mkdir -p $(GEN) && LC_ALL=C awk -v out=$(GEN) -f libcore/wire/gen.awk $(MESSAGES)

clean:
	$(Q)rm -rf $(BUILD)

include mk/check.mk
include mk/install.mk
