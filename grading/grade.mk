# Grading: in the instructor's tree and in every student's.

GOALS_WITH_TOOLS += grade replay
.PHONY: grade replay

# Lab 4's last test boots stock Linux, whose ramdisk holds programs of ours.
ifneq ($(filter 04-%,$(LAB)),)
grade replay: $(if $(TEST),$(if $(filter stock_linux,$(TEST)),linux-programs),linux-programs)
endif

grade: ## grade a lab: LAB=01-boot [SUBMISSION=FOLDER] [TEST="name ..."] [SEED=...] [RESULTS=FOLDER]
	@$(PYTHON) grading/grade.py "$(LAB)" $(if $(SUBMISSION),"$(SUBMISSION)") $(foreach t,$(TEST),--test $(t)) $(if $(SEED),--seed $(SEED)) $(if $(RESULTS),--results "$(RESULTS)")

replay: ## GDB at the place where a graded test failed: LAB=01-boot TEST=name [START=1] [RESULTS=FOLDER]
	@$(PYTHON) grading/replay.py "$(LAB)" "$(TEST)" $(if $(START),--start) $(if $(RESULTS),--results "$(RESULTS)")
