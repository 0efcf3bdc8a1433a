"""Exercise 3.2: guests that never give the CPU away."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from runners import FPU, GENERAL, SEGMENTS, RunnersCase  # noqa: E402
from switch import Switch  # noqa: E402


class Equal(RunnersCase):
    """Round robin gives each the same, again and again."""

    warm_up, span, windows = 30_000_000, 60_000_000, 4

    def run(self):
        names = [f"guest{number}" for number in range(1, self.random.randrange(2, 5) + 1)]
        with self.boot_runners(names) as machine:
            found = self.meet(machine)
            machine.run_for(self.warm_up)
            total = dict.fromkeys(names, 0)
            for _ in range(self.windows):
                got = self.measure(machine, found, self.span)
                for name in names:
                    self.check(got[name] > 0, f"{name} runs in every span of {self.span:,} instructions", "it doesn't", "counted in the guests' memory",
                               "Nobody may starve, whatever the others do.")
                    total[name] += got[name]
            self.shares(total, dict.fromkeys(names, 1), 0.03, 10_000_000)


class Interrupted(Switch):
    """Random values in the CPU of guests that are interrupted anywhere."""

    parts = [*GENERAL, *FPU, *SEGMENTS]
    words = ""
    when = "after others had the CPU"
    rounds, span = 3, 70_000_000
