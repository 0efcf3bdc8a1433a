# The fuzz guest (guests/fuzz) on Koan: what it may not do is break the frame table or keep the hypervisor from its interrupts.
#
# check-fuzz-guest is short: fixed seeds and a fresh one. `make fuzz TIME=600` takes fresh seeds until the time is over.

CHECKS += check-fuzz-guest
TIME   ?= 60
.PHONY: check-fuzz-guest fuzz

check-fuzz-guest: $(BUILD)/koan.elf $(BUILD)/guests/fuzz ## the fuzz guest on Koan, a short run
	$(Q)$(PYTHON) tests/fuzz_guest/run.py --check

fuzz: $(BUILD)/koan.elf $(BUILD)/guests/fuzz ## the fuzz guest with fresh seeds for TIME=seconds (default 60)
	$(Q)$(PYTHON) tests/fuzz_guest/run.py --time $(TIME)
