# Tests of the whole machine, from outside: what debug/ reports, and that it can be trusted.

CHECKS += check-debug check-boot check-console check-storm check-sched
.PHONY: check-debug check-boot check-console check-storm check-sched

check-debug: $(BUILD)/koan.elf $(BUILD)/guests/hello $(BUILD)/guests/crasher $(BUILD)/tests/guests/unknown_hypercall $(BUILD)/tests/guests/nmi
	$(Q)$(PYTHON) tests/system/test_debug.py $(T)

check-boot: $(BUILD)/koan.elf $(BUILD)/guests/hello
	$(Q)$(PYTHON) tests/system/test_boot.py

check-console: $(BUILD)/koan.elf $(BUILD)/guests/echo $(BUILD)/guests/takeover ## what is typed goes through console rings, and back
	$(Q)$(PYTHON) tests/system/test_console.py

check-storm: $(BUILD)/koan.elf $(BUILD)/guests/storm ## a storm of events leaves the others their share
	$(Q)$(PYTHON) tests/system/test_storm.py

check-sched: $(BUILD)/koan.elf $(BUILD)/guests/spin ## shares, caps, waking and idling, measured with real guests
	$(Q)$(PYTHON) tests/system/test_sched.py $(T)
