# Host fuzzers (clang's libFuzzer): each tests/fuzz/fuzz_NAME.c is a program, linked with the sources that its line
# names, under the address and undefined-behaviour sanitizers. check-fuzz-host is short and has a fixed seed;
# `make fuzz-host RUNS=5000000` goes on for longer.

FUZZ_LIB := kernel/lib/problem.c kernel/lib/parse.c kernel/lib/printf.c kernel/lib/string.c
FUZZ_PLAN := kernel/lib/plan.c kernel/lib/plan_contents.c tests/fuzz/fuzz.c

FUZZ_elf_SRCS        := kernel/lib/elf.c kernel/lib/xennote.c $(FUZZ_PLAN) $(FUZZ_LIB)
FUZZ_plan_SRCS       := $(FUZZ_PLAN) $(FUZZ_LIB)
FUZZ_bzimage_SRCS    := kernel/lib/bzimage.c $(FUZZ_PLAN) $(FUZZ_LIB)
FUZZ_insn_SRCS       := kernel/lib/insn.c kernel/lib/insn_execute.c $(FUZZ_PLAN) $(FUZZ_LIB)
FUZZ_parse_SRCS      := $(FUZZ_PLAN) $(FUZZ_LIB)
FUZZ_multiboot2_SRCS := kernel/boot/multiboot2.c kernel/lib/ranges.c $(FUZZ_PLAN) $(FUZZ_LIB)

# ---- nothing to edit below for a new fuzzer ----

FUZZ_NAMES := $(sort $(patsubst FUZZ_%_SRCS,%,$(filter FUZZ_%_SRCS,$(.VARIABLES))))
FUZZ_DIR   := $(BUILD)/tests/fuzz
FUZZ_BINS  := $(FUZZ_NAMES:%=$(FUZZ_DIR)/%)
RUNS       ?= 2000000

FUZZ_CFLAGS := -std=gnu11 -g -O1 $(WARNINGS) -DKOAN_HOST -Ikernel -Itests/fuzz \
	-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

CHECKS += check-fuzz-host
.PHONY: check-fuzz-host fuzz-host
check-fuzz-host: $(FUZZ_BINS) $(FUZZ_DIR)/seeds.stamp ## host fuzzers, a short run from a fixed seed
	$(Q)$(PYTHON) tests/fuzz/run.py 20000 $(FUZZ_DIR) $(FUZZ_NAMES)
fuzz-host: $(FUZZ_BINS) $(FUZZ_DIR)/seeds.stamp ## host fuzzers, RUNS=N inputs each
	$(Q)$(PYTHON) tests/fuzz/run.py $(RUNS) $(FUZZ_DIR) $(FUZZ_NAMES)

$(FUZZ_DIR)/seeds.stamp: tests/fuzz/seeds.py
	@mkdir -p $(@D)
	$(Q)$(PYTHON) $< $(FUZZ_DIR)/seeds && touch $@

$(FUZZ_DIR)/obj/%.o: %.c tests/fuzz/build.mk
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c $< -o $@

define FUZZ_RULE
$(FUZZ_DIR)/$(1): $(patsubst %.c,$(FUZZ_DIR)/obj/%.o,tests/fuzz/fuzz_$(1).c $(FUZZ_$(1)_SRCS))
	$$(Q)$$(CLANG) $$(FUZZ_CFLAGS) -fsanitize=fuzzer $$^ -o $$@
endef
$(foreach name,$(FUZZ_NAMES),$(eval $(call FUZZ_RULE,$(name))))

-include $(shell find $(FUZZ_DIR)/obj -name '*.d' 2>/dev/null)
