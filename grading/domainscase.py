"""Tests with several domains: guests of the grader's (grading/guests, or a lab's own with mailbox.h), each with a nonce and a seed
of its own, whose mailboxes are read and written from outside. Shares of the CPU, waking, and what two domains do with each other.

A lab's test makes a subclass with its own numbers:

    class Weights(Shares):
        weights = {"light": 256, "heavy": 512}
"""

import struct

import domains
import frametable
from case import Case

STEP, PROGRESS, IN, OUT = 8, 16, 24, 24 + 8 * 64   # struct mailbox in grading/guests/mailbox.h
WORD = 0xFFFFFFFFFFFFFFFF
AUDIT_HINT = "An entry that maps another domain's frame holds the same as any other: a reference, and one of its type if it may be written."


class DomainsCase(Case):
    """Boots domains and brings them to their first checkpoint."""

    strangers = 1000    # checkpoints of others, meanwhile
    anonymous = False   # names and order on the machine tell nobody which guest is which

    def boot_domains(self, rows, options="", **more):
        """rows: (name, image, keys, words): `keys` of the module (mem, vcpus, weight...), `words` for the guest."""
        self.images, self.nonces, self.seeds = {name: image for name, image, _, _ in rows}, {}, {}
        guests, called = [], {name: name for name, _, _, _ in rows}
        if self.anonymous:
            rows = self.random.sample(rows, len(rows))
            called = {name: "".join(self.random.choices("abcdefghijklmnopqrstuvwxyz", k=8)) for name in called}
        for name, image, keys, words in rows:
            self.nonces[name], self.seeds[name] = (self.random.getrandbits(63) | 1 for _ in range(2))
            keys = " ".join(word for word in (f"name={called[name]}", keys, "" if "mem=" in keys else "mem=8M", "console=yes") if word)
            guests.append((image, f"{keys} -- nonce={self.nonces[name]:x} seed={self.seeds[name]:x} {words}"))
        machine = self.boot(options=options, guests=guests, **more)
        machine.aliases = {alias: name for name, alias in called.items()}
        return machine

    def to_checkpoint(self, machine, among=None, what=""):
        """Run until a domain (of those named) comes to a checkpoint; (name, step)."""
        elves = {name: machine.guests[image] for name, image in self.images.items()}
        addresses = {elf.symbols["checkpoint"] for elf in elves.values()}
        # What is one guest's last function may be the middle of another's busiest.
        panics = {elf.symbols["guest_panic"] for elf in elves.values()}
        panics -= {at for at in panics for elf in elves.values() if "+" in elf.symbol_at(at)}
        what = what or f"{' or '.join(among or self.images)} comes to its next checkpoint"
        for _ in range(self.strangers):
            at = machine.run_to(*addresses, *panics, "machine_end", expected=what)
            if at == "machine_end":
                machine.settle()
                self.fail(what, "the machine ended", machine.last_line())
            cpu = next(cpu for cpu in range(machine.cpus) if machine.gdb.registers(cpu)["rip"] == at)
            cr3 = machine.cr3(cpu)
            found = domains.all_of(machine, elves, cr3)
            here = [domain for domain in found.values() if domain.runs(cr3)]
            self.check(len(here) == 1, "each guest runs on its own page tables", f"{len(here)} domains have those of CPU {cpu}")
            if here[0].name not in elves:
                continue
            if at == elves[here[0].name].symbols["guest_panic"]:
                machine.settle()
                self.fail(what, f"the guest {here[0].name} gave up", machine.last_line())
            if at == elves[here[0].name].symbols["checkpoint"] and (among is None or here[0].name in among):
                # checkpoint(step) has not stored it yet.
                return here[0], machine.gdb.registers(cpu)["rdi"]
        self.fail(what, f"other domains came to theirs {self.strangers} times")

    def meet(self, machine, names=None):
        """Run until every domain has come to checkpoint 1; name -> Domain."""
        found, wanted, visits = {}, set(names or self.images), 0
        while wanted - set(found):
            missing = f"{', '.join(sorted(wanted - set(found)))} come to their first checkpoint"
            domain, step = self.to_checkpoint(machine, what=missing)
            visits += 1
            self.check(visits <= self.strangers, missing, f"others came to theirs {visits} times")
            self.check(step == 1 or domain.name in found, "checkpoint 1 comes first", f"{step}", domain.name)
            nonce = domain.u64("mailbox")
            self.check(nonce == self.nonces[domain.name], "the guest of this run", f"nonce {nonce:#x}", domain.name)
            found[domain.name] = domain
        return found

    def put(self, domain, word, value):
        """Into its mailbox."""
        domain.write_u64("mailbox", value, IN + 8 * word)

    def get(self, domain, word):
        """From its mailbox."""
        return domain.u64("mailbox", OUT + 8 * word)

    def progress(self, domain):
        return domain.u64("mailbox", PROGRESS)


