# The hypervisor: every C and NASM file below kernel/, linked by koan.lds into build/koan.elf.
#
# KERNEL_FOLDERS, in the order of the layers (kernel/README.md), says what is looked at; a new file needs no line here.
# Frame pointers stay: they cost two instructions a function and make every backtrace right.

KERNEL_FOLDERS ?= lib x86 mm domain hypercall debug boot

KERNEL_C    := $(foreach f,$(KERNEL_FOLDERS),$(wildcard kernel/$(f)/*.c))
KERNEL_ASM  := $(foreach f,$(KERNEL_FOLDERS),$(wildcard kernel/$(f)/*.asm))
KERNEL_OBJS := $(KERNEL_C:%.c=$(BUILD)/%.o) $(KERNEL_ASM:%.asm=$(BUILD)/%.asm.o)

# For builds of their own, in another BUILD: NO_WORDS=1 (lib/panic.h), NO_TRACE=1 (without trace points, to see what they cost).
# No red zone: interrupts arrive on the stack that runs. General registers only: the FPU's belong to the guests.
# Position-independent code, so that any 64-bit address will do for the link.
KERNEL_CFLAGS := -std=gnu11 -O2 -g $(WARNINGS) -MMD -MP -Ikernel -ffreestanding -fpie -fvisibility=hidden \
                 -include kernel/lib/hidden.h \
                 -mno-red-zone -mgeneral-regs-only -fno-stack-protector -fno-asynchronous-unwind-tables \
                 -fno-omit-frame-pointer -fno-strict-aliasing -fno-common -fcf-protection=none $(if $(NO_WORDS),-DKOAN_NO_WORDS) $(if $(NO_TRACE),-DKOAN_NO_TRACE)
KERNEL_LDFLAGS := -nostdlib -static -no-pie -Wl,-z,max-page-size=0x1000 -Wl,-z,noexecstack \
                  -Wl,--build-id=none -Wl,--no-warn-rwx-segments -Wl,--orphan-handling=warn

ALL += $(BUILD)/koan.elf

# Linked twice: the table of its own symbols (debug/symbols.c) is made from the first link. The check makes sure that the code stands
# at the same addresses in both.
KERNEL_LINK = $(CC) $(KERNEL_LDFLAGS) -T kernel/koan.lds -o $(1) $(KERNEL_OBJS) $(2)
$(BUILD)/koan.elf: $(KERNEL_OBJS) kernel/koan.lds tools/symbols.py
	@echo "  LD      $@"
	$(Q)$(PYTHON) tools/symbols.py --empty $(BUILD)/symbols.S
	$(Q)$(call KERNEL_LINK,$(BUILD)/koan.first.elf,$(BUILD)/symbols.S)
	$(Q)$(PYTHON) tools/symbols.py $(BUILD)/koan.first.elf $(BUILD)/symbols.S
	$(Q)$(call KERNEL_LINK,$@,$(BUILD)/symbols.S)
	$(Q)$(PYTHON) tools/symbols.py --check $@ $(BUILD)/symbols.S

$(BUILD)/kernel/%.o: kernel/%.c kernel/build.mk
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) $(KERNEL_CFLAGS) -c -o $@ $<

$(BUILD)/kernel/%.asm.o: kernel/%.asm $(BUILD)/offsets.inc
	@mkdir -p $(@D)
	@echo "  NASM    $<"
	$(Q)$(NASM) -f elf64 -g -F dwarf $(if $(NO_TRACE),-DKOAN_NO_TRACE) -I $(BUILD)/ -MD $(@:.o=.d) -MT $@ -o $@ $<

# Offsets and constants of C for the assembly files: the compiler writes them as marked text, sed makes %define lines.
$(BUILD)/offsets.inc: kernel/offsets.c
	@mkdir -p $(@D)
	@echo "  OFFSETS $@"
	$(Q)$(CC) $(KERNEL_CFLAGS) -MF $(BUILD)/offsets.d -MT $@ -S -o $(BUILD)/offsets.s $<
	$(Q)sed -n 's/^.*->\([A-Za-z0-9_]*\) \$$*\(-*[0-9]*\)".*$$/%define \1 \2/p' $(BUILD)/offsets.s > $@

-include $(KERNEL_OBJS:.o=.d) $(BUILD)/offsets.d
