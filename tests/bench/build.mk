# The benchmark: guests/bench on Koan and on real Xen, counted in instructions.

CHECKS += check-bench check-trace-cost
.PHONY: bench bench-record check-bench check-trace-cost

bench: $(BUILD)/koan.elf $(BUILD)/guests/bench $(BUILD)/guests/pingpong $(BUILD)/guests/builder linux-programs $(BUILD)/tools/bzimage ## what operations cost on Koan and on real Xen, in instructions (build/bench.json)
	$(Q)$(PYTHON) tests/bench/bench.py
	$(Q)$(PYTHON) tests/bench/pair.py
	$(Q)$(PYTHON) tests/linux/bench.py

bench-record: $(BUILD)/koan.elf $(BUILD)/guests/bench $(BUILD)/guests/pingpong $(BUILD)/guests/builder ## the same, and keep Xen's figures for check-bench
	$(Q)$(PYTHON) tests/bench/bench.py --record
	$(Q)$(PYTHON) tests/bench/pair.py --record

check-bench: $(BUILD)/koan.elf $(BUILD)/guests/bench $(BUILD)/guests/pingpong $(BUILD)/guests/builder ## Koan's figures against Xen's kept ones: half of them at most
	$(Q)$(PYTHON) tests/bench/bench.py --check
	$(Q)$(PYTHON) tests/bench/pair.py --check

check-trace-cost: $(BUILD)/koan.elf $(BUILD)/guests/bench ## trace points that are off: 3 % at most
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/untraced NO_TRACE=1 $(BUILD)/untraced/koan.elf
	$(Q)$(PYTHON) tests/bench/tracing.py $(BUILD)/untraced/koan.elf
