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

# Mutants and cheats: the grader is right if it finds the first and gives nothing for the second.

CHECKS += check-labs
SOAKS += soak-labs
GOALS_WITH_TOOLS += mutants cheats check-labs soak-labs

.PHONY: mutants cheats check-labs soak-labs

mutants: ## broken solutions against the tests that must find them: LAB=01-boot [MUTANT="name ..."] [EVERY=1: every test]
	@$(PYTHON) grading/prove.py mutants "$(LAB)" $(MUTANT) $(if $(EVERY),--every)

cheats: ## dishonest submissions, which gain nothing: LAB=01-boot [CHEAT="name ..."] [EVERY=1]
	@$(PYTHON) grading/prove.py cheats "$(LAB)" $(CHEAT) $(if $(EVERY),--every)

check-labs: linux-programs ## each lab, or LAB=: the reference has every point, the handout its base, each mutant fails, each cheat gains nothing
	$(Q)$(PYTHON) grading/prove.py check $(LAB)

soak-labs: linux-programs
	$(Q)$(PYTHON) grading/prove.py soak $(LAB)

# The outputs that the labs' texts show.

CHECKS += check-outputs
GOALS_WITH_TOOLS += outputs check-outputs

.PHONY: outputs check-outputs

outputs: all ## run the commands whose output labs/*/README.md show, and write it there anew: [LAB=01-boot]
	@$(PYTHON) grading/outputs.py write $(LAB)

check-outputs: all ## run them and compare
	$(Q)$(PYTHON) grading/outputs.py check $(LAB)
