# Tests. Each ends up as TAP; tests/lib/tally adds them up to `N passed, N failed`.
.PHONY: check check-unit check-cli check-asan check-tsan check-layers check-docs

check-unit: $(rel_UNITS)
	$(Q)tests/lib/run-unit $(rel_UNITS)
