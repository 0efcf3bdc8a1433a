# Koan under a debugger. GUEST names the guests (of build/guests, or paths), SMP the number of CPUs, OPTIONS words for Koan's command line.

CHECKS += check-gdb

GUEST ?= hello
SMP   ?= 1
DEBUG_ARGUMENTS = --smp $(SMP) $(if $(OPTIONS),--options "$(OPTIONS)") $(GUEST)

.PHONY: gdb dump bochs check-gdb

gdb: all ## QEMU stopped, GDB attached, symbols of hypervisor and guests, Koan's own commands (GUEST=..., SMP=..., OPTIONS=...)
	$(Q)$(PYTHON) tools/gdb/debug.py gdb $(DEBUG_ARGUMENTS)

dump: all ## write build/dump.core, for GDB: of the machine of `make gdb`, else of a new one at its end
	$(Q)$(PYTHON) tools/gdb/debug.py dump $(DEBUG_ARGUMENTS)

bochs: all ## the same boot image in Bochs, with its debugger
	$(Q)$(PYTHON) tools/gdb/debug.py bochs $(DEBUG_ARGUMENTS)

check-gdb:
	$(Q)$(PYTHON) tools/gdb/test_gdb.py
