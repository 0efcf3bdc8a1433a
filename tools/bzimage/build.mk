# The host tool that finds the kernel inside a bzImage: the hypervisor's own reader with a main() around it.

BZIMAGE_SRCS := tools/bzimage/bzimage.c kernel/lib/bzimage.c kernel/lib/problem.c kernel/lib/printf.c \
	kernel/lib/parse.c kernel/lib/string.c
BZIMAGE_OBJS := $(BZIMAGE_SRCS:%.c=$(BUILD)/tools/obj/%.o)

ALL += $(BUILD)/tools/bzimage

$(BUILD)/tools/bzimage: $(BZIMAGE_OBJS)
	$(Q)$(HOSTCC) $^ -o $@

$(BZIMAGE_OBJS): $(BUILD)/tools/obj/%.o: %.c tools/bzimage/build.mk
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOST_CFLAGS) -DKOAN_HOST -Ikernel -c $< -o $@

-include $(BZIMAGE_OBJS:.o=.d)
