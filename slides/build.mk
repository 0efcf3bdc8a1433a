# Rules of slides/: the lectures, from Markdown to HTML and PDF.
#
# `make slides` needs Node, Chromium and Graphviz, which nothing else here does: it sees to them itself. Marp comes from npm, below build/,
# in just this version.

MARP_VERSION := 4.5.1

SLIDES_DECKS := $(patsubst slides/%.md,%,$(wildcard slides/[0-9]*.md))
SLIDES_OUT   := $(BUILD)/slides
SLIDES_MARP  := $(SLIDES_OUT)/marp-$(MARP_VERSION)
SLIDES_PARTS := slides/deck.py slides/source.py $(wildcard slides/diagrams/*.dot)
SLIDES_TIMES := $(patsubst slides/timelines/%.txt,$(BUILD)/timelines/%.svg,$(wildcard slides/timelines/*.txt))
SLIDES_SHOWN := $(wildcard kernel/*/*.c kernel/*/*.h kernel/*/*.asm)

CHECKS += check-slides-source
SOAKS  += check-slides
# In a student's tree nothing is measured for a lecture: the hypervisor may not run yet. What stands in build/ from elsewhere is shown.
SLIDES_RUN    := $(BUILD)/bench.json $(BUILD)/frames.svg $(SLIDES_TIMES)
ifneq ($(wildcard labs/handout.toml),)
SLIDES_RUN    := $(wildcard $(SLIDES_RUN))
SLIDES_PARTLY := --partly
endif

.PHONY: slides check-slides check-slides-source slides-tools

slides: $(SLIDES_DECKS:%=$(SLIDES_OUT)/%.html) $(SLIDES_DECKS:%=$(SLIDES_OUT)/%.pdf) ## the lectures as HTML and PDF, below build/slides
	@ls -1 $^

check-slides: $(SLIDES_DECKS:%=$(SLIDES_OUT)/%.html) $(SLIDES_DECKS:%=$(SLIDES_OUT)/%.pdf) ## each slide looked at in a headless Chromium: nothing overflows
	$(Q)$(PYTHON) slides/look.py $(SLIDES_DECKS:%=$(SLIDES_OUT)/%.html)

check-slides-source: $(filter %.svg,$(SLIDES_RUN))
	$(Q)$(PYTHON) slides/tests/run.py

slides-tools:
	@tools/setup --slides

# Marp, in a folder of its own; the mark is written last.
$(SLIDES_MARP)/installed: slides/build.mk | slides-tools
	$(Q)mkdir -p $(SLIDES_MARP)
	$(Q)cd $(SLIDES_MARP) && echo '{"private": true}' >package.json && \
	    npm install --no-save --no-package-lock --no-audit --no-fund --loglevel=error @marp-team/marp-cli@$(MARP_VERSION)
	$(Q)touch $@

# The figures of the last `make bench`; where there was none, or other rows are kept since, they are measured. Its own changes alone make
# the slides anew.
$(BUILD)/bench.json: tests/bench/xen.json | $(BUILD)/koan.elf $(BUILD)/guests/bench
	$(Q)$(PYTHON) tests/bench/bench.py

# The picture of the last `make frames`, likewise.
$(BUILD)/frames.svg: | $(BUILD)/koan.elf $(BUILD)/guests/hello $(BUILD)/guests/user
	$(Q)$(PYTHON) tools/frames.py --out $(BUILD)/frames.html --svg $@ hello user

# A stretch of a run's trace as a figure: slides/timelines/NAME.txt says of which guests, and which stretch.
$(BUILD)/timelines/%.svg: slides/timelines/%.txt | $(BUILD)/koan.elf $(BUILD)/guests/spin $(BUILD)/guests/pingpong
	$(Q)$(PYTHON) tools/trace.py --dir $(BUILD)/timelines/$* --svg $@ @$< >$(BUILD)/timelines.$*.log || { cat $(BUILD)/timelines.$*.log; false; }

$(SLIDES_OUT)/koan.css: slides/koan.css slides/deck.py | slides-tools
	$(Q)$(PYTHON) slides/deck.py --out $@ $<

$(SLIDES_OUT)/%.md: slides/%.md $(SLIDES_PARTS) $(SLIDES_SHOWN) $(SLIDES_RUN) | slides-tools
	$(Q)$(PYTHON) slides/deck.py --bench $(BUILD)/bench.json $(SLIDES_PARTLY) --out $@ $<

$(SLIDES_OUT)/%.html: $(SLIDES_OUT)/%.md $(SLIDES_OUT)/koan.css $(SLIDES_MARP)/installed
	$(Q)node $(SLIDES_MARP)/node_modules/@marp-team/marp-cli/marp-cli.js --no-stdin --html --theme $(SLIDES_OUT)/koan.css \
	    --output $@ $< </dev/null

$(SLIDES_OUT)/%.pdf: $(SLIDES_OUT)/%.html slides/look.py
	$(Q)$(PYTHON) slides/look.py --pdf $@ $<

.SECONDARY: $(SLIDES_DECKS:%=$(SLIDES_OUT)/%.md)
