"""Exercise 3.2: guests that never give the CPU away."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from runners import FPU, GENERAL, SEGMENTS, RunnersCase  # noqa: E402
from switch import Switch  # noqa: E402


class Equal(RunnersCase):
    """Round robin gives each the same, again and again; one more always gives its turn away."""

    warm_up, span = 40_000_000, 240_000_000

    def run(self):
        names = [f"guest{number}" for number in range(1, self.random.randrange(2, 5) + 1)]
        with self.boot_runners(names, more=[("polite", "turns", "", "yields")]) as machine:
            found = self.find(machine)
            found.pop("polite")
            total = self.measure(machine, found, self.warm_up, self.span)
            self.shares(total, dict.fromkeys(names, 1), 0.03)


class Interrupted(Switch):
    """Random values in the CPU of guests that are interrupted anywhere."""

    parts = [*GENERAL, *FPU, *SEGMENTS]
    words = ""
    when = "after others had the CPU"
    own_slices = True
    rounds, span = 3, 70_000_000
