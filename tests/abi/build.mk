# Conformance of kernel/abi with Xen's public headers (Debian's libxen-dev, needed for this test only).

ABI_DIR := $(BUILD)/tests/abi

CHECKS += check-abi
.PHONY: check-abi
check-abi: $(ABI_DIR)/abi ## our ABI headers against libxen-dev: every number, every offset
	$(Q)$(ABI_DIR)/abi

$(ABI_DIR)/list.def: tests/abi/list.py tests/abi/ours.txt $(wildcard kernel/abi/*.h)
	@mkdir -p $(@D)
	$(Q)$(PYTHON) tests/abi/list.py kernel tests/abi/ours.txt > $@

$(ABI_DIR)/ours.o: tests/abi/ours.c $(ABI_DIR)/list.def
	$(Q)$(HOSTCC) $(HOST_CFLAGS) -Ikernel -I$(ABI_DIR) -c $< -o $@

$(ABI_DIR)/theirs.o: tests/abi/theirs.c $(ABI_DIR)/list.def
	$(Q)$(HOSTCC) $(HOST_CFLAGS) -I$(ABI_DIR) -c $< -o $@

$(ABI_DIR)/abi: tests/abi/main.c $(ABI_DIR)/ours.o $(ABI_DIR)/theirs.o
	$(Q)$(HOSTCC) $(HOST_CFLAGS) $^ -o $@

-include $(wildcard $(ABI_DIR)/*.d)
