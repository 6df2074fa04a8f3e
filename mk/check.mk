# Tests. Each suite writes TAP into $(BUILD)/tap; tests/lib/tally adds the files up
# and ends with `N passed, N failed`. A suite that fails does not stop the others.
TAP := $(BUILD)/tap
.PHONY: deps check check-unit check-cli check-asan check-tsan check-layers check-docs check-fuzz \
	interop fuzz crash bench demo FORCE

SECONDS ?= 600
ROUNDS  ?= 10

deps:
	$(Q)mk/deps.sh check

demo:
	$(Q)mk/deps.sh demo
	$(Q)$(MAKE) -s all
	$(Q)examples/demo.sh $(rel_DIR)/bin

tally = $(Q)tests/lib/tally $(1)

check-layers: $(TAP)/layers.tap ; $(call tally,$^)
check-docs: $(TAP)/docs.tap ; $(call tally,$^)
check-unit: $(TAP)/unit.tap ; $(call tally,$^)
check-cli: $(TAP)/cli.tap ; $(call tally,$^)
check-asan: $(TAP)/asan-unit.tap $(TAP)/asan-cli.tap ; $(call tally,$^)
check-tsan: $(TAP)/tsan.tap ; $(call tally,$^)
check-fuzz: $(TAP)/fuzz.tap ; $(call tally,$^)
check: $(TAP)/layers.tap $(TAP)/docs.tap $(TAP)/cli.tap $(TAP)/asan-unit.tap $(TAP)/asan-cli.tap \
	$(TAP)/tsan.tap $(TAP)/fuzz.tap $(TAP)/crash.tap
	$(call tally,$^)

$(TAP)/layers.tap: FORCE
	$(call say,CHECK,layers)
	$(Q)mkdir -p $(@D) && { tests/lib/check-layers > $@ || true; }
$(TAP)/docs.tap: all FORCE
	$(call say,CHECK,docs)
	$(Q)mkdir -p $(@D) && { tests/lib/check-docs $(rel_DIR)/bin > $@ || true; }
$(TAP)/unit.tap: $(rel_UNITS) FORCE
	$(call say,CHECK,unit)
	$(Q)mkdir -p $(@D) && { tests/lib/run-unit $(rel_UNITS) > $@ || true; }
$(TAP)/asan-unit.tap: $(asan_UNITS) FORCE
	$(call say,CHECK,asan-unit)
	$(Q)mkdir -p $(@D) && { tests/lib/run-unit $(asan_UNITS) > $@ || true; }
# Under TSan: what has threads.
TSAN_UNITS := $(filter $(tsan_DIR)/unit/net/% $(tsan_DIR)/unit/broker/% $(tsan_DIR)/unit/client/% \
	$(tsan_DIR)/unit/fault/% $(tsan_DIR)/unit/log/test_log_manager $(tsan_DIR)/unit/log/test_log_threads \
	$(tsan_DIR)/unit/log/test_syncer,$(tsan_UNITS))
$(TAP)/tsan.tap: $(TSAN_UNITS) FORCE
	$(call say,CHECK,tsan)
	$(Q)mkdir -p $(@D) && { tests/lib/run-unit $(TSAN_UNITS) > $@ || true; }

# The tools end to end: as built, and (a smaller choice of time-outs apart) under ASan.
$(TAP)/cli.tap: all FORCE
	$(call say,CHECK,cli)
	$(Q)tests/lib/run-bats $(CURDIR)/$(rel_DIR)/bin $@ $(BATS)
$(TAP)/asan-cli.tap: $(asan_PROGS) $(TAP)/cli.tap FORCE
	$(call say,CHECK,asan-cli)
	$(Q)tests/lib/run-bats $(CURDIR)/$(asan_DIR)/bin $@ $(BATS)

# Fuzzing: `make fuzz SECONDS=n` for each target; `make check` replays the corpus.
FUZZERS := $(FUZZ_SRC:tests/fuzz/%.c=$(fuzz_DIR)/%)
$(fuzz_DIR)/fuzz_%: $(fuzz_DIR)/obj/tests/fuzz/fuzz_%.o $(COMMON_SRC:%.c=$(fuzz_DIR)/obj/%.o) \
		$(fuzz_DIR)/lib/libkq.a
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && clang -fsanitize=fuzzer,address,undefined $(LDFLAGS) -o $@ $^ $(LIBS)
fuzz: $(FUZZERS)
	$(Q)tests/fuzz/run.sh $(fuzz_DIR) $(SECONDS) $(FUZZERS)
$(TAP)/fuzz.tap: $(FUZZERS) FORCE
	$(call say,CHECK,fuzz corpus)
	$(Q)mkdir -p $(@D) && { tests/fuzz/replay.sh $(FUZZERS) > $@ || true; }

# kill -9 under load, ROUNDS times.
crash: all
	$(Q)tests/crash/run.sh $(rel_DIR)/bin $(ROUNDS)
$(TAP)/crash.tap: all $(TAP)/cli.tap FORCE
	$(call say,CHECK,crash)
	$(Q)mkdir -p $(@D) && { tests/crash/run.sh $(rel_DIR)/bin 10 > $@ || true; }

# Foreign clients and brokers; fetches from the language registries.
interop: all
	$(Q)mk/deps.sh interop
	$(Q)tests/interop/run.sh $(CURDIR)/$(rel_DIR)/bin

$(rel_DIR)/bench/probe: $(rel_DIR)/obj/tests/bench/probe.o $(rel_DIR)/lib/libkq.a
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $^ $(LIBS)
bench: all $(rel_DIR)/bench/probe
	$(Q)PATH=$(CURDIR)/$(rel_DIR)/bench:$$PATH tests/bench/run.sh $(CURDIR)/$(rel_DIR)/bin $(ROWS)
