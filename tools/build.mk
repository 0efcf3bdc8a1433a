# Rules of tools/: the demo, the checks of the tree itself and of our own Python.

-include tools/*/build.mk

CHECKS := check-house check-layers check-format check-readme check-tools $(CHECKS)

DEMO ?= hello

# GUEST has a default for `make gdb`; here two domains are to be seen.
FRAMES_GUESTS = $(if $(filter file undefined,$(origin GUEST)),hello user,$(GUEST))

GOALS_WITH_TOOLS += frames
.PHONY: frames run iso linux soak matrix matrix-quick setup check-house check-layers check-format check-readme check-tools

run: all ## boot the demo: isolated guests on Koan; interactive on a terminal
	$(Q)$(PYTHON) tools/demo.py $(shell test -t 0 && echo $(DEMO_TERMINAL)) $(DEMO)

iso: $(BUILD)/koan.iso ## the demo's boot image, build/koan.iso, for a server or a USB stick (BIOS and UEFI)

$(BUILD)/koan.iso: $(BUILD)/koan.elf $(DEMO:%=$(BUILD)/guests/%)
	$(Q)$(PYTHON) tools/demo.py --iso $@ $(DEMO)

# GUEST as for `make gdb`, with NAME=32M for another size. CORE=build/dump.core: a machine that `make dump` has looked into.
frames: all ## who owns each frame, and as what it is used: build/frames.html (GUEST="hello user=32M", AT=function, or CORE=build/dump.core)
	$(Q)$(PYTHON) tools/frames.py --out $(BUILD)/frames.html --svg $(BUILD)/frames.svg $(if $(CORE),--core "$(CORE)",$(if $(AT),--at $(AT)) $(FRAMES_GUESTS))

# LINUX="full 4" on a terminal: the other flavour, with four vCPUs.
linux: all linux-programs ## Debian's stock kernel as a guest of Koan: a shell on a terminal, the test without one
	$(Q)$(PYTHON) tools/stock_linux.py $(LINUX)

CHECKS += matrix-quick

# A folder adds its long tests by SOAKS += TARGET; they end in the same line as those of CHECKS.
SOAKS += matrix linux

TRACE ?= hello user counter counter

.PHONY: trace
trace: all $(if $(findstring linux,$(TRACE)),linux-programs $(BUILD)/tools/bzimage) ## run guests and write a timeline of it, build/trace/trace.html; TRACE="counter:vcpus=1 hello" SMP=2 LIMIT=... PAGES=... SVG=FILE TEXT=1 WINDOW=40ms-140ms
	$(Q)$(PYTHON) tools/trace.py $(if $(SMP),--smp $(SMP)) $(if $(LIMIT),--limit $(LIMIT)) $(if $(PAGES),--pages $(PAGES)) \
	    $(if $(OPTIONS),--options "$(OPTIONS)") $(if $(SVG),--svg "$(SVG)") $(if $(TEXT),--text) $(if $(WINDOW),--window $(WINDOW)) $(if $(KINDS),--kinds $(KINDS)) \
	    $(TRACE)

# SOAK_TIME, and what a trial is: tests/soak/build.mk.
soak: all ## the long tests, after the short ones; SOAK_TIME=60 tries them in some minutes
	+$(Q)$(PYTHON) tools/check.py -- $(if $(SOAK_TRIAL),matrix-quick $(filter-out matrix,$(SOAKS)),$(CHECKS) $(SOAKS))

matrix: all ## boot hello on many machines, CPU models, memory sizes, firmwares and in Bochs
	$(Q)$(PYTHON) tools/matrix.py

matrix-quick: all
	$(Q)$(PYTHON) tools/matrix.py --quick

setup: ## install what is missing with apt (make run and make check do it by themselves)
	@tools/setup --stamp $(BUILD)/setup.mk

check-house:
	$(Q)$(PYTHON) tools/check_tree.py house

check-format:
	$(Q)$(PYTHON) tools/check_tree.py format

check-layers:
	$(Q)$(PYTHON) tools/check_layers.py

check-readme:
	$(Q)$(PYTHON) tools/readme_outputs.py --check

check-tools: $(BUILD)/tools/bzimage $(BUILD)/koan.elf $(BUILD)/guests/hello $(BUILD)/guests/counter
	$(Q)$(PYTHON) tools/tests/run.py
