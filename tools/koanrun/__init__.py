"""What tools/koan-run is made of; importable, for the test runner and the benchmark.

machine.Machine is the part that others use: one emulated machine with Koan or Xen and its guests.
"""
