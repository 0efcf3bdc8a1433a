"""Debian's stock Linux, a kernel that nobody here wrote, on the student's hypervisor."""

from linuxcase import LinuxCase


class Stock(LinuxCase):
    """One vCPU; Linux's own programs compute what the grader computes, too."""
