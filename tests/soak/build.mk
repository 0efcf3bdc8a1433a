# The long tests of `make soak`. SOAK_TIME=seconds is how long each of the long ones goes on; below five minutes soak is a
# trial of itself, without the short tests before it and with the short matrix.

SOAK_TIME   ?= 600
SOAK_ROUNDS := $(shell expr 1 + $(SOAK_TIME) / 150)
SOAK_TRIAL  := $(filter 1,$(shell expr $(SOAK_TIME) \< 300))

SOAKS += soak-guests soak-ids soak-fuzz soak-fuzz-two soak-stress soak-vcpus soak-bochs soak-fuzz-host
.PHONY: soak-guests soak-ids soak-fuzz soak-fuzz-two soak-stress soak-vcpus soak-bochs soak-fuzz-host

soak-guests: $(BUILD)/koan.elf $(TEST_GUEST_FILES)
	$(Q)$(PYTHON) tests/soak/run.py repeat $(SOAK_ROUNDS) -- $(PYTHON) tests/conformance.py --on koan,koan-dom0

# More domains, one after the other, than there are ids.
soak-ids: $(BUILD)/koan.elf $(TEST_GUEST_FILES)
	$(Q)tools/koan-run --dom0 --cmdline all build/tests/guests/domctl_ids > $(BUILD)/tests/soak-ids.log 2>&1; \
	    grep -q "RESULT .* PASS domctl_ids" $(BUILD)/tests/soak-ids.log && echo "1 passed, 0 failed" || { tail $(BUILD)/tests/soak-ids.log; echo "0 passed, 1 failed"; exit 1; }

soak-fuzz: $(BUILD)/koan.elf $(BUILD)/guests/fuzz
	$(Q)$(PYTHON) tests/fuzz_guest/run.py --time $(SOAK_TIME)

# Two on four CPUs, the frame table recounted at every tenth tick.
soak-fuzz-two: $(BUILD)/koan.elf $(BUILD)/guests/fuzz
	$(Q)$(PYTHON) tests/fuzz_guest/run.py --time $(SOAK_TIME) --machine two

# Eight domains on four CPUs, the frame table recounted at every tenth tick.
soak-stress: $(BUILD)/koan.elf $(BUILD)/guests/fuzz
	$(Q)$(PYTHON) tests/fuzz_guest/run.py --time $(SOAK_TIME) --machine crowd

# Eight domains of four vCPUs on four CPUs.
soak-vcpus: $(BUILD)/koan.elf $(TEST_GUEST_FILES)
	$(Q)$(PYTHON) tests/soak/vcpus.py $(SOAK_TIME)

CHECKS += check-vcpus
.PHONY: check-vcpus
check-vcpus: $(BUILD)/koan.elf $(TEST_GUEST_FILES) ## eight domains of four vCPUs race on four CPUs, for a moment
	$(Q)$(PYTHON) tests/soak/vcpus.py check

soak-bochs: $(BUILD)/koan.elf $(TEST_GUEST_FILES)
	$(Q)$(PYTHON) tests/soak/run.py bochs

soak-fuzz-host: $(FUZZ_BINS) $(FUZZ_DIR)/seeds.stamp
	$(Q)$(PYTHON) tests/fuzz/run.py $$(($(SOAK_TIME) * 3000)) $(FUZZ_DIR) $(FUZZ_NAMES)
