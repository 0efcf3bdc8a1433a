"""The one exception with which the scripts of this folder refuse: what is wrong, where, and the remedy."""

import os
import sys


class Problem(Exception):
    """A bad use, a bad lab file or a bad mark: printed as one line, and the exit status is 2."""

    def __init__(self, place, what, remedy):
        super().__init__(f"{place}: {what}; {remedy}")


def run_main(main, arguments):
    """main(arguments) as a program: its status, or 2 with one line on standard error."""
    try:
        status = main(arguments)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # whoever read has seen enough; nothing more is to be flushed at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 2
