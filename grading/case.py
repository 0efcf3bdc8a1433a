"""What a grader's test is written with. A test is a class in labs/NN-name/tests/FILE.py, which lab.toml names as `tests/FILE.py:Class`:

    class WriteXorExecute(Case):
        \"\"\"No page of the hypervisor's may be written and executed.\"\"\"

        def run(self):
            with self.boot(entries=random_map) as machine:
                machine.run_to("modules_start")
                for m in paging.walk(machine.ram, machine.cr3(), 256, 271):
                    if m.write and m.execute:
                        self.fail("no page writable and executable", f"{m.va:#x}", hint="...")

run() returning is the pass. self.random is fresh in every run and the same in a replay. Nothing that the machine prints may decide.
"""

import dataclasses

import paging
import seal
from elfread import Elf
from koanrun import paths
from target import Failed, Target, source_line


@dataclasses.dataclass
class Setting:
    """What a test is run with."""

    elf: Elf           # the submission's hypervisor
    numbers: dict      # layout.py
    guests: object     # folder of the grader's guests, built from the pristine tree
    spec: object       # labfile.Test
    folder: object     # where this run may keep files


class Case:
    """See the head of this file."""

    def __init__(self, setting, random, seed):
        self.setting, self.random, self.seed = setting, random, seed
        self.machines = []
        self.on_failure = self.on_boot = None   # replay.py waits there

    def boot(self, options="", guests=(), modules=(), **more):
        """A Target; more of its arguments: entries, cpus, mem, entry_size, apic_ids, map_tail, cpu (QEMU's
        model). guests: (file name, module text); modules: (bytes,
        module text)."""
        spec = self.setting.spec
        modules, elves, images, keys = list(modules), {}, {}, {}
        for name, text in guests:
            if name not in elves:
                elves[name] = Elf(paths.need_file(self.setting.guests / name, "the grader's guests are built with its pristine tree"))
                images[name], keys[name] = seal.with_key(elves[name], self.random)
            modules.append((images[name], text))
        more.setdefault("cpus", spec.cpus)
        more.setdefault("mem", spec.memory or 256)
        machine = Target(self.setting.elf, self.setting.numbers, self.random, modules=modules, budget=spec.instructions,
                         options=" ".join(word for word in (spec.options, options) if word), **more)
        machine.guests, machine.keys = elves, keys
        machine.on_failure, machine.on_boot = self.on_failure, self.on_boot
        self.machines.append(machine)
        return machine

    def fail(self, expected, seen, where="", hint=""):
        """The verdict of a test that found something wrong."""
        raise Failed(expected, seen, where, hint or self.setting.spec.hint)

    def check(self, condition, expected, seen, where="", hint=""):
        if not condition:
            self.fail(expected, seen, where, hint)

    def check_seal(self, machine, guest, data, seen):
        """DATA, which the guest has sealed (guests/lib/seal.h), is as it left it."""
        self.check(seal.siphash(machine.keys[guest], data) == seen, f"what the guest {guest} says stands under its seal", f"{seen:#x}, another one",
                   "", "Somebody else has written into the guest's memory.")

    def check_code(self, machine, guest):
        """The guest's code is what the grader gave; a page that it has unmapped by now is not looked at."""
        elf = machine.guests[guest]
        start, end = elf.symbols["hypercall_page"] + paging.PAGE, elf.symbols["user_start"]
        (base, data, _), cr3 = elf.segments[0], machine.cr3()
        for va in range(start, end, paging.PAGE):
            if machine.mapping(va, cr3):
                self.check(machine.read(va, paging.PAGE, cr3) == data[va - base:va - base + paging.PAGE], f"the code of the guest {guest} is its own",
                           f"other bytes in the page {va:#x}", "", "A hypervisor has no business in its guests' code.")

    def source(self, name):
        """Where a function of the hypervisor stands: `name (file:line)`."""
        elf = self.setting.elf
        if name not in elf.places:
            address = elf.symbols.get(name)
            line = source_line(elf.path, address) if address else ""
            elf.places[name] = f"{name} ({line})" if line else name
        return elf.places[name]

    def run(self):
        """The test itself."""
        raise NotImplementedError
