# Debian's stock Linux as a guest: what goes into its ramdisk, and the tests.
#
# Static programs of ours stand beside busybox where it lacks something; they are programs of Linux, not guests.

LINUX_DIR      := $(BUILD)/linux/programs
LINUX_CFLAGS   := -std=gnu11 -O2 $(WARNINGS) -fno-pie
LINUX_WORK     := $(filter-out tests/linux/nothing.c tests/linux/where.c,$(wildcard tests/linux/*.c))
LINUX_PROGRAMS := $(LINUX_DIR)/work $(LINUX_DIR)/nothing

CHECKS += check-linux check-bench-linux
.PHONY: linux-programs check-linux bench-linux bench-linux-record check-bench-linux bench-linux-where linux-on-xen

linux-programs: $(BUILD)/tools/bzimage $(LINUX_PROGRAMS)

check-linux: $(BUILD)/koan.elf $(BUILD)/tools/bzimage $(LINUX_PROGRAMS) ## Debian's stock kernel through the script, once (make linux: all cases)
	$(Q)$(PYTHON) tests/linux/run.py koan-cloud-1

# The referees of the script itself: no hypervisor, and real Xen.
linux-on-xen: $(BUILD)/tools/bzimage $(LINUX_PROGRAMS) $(BUILD)/guests/builder ## the same script without a hypervisor and on real Xen
	$(Q)$(PYTHON) tests/linux/run.py native-full-1 native-full-4 xen-full-1 xen-full-4 domu-cloud-1

bench-linux: $(BUILD)/koan.elf $(BUILD)/tools/bzimage $(LINUX_PROGRAMS) ## what Linux's operations cost: no hypervisor, Xen, Koan (into build/bench.json)
	$(Q)$(PYTHON) tests/linux/bench.py

bench-linux-record: $(BUILD)/koan.elf $(BUILD)/tools/bzimage $(LINUX_PROGRAMS)
	$(Q)$(PYTHON) tests/linux/bench.py --record

check-bench-linux: $(BUILD)/koan.elf $(BUILD)/tools/bzimage $(LINUX_PROGRAMS) ## Koan's figures against the kept ones: half of Xen's overhead
	$(Q)$(PYTHON) tests/linux/bench.py --check

bench-linux-where: $(BUILD)/koan.elf $(BUILD)/tools/bzimage $(LINUX_PROGRAMS) $(LINUX_DIR)/where.so ## who executes the instructions of each row: Linux or the hypervisor
	$(Q)$(PYTHON) tests/linux/bench.py --where

$(LINUX_DIR)/where.so: tests/linux/where.c
	@mkdir -p $(@D)
	@echo "  CC      $@"
	$(Q)$(CC) -std=gnu11 -O2 $(WARNINGS) -fPIC -fvisibility=hidden -shared -o $@ $<

$(LINUX_DIR)/work: $(LINUX_WORK) tests/linux/work.h
	@mkdir -p $(@D)
	@echo "  CC      $@"
	$(Q)$(CC) $(LINUX_CFLAGS) -static -no-pie -s -o $@ $(LINUX_WORK)

$(LINUX_DIR)/nothing: tests/linux/nothing.c
	@mkdir -p $(@D)
	@echo "  CC      $@"
	$(Q)$(CC) $(LINUX_CFLAGS) -static -no-pie -s -o $@ $<

# Two Linux and three of ours side by side; SOAK_TIME as in tests/soak.
SOAKS += soak-linux
.PHONY: soak-linux

soak-linux: $(BUILD)/koan.elf $(BUILD)/tools/bzimage $(LINUX_PROGRAMS) $(BUILD)/guests/pattern
	$(Q)$(PYTHON) tests/linux/soak.py $(SOAK_TIME)