class Shares(DomainsCase):
    """Each domain gets the part of the CPU that is its own, counted in its own memory under a budget of instructions."""

    weights = {"first": 1, "second": 1}
    keys = {}                        # name -> keys of its module, `weight=512` say
    options = ""                     # `sched=credit` say
    warm_up, span = 50_000_000, 300_000_000
    tolerance = 0.10                 # of what is due

    def run(self):
        rows = [(name, "spin", self.keys.get(name, ""), "") for name in self.weights]
        with self.boot_domains(rows, self.options) as machine:
            found = self.meet(machine)
            machine.run_for(self.warm_up)
            before = {name: self.progress(domain) for name, domain in found.items()}
            machine.run_for(self.span)
            got = {name: self.progress(domain) - before[name] for name, domain in found.items()}
            all_got, all_weights = sum(got.values()), sum(self.weights.values())
            self.check(all_got > 0, "somebody runs", "nobody does", machine.last_line())
            for name, weight in self.weights.items():
                due, seen = weight / all_weights, got[name] / all_got
                self.check(abs(seen - due) <= self.tolerance * due, f"{name} gets {due:.1%} of the CPU, within {self.tolerance:.0%} of that",
                           f"{seen:.1%}", "counted in the guests' memory")


class WakeUp(DomainsCase):
    """Who sleeps until a time wakes soon after it, though others want the CPU all the time."""

    rivals = 2
    keys = ""                        # of the sleeper's module
    options = ""
    rounds = 8
    early, late = 100_000, 45_000_000   # ns, that is instructions: as the CPU is never idle, both are the same

    def run(self):
        rows = [("sleeper", "sleeper", self.keys, "")] + [(f"rival{number}", "spin", "", "") for number in range(1, self.rivals + 1)]
        with self.boot_domains(rows, self.options) as machine:
            found = self.meet(machine)
            for _ in range(self.rounds):
                asleep = self.until(machine, 1)
                slept, rivals = self.get(found["sleeper"], 0), self.of_rivals(found)
                awake = self.until(machine, 2)
                late = awake - asleep - slept
                self.check(-self.early <= late <= self.late, f"a sleep of {slept:,} ns ends at most {self.late:,} ns late",
                           f"{late:,} ns late", "the sleeper's checkpoints, counted in instructions")
                self.check(self.of_rivals(found) > rivals, "the others run while it sleeps", "they don't")

    def of_rivals(self, found):
        return sum(self.progress(domain) for name, domain in found.items() if name != "sleeper")

    def until(self, machine, wanted):
        """The count of instructions at the sleeper's next checkpoint of that number."""
        for _ in range(3):
            _, step = self.to_checkpoint(machine, ["sleeper"])
            if step == wanted:
                return machine.instructions()
        self.fail(f"the sleeper comes to checkpoint {wanted}", f"it came to {step}")


