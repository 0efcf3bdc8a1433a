# What students type in a tree that `make handout` has written; instructor.mk is not in such a tree.

-include labs/handout.mk grading/instructor.mk grading/grade.mk grading/tests/grader/build.mk

.PHONY: progress update

progress: ## in a student's tree: which blocks of the lab are written
	@$(PYTHON) grading/student.py progress

update: ## in a student's tree: merge a newer handout, FROM=FOLDER or URL
	@$(PYTHON) grading/student.py update "$(FROM)"
