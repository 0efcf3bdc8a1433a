# Guests: every folder but lib/ is one, all its C files and the runtime of lib/ linked into build/guests/NAME.
#
# GUEST_CFLAGS and GUEST_LIB also build the test guests (tests/guests/build.mk) and whatever else wants to be a guest:
#   $(CC) $(GUEST_CFLAGS) -c ...    $(call link_guest,OUTPUT,OBJECTS)
#
# Code model "kernel" because guests stand in the top 2 GiB; no red zone, as exceptions arrive on the running stack; the FPU is
# left alone, as nothing saves it for the guest kernel. No jump tables: a switch in a USER function would need one in kernel memory.

GUESTS := $(filter-out lib,$(sort $(notdir $(patsubst %/,%,$(dir $(wildcard guests/*/*.c))))))

# The guests that `make run` shows, in this order.
DEMO := hello counter prisoner crasher user

# On a terminal there is somebody to talk to, besides.
DEMO_TERMINAL := shell

GUEST_CFLAGS := -std=gnu11 -O2 -g $(WARNINGS) -MMD -MP -Iguests/lib -Ikernel -ffreestanding -fno-pic -fno-pie -mcmodel=kernel \
                -mno-red-zone -mgeneral-regs-only -fno-stack-protector -fno-asynchronous-unwind-tables \
                -fno-omit-frame-pointer -fno-strict-aliasing -fno-common -fcf-protection=none -fno-jump-tables
GUEST_LDFLAGS := -nostdlib -static -no-pie -Wl,-T,guests/lib/guest.ld -Wl,-z,max-page-size=0x1000 -Wl,-z,noexecstack \
                 -Wl,--build-id=none -Wl,--no-warn-rwx-segments

GUEST_OBJ := $(BUILD)/obj/guests
# Of kernel/lib: what guests share with the hypervisor. The plan of a domain is for those that build domains (lib/build.c).
GUEST_SHARED := printf string parse problem elf xennote bzimage plan plan_contents
GUEST_SHARED_OBJS := $(GUEST_SHARED:%=$(GUEST_OBJ)/lib/%.o)
GUEST_LIB_OBJS := $(patsubst guests/lib/%.c,$(GUEST_OBJ)/lib/%.o,$(wildcard guests/lib/*.c)) $(GUEST_OBJ)/lib/entry.asm.o \
                  $(GUEST_SHARED_OBJS)
# An archive, so that a guest takes what it uses: test.o, which only test guests want, has a main of its own.
GUEST_LIB := $(GUEST_OBJ)/lib.a

link_guest = $(CC) $(GUEST_LDFLAGS) -o $(1) $(2) $(GUEST_LIB)

ALL += $(GUESTS:%=$(BUILD)/guests/%)

define GUEST_RULE
$(BUILD)/guests/$(1): $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard guests/$(1)/*.c)) $(GUEST_LIB) guests/lib/guest.ld
	@mkdir -p $$(@D)
	@echo "  LD      $$@"
	$$(Q)$$(call link_guest,$$@,$$(filter-out $$(GUEST_LIB),$$(filter %.o,$$^)))
endef
$(foreach guest,$(GUESTS),$(eval $(call GUEST_RULE,$(guest))))

$(GUEST_LIB): $(GUEST_LIB_OBJS)
	@mkdir -p $(@D)
	@echo "  AR      $@"
	$(Q)rm -f $@ && ar rcs $@ $^

$(GUEST_OBJ)/%.o: guests/%.c
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) $(GUEST_CFLAGS) -c -o $@ $<

$(GUEST_SHARED_OBJS): $(GUEST_OBJ)/lib/%.o: kernel/lib/%.c
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) $(GUEST_CFLAGS) -c -o $@ $<

$(GUEST_OBJ)/lib/entry.asm.o: guests/lib/entry.asm $(GUEST_OBJ)/abi.inc
	@mkdir -p $(@D)
	@echo "  NASM    $<"
	$(Q)$(NASM) -f elf64 -g -F dwarf -I $(GUEST_OBJ)/ -o $@ $<

# The plain numbers of the ABI headers for NASM.
$(GUEST_OBJ)/abi.inc: $(wildcard kernel/abi/*.h)
	@mkdir -p $(@D)
	$(Q)sed -nE 's/^#define +(\w+) +(0x[0-9a-f]+|[0-9]+)U?L*( .*)?$$/%define \1 \2/p' $^ > $@

-include $(wildcard $(GUEST_OBJ)/*/*.d)