class Pair(DomainsCase):
    """Two domains share a page by a grant and wake each other by events; the answer is computed here."""

    options = ""

    def run(self):
        with self.boot_domains([("lender", "pair", "", "lender"), ("borrower", "pair", "", "")], self.options) as machine:
            # Nobody has come to a checkpoint yet: the lender waits for the other's number.
            lender, borrower = self.introduce(machine)
            self.next(machine, "lender", 1)
            factor = self.random.getrandbits(63) | 1
            for word, value in ((1, self.get(lender, 0)), (2, self.get(lender, 1)), (3, factor)):
                self.put(borrower, word, value)
            page = self.get(lender, 2) << 12
            words = struct.unpack("<512Q", machine.ram[page:page + 4096])
            kept = machine.ram[self.get(lender, 3) << 12:(self.get(lender, 3) + 1) << 12]
            self.next(machine, "borrower", 1)
            self.results(borrower, (("bind the port", 0), ("map the grant", 0), ("map what was not lent", -1)))
            self.mapped(machine, self.get(borrower, 4), page)
            answer = tuple((word * factor + index) & WORD for index, word in enumerate(words))
            self.check(struct.unpack("<512Q", machine.ram[page:page + 4096]) == answer, "the answer in the lender's frame", "something else",
                       f"frame {page >> 12:#x}", "A mapped grant is the other domain's frame itself, no copy of it.")
            ends = {"lender", "borrower"}
            while ends:
                domain, step = self.to_checkpoint(machine, ends)
                self.check(step == 2, f"{domain.name} comes to its end", f"to checkpoint {step}")
                ends.remove(domain.name)
            self.results(lender, (("offer a port", 0), ("end a grant in use", 0), ("send", 0), ("end a grant that is free", 0)))
            self.check([self.get(lender, 9), self.get(lender, 11)] == [0, 1], "a grant can be ended when the other has let go, and not before",
                       f"{self.get(lender, 9)}, then {self.get(lender, 11)}", "the lender's grant table")
            self.results(borrower, (("bind", 0), ("map", 0), ("map what was not lent", -1), ("send", 0), ("unmap", 0), ("send again", 0)))
            self.check(machine.ram[self.get(lender, 3) << 12:(self.get(lender, 3) + 1) << 12] == kept, "what was not lent is as it was", "it was written")
            frametable.audit(machine, AUDIT_HINT)

    def mapped(self, machine, va, page):
        """The borrower, which stands here, has the lender's frame itself, and all that its entry holds is counted: what it finds in memory, and what
        the lender's frame holds in the end, a hypervisor could bring about without any mapping."""
        found = machine.mapping(va)
        self.check(found and found.pa == page and found.write, f"the borrower's page {va:#x} is the lender's frame {page >> 12:#x}, and writable",
                   f"frame {found.pa >> 12:#x}{'' if found.write else ', read-only'}" if found else "no mapping", self.source("grant_map"))
        frametable.audit(machine, AUDIT_HINT)

    def introduce(self, machine):
        """Tell each the other's number, through their mailboxes."""
        machine.run_to(machine.guests["pair"].symbols["mailbox_ready"], expected="the first guest runs")
        seen = {}
        for _ in range(64):
            found = domains.all_of(machine, {name: machine.guests["pair"] for name in self.images})
            seen.update(found)
            if set(self.images) <= set(found):
                break
            machine.run_to(machine.guests["pair"].symbols["mailbox_ready"], expected="both guests run")
        lender, borrower = seen["lender"], seen["borrower"]
        self.put(lender, 0, borrower.id + 1)
        self.put(borrower, 0, lender.id + 1)
        return lender, borrower

    def next(self, machine, name, wanted):
        _, step = self.to_checkpoint(machine, [name])
        self.check(step == wanted, f"{name} comes to checkpoint {wanted}", f"to {step}")

    def results(self, domain, rows):
        """Results of calls: 0 or more where 0 is wanted, an error where -1 is."""
        for index, (what, wanted) in enumerate(rows):
            value = self.get(domain, 8 + index)
            seen = value - (value >> 63 << 64)
            if wanted is not None:
                self.check(seen >= 0 if wanted == 0 else seen < 0, f"{domain.name}: {what}: {'granted' if wanted == 0 else 'refused'}", f"{seen}",
                           "grading/guests/pair.c")
