# One test guest a file: tests/guests/NAME.c, with the runtime of guests/lib, is build/tests/guests/NAME.
#
# check-guests runs them on Koan, unprivileged and privileged; conformance on real Xen besides. T="name name" picks some.

TEST_GUESTS := $(sort $(patsubst tests/guests/%.c,%,$(wildcard tests/guests/*.c)))
TEST_GUEST_FILES := $(TEST_GUESTS:%=$(BUILD)/tests/guests/%)

ALL += $(TEST_GUEST_FILES)
CHECKS += check-guests
.PHONY: check-guests conformance

check-guests: $(BUILD)/koan.elf $(TEST_GUEST_FILES) ## the test guests on Koan, unprivileged and privileged (T="name ..." for some)
	$(Q)$(PYTHON) tests/conformance.py --on koan,koan-dom0 $(T)

conformance: $(BUILD)/koan.elf $(TEST_GUEST_FILES) ## the same on Koan twice and on real Xen, side by side
	$(Q)$(PYTHON) tests/conformance.py --on koan,koan-dom0,xen $(T)

$(BUILD)/obj/tests/guests/%.o: tests/guests/%.c
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) $(GUEST_CFLAGS) -c -o $@ $<

$(TEST_GUEST_FILES): $(BUILD)/tests/guests/%: $(BUILD)/obj/tests/guests/%.o $(GUEST_LIB) guests/lib/guest.ld
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(call link_guest,$@,$<)

-include $(wildcard $(BUILD)/obj/tests/guests/*.d)
