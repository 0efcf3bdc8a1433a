# The tests of the grader itself; not in handouts.

CHECKS += check-grader
GOALS_WITH_TOOLS += check-grader
.PHONY: check-grader

check-grader: $(BUILD)/koan.elf ## the grader itself: exit codes, refusals, cheats that must gain nothing
	$(Q)$(PYTHON) grading/tests/grader/run.py $(T)
