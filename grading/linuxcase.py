"""Debian's stock Linux as the guest of a submission: its own programs compute answers from this run's seed, which are computed here
once more (tests/linux/answers.py); at the end the frame table is recounted from outside.

Kernel and busybox come from Debian (tools/koanrun/linux.py), the programs from `make linux-programs`; a machine without them is an
infrastructure error. What Linux says comes by the console, so a hypervisor could say it without Linux: it would have to bring those
programs along, and that can be read in it. Let such a test be one of several.
"""

import re
import sys

import frametable
from case import Case
from koanrun import images, linux, paths

MEMORY_MIB, MACHINE_MIB = 256, 768
BUDGET = 30_000_000_000
WALL_SECONDS = 1800   # a broken host
LINE = re.compile(r"\bLINUX ([a-z]+) ?(.*)")


class LinuxCase(Case):
    """A boot to the end of the script in tests/linux/init.sh."""

    flavour, vcpus = "cloud", 1

    def run(self):
        sys.path.insert(0, str(paths.TREE / "tests/linux"))
        import answers
        seed = self.random.getrandbits(62)
        kernel = images.elf_of(linux.kernel(self.flavour)).read_bytes()
        self.setting.spec.instructions = self.setting.spec.instructions or BUDGET
        modules = [(kernel, f"name=linux mem={MEMORY_MIB}M vcpus={self.vcpus} ramdisk=ramdisk console=yes -- "
                            f"console=hvc0 earlyprintk=xen work={seed:016x}"),
                   (linux.ramdisk().read_bytes(), "name=ramdisk kind=ramdisk")]
        with self.boot(modules=modules, mem=MACHINE_MIB) as machine:
            machine.wall = WALL_SECONDS
            machine.run_to("machine_end", expected="Linux goes through its script, and the machine ends")
            machine.settle()
            said = dict(found.groups() for found in map(LINE.search, machine.serial.splitlines()) if found)
            self.check(said.get("done", "").strip() == f"{seed:016x}", "Linux comes to the end of its script", said.get("done", "it doesn't"),
                       machine.last_line())
            for name, answer in answers.expected(seed).items():
                if name != "pattern":
                    self.check(said.get(name, "").strip() == str(answer), f"Linux's program `{name}` answers {answer}", said.get(name, "nothing"))
            frames = frametable.audit(machine, "Recount by hand what a whole Linux has mapped, pinned and given back.")
            left = [number for number, frame in enumerate(frames) if frame.owner < machine.numbers["OWNER_LIMBO"]]
            self.check(not left, "no frame is the domain's when it is gone", f"{len(left)} are")
