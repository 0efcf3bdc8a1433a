# Koan: the one Makefile that is started. It holds the names that all folders share and includes
# each folder's rules; there is no make inside of make to build things, so `make -j` sees it all.
#
# What a folder's build.mk may use and add to:
#   BUILD CC HOSTCC NASM PYTHON Q      where to build, with what, and the quiet prefix (make V=1 shows commands)
#   WARNINGS                           the warnings for C code; holds -Werror after `make WERROR=1` (CI does that)
#   HOST_CFLAGS                        flags for programs of ours that run on this machine
#   ALL += FILE                        what a plain `make` builds
#   CHECKS += TARGET                   what `make check` runs; TARGET prints `N passed, N failed[, N skipped]` last
#   GOALS_WITH_TOOLS += GOAL           goals before which missing packages are installed (tools/setup)
#   target: deps ## text               makes `make help` show the target with that text
#
# Everything built lies below build/, dependencies on headers included (-MMD -MP).

BUILD   := build
CC      := gcc
HOSTCC  := gcc
NASM    := nasm
PYTHON  := /usr/bin/python3
CLANG   := clang

# make V=1 shows every command.
Q := $(if $(V),,@)

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla \
            $(if $(WERROR),-Werror) $(if $(findstring clang,$(CC)),-Wno-pass-failed)
HOST_CFLAGS := -std=gnu11 -O2 -g $(WARNINGS) -MMD -MP

ALL    :=
CHECKS :=
# Goals that run something: tools/setup sees to their packages first. A plain `make` only says what is missing.
GOALS_WITH_TOOLS := run check conformance bench matrix linux trace iso soak fuzz gdb dump bochs slides check-slides

# All CPUs, unless a -j on the command line says otherwise.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

.PHONY: all check help doctor clean FORCE

-include kernel/build.mk guests/build.mk tests/build.mk tools/build.mk slides/build.mk grading/build.mk

all: $(ALL) ## build everything below build/

# The runner builds `all` first, so that a tree that doesn't compile ends in the same last line as a failed test.
check: ## run every test; the last line is `N passed, N failed`
	+$(Q)$(PYTHON) tools/check.py $(if $(WERROR),WERROR=$(WERROR)) -- $(CHECKS)

help: ## this list
	@awk -F ':.*## ' '/^[a-z][a-z0-9-]*:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST) | sort

doctor: ## each tool that is needed: its version, whether it serves, the remedy
	@tools/setup --doctor

clean: ## remove build/
	$(Q)rm -rf $(BUILD)

# make remakes an included file before anything else: that is where missing packages are installed.
# The file changes only when the list of packages does, so make does not start over each time.
# A plain make, as long as nobody has seen to the tools, gets one line about what is missing.
ifneq ($(filter $(GOALS_WITH_TOOLS),$(MAKECMDGOALS)),)
ifeq ($(findstring n,$(firstword -$(MAKEFLAGS))),)
include $(BUILD)/setup.mk
$(BUILD)/setup.mk: FORCE
	@tools/setup --stamp $@
endif
else ifeq ($(or $(filter-out all,$(MAKECMDGOALS)),$(wildcard $(BUILD)/setup.mk)),)
$(shell tools/setup --warn >&2)
endif
