# Tests of the whole machine, from outside: what debug/ reports, and that it can be trusted.

CHECKS += check-debug
.PHONY: check-debug

check-debug: $(BUILD)/koan.elf $(BUILD)/guests/hello $(BUILD)/guests/crasher $(BUILD)/tests/guests/unknown_hypercall
	$(Q)$(PYTHON) tests/system/test_debug.py $(T)
