# Debian's stock Linux as a guest: what goes into its ramdisk, and the tests.
#
# Static programs of ours stand beside busybox where it lacks something; they are programs of Linux, not guests.

LINUX_DIR      := $(BUILD)/linux/programs
LINUX_CFLAGS   := -std=gnu11 -O2 $(WARNINGS) -fno-pie
LINUX_WORK     := $(filter-out tests/linux/nothing.c,$(wildcard tests/linux/*.c))
LINUX_PROGRAMS := $(LINUX_DIR)/work $(LINUX_DIR)/nothing

.PHONY: linux-programs

linux-programs: $(LINUX_PROGRAMS)

$(LINUX_DIR)/work: $(LINUX_WORK) tests/linux/work.h
	@mkdir -p $(@D)
	@echo "  CC      $@"
	$(Q)$(CC) $(LINUX_CFLAGS) -static -no-pie -s -o $@ $(LINUX_WORK)

$(LINUX_DIR)/nothing: tests/linux/nothing.c
	@mkdir -p $(@D)
	@echo "  CC      $@"
	$(Q)$(CC) $(LINUX_CFLAGS) -static -no-pie -s -o $@ $<
