# Handouts and solutions, and the tests of what makes them.

CHECKS += check-grading
GOALS_WITH_TOOLS += handout check-grading

.PHONY: handout solution check-grading

handout: ## write a student's tree: LAB=02-memory DIR=FOLDER [SOLVED=01-boot]
	@$(PYTHON) grading/handout.py write "$(LAB)" "$(DIR)" "$(SOLVED)"

solution: ## the reference as a diff against the handout: LAB=02-memory
	@$(PYTHON) grading/handout.py solution "$(LAB)"

check-grading: all ## handouts build, boot, and give nothing away; marks, lab files, updates
	$(Q)$(PYTHON) grading/tests/run.py $(T)
