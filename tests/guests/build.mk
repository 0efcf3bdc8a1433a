# One test guest a file: tests/guests/NAME.c, with the runtime of guests/lib, is build/tests/guests/NAME.
#
# check-guests runs them on Koan, unprivileged and privileged, and some in domains that the builder makes; conformance all of them in all
# ways, on real Xen besides. T="name name" picks some.

TEST_GUESTS := $(sort $(patsubst tests/guests/%.c,%,$(wildcard tests/guests/*.c)))
TEST_GUEST_FILES := $(TEST_GUESTS:%=$(BUILD)/tests/guests/%)

ALL += $(TEST_GUEST_FILES)
CHECKS += check-guests
.PHONY: check-guests check-domu conformance
CHECKS += check-domu

# What depends on who made the domain.
DOMU_TESTS := bad_pointers console_io crash_no_handler domctl_refused entry_state exceptions fresh_memory gdt hypercall_page m2p \
              memory_op_info mmu_update_batch pin_tree reservation sched_op shared_info start_info time unprivileged_calls user_mode

check-guests: $(BUILD)/koan.elf $(TEST_GUEST_FILES) ## the test guests on Koan, unprivileged and privileged (T="name ..." for some)
	$(Q)$(PYTHON) tests/conformance.py --on koan,koan-dom0 $(T)

check-domu: $(BUILD)/koan.elf $(TEST_GUEST_FILES) $(BUILD)/guests/builder ## some test guests in domains that the builder guest makes
	$(Q)$(PYTHON) tests/conformance.py --on koan-domu $(or $(T),$(filter $(DOMU_TESTS),$(TEST_GUESTS)))

conformance: $(BUILD)/koan.elf $(TEST_GUEST_FILES) $(BUILD)/guests/builder ## all of them, on Koan in three ways and on real Xen in two, side by side
	$(Q)$(PYTHON) tests/conformance.py $(T)

$(BUILD)/obj/tests/guests/%.o: tests/guests/%.c
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) $(GUEST_CFLAGS) -c -o $@ $<

$(TEST_GUEST_FILES): $(BUILD)/tests/guests/%: $(BUILD)/obj/tests/guests/%.o $(GUEST_LIB) guests/lib/guest.ld
	@mkdir -p $(@D)
	@echo "  LD      $@"
	$(Q)$(call link_guest,$@,$<)

-include $(wildcard $(BUILD)/obj/tests/guests/*.d)
