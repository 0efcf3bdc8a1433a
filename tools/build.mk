# Rules of tools/: the checks of the tree itself and of our own Python.

.PHONY: setup

setup: ## install what is missing with apt (make run and make check do it by themselves)
	@tools/setup --stamp $(BUILD)/setup.mk
