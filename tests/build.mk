# The tests: each folder below has its own rules.
-include tests/*/build.mk
