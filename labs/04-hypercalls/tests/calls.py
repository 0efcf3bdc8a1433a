"""Copies from and to the guest, lists of hypercalls, and calls that go on where they stopped."""

import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from puppet import (AC, ARGUMENTS, EFAULT, EINVAL, ENOSYS, GET_DEBUGREG, IRET, MULTICALL, SET_DEBUGREG, SET_TRAP_TABLE, SMAP_CPU, VERSION,
                    PuppetCase)  # noqa: E402

GUARD = 64
COPY_HINT = ("A guest names any address. Refuse the hypervisor's own range before the first byte, let the exception table catch the rest, and say true "
             "only when every byte was copied.")
ENTRY = struct.Struct("<Qq6Q")


class SmapCase(PuppetCase):
    def closed(self, seen, function, when):
        """RFLAGS.AC of the hypervisor, on a machine with SMAP."""
        self.check(not seen["eflags"] & AC, f"{function} leaves the guest's memory closed (SMAP) {when}", "RFLAGS.AC is set", self.source(function),
                   "Each way out goes by guest_access_end(), that of a fault, too.")


class Copies(SmapCase):
    """The functions of x86/usercopy.c, called in a hypercall's place with addresses good and bad; all memory around is compared."""

    rounds = 90   # each function meets each kind of address three times

    def run(self):
        with self.puppet(cpu=SMAP_CPU) as machine:
            self.frame = self.free_frames(3)
            self.kernel = machine.numbers["DIRECTMAP_VA"] + (self.frame << 12)
            for number in range(self.rounds):
                function = ("copy_bytes_from_guest", "copy_bytes_to_guest", "clear_guest")[number // 10 % 3]
                self.one(machine, function, *self.place_for(machine, function, number))

    def place_for(self, machine, function, number):
        """(guest address, length, what may be copied or None, why)."""
        numbers, last = machine.numbers, self.window + 3 * 4096
        length = self.random.choice((0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 23, 63, 64, 65, 255, 1000, 4096, 4099, self.random.randrange(1, 6000)))
        kind = ("good", "good", "good", "last", "cross", "unmapped", "readonly", "kernel", "kernel", "strange")[number % 10]
        if kind == "good":
            return self.window + self.random.randrange(8192 - length + 1), length, True, "it is the guest's"
        if kind == "last":
            return self.window + 8192 - length, length, True, "it ends where the guest's page ends"
        if kind == "cross":
            length = max(length, 2)
            return self.window + 8192 - self.random.randrange(1, min(length, 4097)), length, False, "its end is mapped nowhere"
        if kind == "unmapped":
            return self.window + 8192 + self.random.randrange(4096), max(1, min(length, 64)), False, "it is mapped nowhere"
        if kind == "readonly":
            length = min(max(1, length), 4096)
            return last + self.random.randrange(4096 - length + 1), length, function == "copy_bytes_from_guest", "the guest can only read it"
        if kind == "kernel":
            free = self.kernel + 8192
            return (free + self.random.randrange(64) if number % 2 else numbers["KOAN_VA"] + 4096 + 8 * self.random.randrange(64)), min(max(1, length), 4000), False, "it is the hypervisor's"
        return self.random.choice((0x0000800000000000, 0xFFFF7FFFFFFFF000, 0xFFFF880000000000, 0, 0x4141414141414141, 0xFFFFFFFFFFFFF000)), \
            min(max(1, length), 64), False, "nothing is mapped there, or can be"

    def memory(self):
        start = self.frame << 12
        return self.machine.ram[start:start + 3 * 4096]

    def one(self, machine, function, va, length, good, why):
        start, offset = self.frame << 12, self.random.randrange(GUARD, 2 * GUARD)
        self.write(self.window, self.random.randbytes(8192))
        kept = self.memory()
        machine.ram[start:start + 3 * 4096] = self.random.randbytes(3 * 4096)
        kernel, pages = self.memory(), [machine.ram[mfn << 12:(mfn + 1) << 12] for mfn in self.window_mfn]
        arguments = {"copy_bytes_from_guest": (self.kernel + offset, va, length), "copy_bytes_to_guest": (va, self.kernel + offset, length),
                     "clear_guest": (va, length)}[function]
        what = f"{function} of {length} bytes at {va:#x} says {'true' if good else 'false'}, as {why}"
        seen = self.inside(function, *arguments)
        self.check(seen["rax"] & 0xFF == good, what, f"{'true' if seen['rax'] & 0xFF else 'false'}", self.source(function), COPY_HINT)
        self.closed(seen, function, f"when it comes back with {'true' if good else 'false'}")
        self.around(function, va, length, good, kernel, pages, offset)
        machine.ram[start:start + 3 * 4096] = kept

    def around(self, function, va, length, good, kernel, pages, offset):
        """What is to be copied is, and nothing else has changed."""
        now, guest = self.memory(), [self.machine.ram[mfn << 12:(mfn + 1) << 12] for mfn in self.window_mfn]
        given = bytes(length) if function == "clear_guest" else kernel[offset:offset + length]
        source = b"".join(pages)
        where = va - self.window
        if function == "copy_bytes_from_guest":
            self.check(guest == pages, "the guest's memory as it was", "other bytes", self.source(function))
            if good:
                expected = kernel[:offset] + source[where:where + length] + kernel[offset + length:]
                self.check(now == expected, f"{length} bytes copied from {va:#x}, to their place and nowhere else", "others", self.source(function), COPY_HINT)
            else:
                self.check(now[:offset] + now[offset + length:] == kernel[:offset] + kernel[offset + length:], "nothing around the target changed",
                           "other bytes", self.source(function))
                self.check(0 <= where < 16384 or now == kernel, "not a byte copied from an address that isn't the guest's", "some were", self.source(function))
            return
        self.check(now == kernel, "the hypervisor's memory as it was", "the guest had it written to", self.source(function), COPY_HINT)
        mapped, end = b"".join(pages), where + length
        after = b"".join(guest)
        if good:
            self.check(after == mapped[:where] + given + mapped[end:], f"{length} bytes copied to {va:#x}, and nothing else changed", "others",
                       self.source(function), COPY_HINT)
        elif 0 <= where < 16384:
            self.check(after[:where] + after[max(end, 8192):] == mapped[:where] + mapped[max(end, 8192):], "nothing around the target changed", "other bytes",
                       self.source(function))
        else:
            self.check(after == mapped, "the guest's memory as it was", "other bytes", self.source(function))


class Lists(SmapCase):
    """multicall: lists of random calls, whose effects and results are computed; lists that can't be read or answered to the end."""

    rounds = 24

    def run(self):
        with self.puppet(cpu=SMAP_CPU) as machine:
            self.registers_of_guest = [0, 0, 0, 0]
            for number in range(self.rounds):
                self.one(machine, ("good", "good", "cross", "readonly", "unmapped", "kernel")[number % 6])
            self.ways_out(machine)

    def ways_out(self, machine):
        """The guest's memory is closed while an entry's call runs, and after the list, whatever became of it."""
        words = [self.random.getrandbits(64) for _ in range(4)]
        self.write(self.window, ENTRY.pack(GET_DEBUGREG, -1, 0, *words, 0))
        self.prepare(MULTICALL, self.window, 1)
        self.run_to("hc_get_debugreg", expected="the entry's call runs")
        self.closed(self.registers(), "hc_multicall", "while an entry's call runs")
        self.run_to(self.at["g_syscall_end"], expected="the multicall comes back")
        # At its end; with a fault at an entry's first word; and at its last.
        for kind, at in (("good", self.window), ("unmapped", self.window + 8192), ("cross", self.window + 8192 - 56), ("readonly", self.window + 3 * 4096)):
            seen = self.inside("hc_multicall", at, 1, *words)
            expected = 0 if kind == "good" else -EFAULT
            answer = seen["rax"] - (seen["rax"] >> 63 << 64)
            self.check(answer == expected, f"multicall of one entry at {at:#x} ({kind}) answers {expected}", f"{answer}", self.source("hc_multicall"))
            self.closed(seen, "hc_multicall", f"when it answers {expected} ({kind})")

    def entry(self):
        """(number, arguments, result, effect): effect (register, value) or None."""
        kind = self.random.randrange(8)
        junk = [self.random.getrandbits(64) for _ in range(6)]
        if kind < 3:
            register, value = self.random.randrange(4), self.random.getrandbits(46)
            return SET_DEBUGREG, [register, value, *junk[2:]], 0, (register, value)
        if kind < 5:
            register = self.random.randrange(4)
            return GET_DEBUGREG, [register, *junk[1:]], register, None
        if kind == 5:
            return self.random.choice((11, 27, 63, 64, 65, 4096, 1 << 32 | VERSION, 1 << 63 | GET_DEBUGREG)), junk, -ENOSYS, None
        if kind == 6:
            return self.random.choice((MULTICALL, IRET)), junk, -EINVAL, None
        return VERSION, [7, *junk[1:]], 4096, None   # XENVER_pagesize

    def one(self, machine, kind):
        count = self.random.randrange(3, 24)
        rows = [self.entry() for _ in range(count)]
        good, written = count, count
        at = self.window + 8 * self.random.randrange(256)
        if kind == "cross":
            good = written = self.random.randrange(count)
            # The words of the arguments: an entry whose last words are mapped nowhere can't be read.
            at = self.window + 8192 - 64 * good - 8 * self.random.randrange(1, 8)
        elif kind == "readonly":
            at, good, written = self.window + 3 * 4096, 1, 0
        elif kind == "unmapped":
            at, good, written = self.window + 8192, 0, 0
        elif kind == "kernel":
            at, good, written = self.random.choice((machine.numbers["M2P_VA"], machine.numbers["KOAN_VA"], 0x0000800000000000 - 64, 1 << 62)), 0, 0
        marks = [self.random.getrandbits(62) for _ in rows]
        data = b"".join(ENTRY.pack(number, mark, *arguments) for (number, arguments, _, _), mark in zip(rows, marks))
        if kind != "kernel":
            space = {"cross": 8192 - (at - self.window), "readonly": 4096, "unmapped": 0}.get(kind, len(data))
            self.write(at, data[:space])
        answer = self.call(MULTICALL, at, count | self.random.getrandbits(31) << 32, what=f"a multicall of {count} entries")
        expected = 0 if kind == "good" else -EFAULT
        self.check(answer == expected, f"multicall of {count} entries at {at:#x} ({kind}) answers {expected}", f"{answer}", self.source("hc_multicall"))
        for index, ((number, arguments, result, effect), mark) in enumerate(zip(rows, marks)):
            if index < good and effect:
                self.registers_of_guest[effect[0]] = effect[1]
            if number == GET_DEBUGREG:
                result = self.registers_of_guest[result]
            if kind in ("good", "cross") and index < written:
                seen = ENTRY.unpack(self.read(at + 64 * index, 64))
                self.check(seen[1] == result, f"entry {index} (call {number:#x}) with the result {result:#x}", f"{seen[1]:#x}", self.source("hc_multicall"),
                           "An entry's result stands where rax would have; a number that nobody knows answers -ENOSYS; a list in a list -EINVAL.")
                self.check(list(seen[2:]) == arguments, f"entry {index} with the arguments that the guest wrote", "others", self.source("hc_multicall"))
        for register, value in enumerate(self.registers_of_guest):
            seen = self.call(GET_DEBUGREG, register)
            self.check(seen == value, f"{good} entries of the list ({kind}) carried out, so debug register {register} is {value:#x}", f"{seen:#x}",
                       self.source("hc_multicall"), "What stands before an entry that can't be read has happened; nothing behind it has.")


class Restarts(PuppetCase):
    """Work comes up in the middle: the call goes back to the guest's SYSCALL, and on where it stopped, with no other register changed."""

    def run(self):
        with self.puppet() as machine:
            for _ in range(4):
                self.again(machine)
                self.plain(machine)
                self.lists(machine)
                self.nested(machine)

    def again(self, machine):
        """hypercall_again and hypercall_restart themselves, in the place of a handler."""
        for function, given in (("hypercall_again", 2), ("hypercall_restart", 5)):
            chosen = self.prepare(VERSION)
            self.run_to("hc_xen_version", expected="a hypercall comes to its handler")
            new = [self.random.getrandbits(64) for _ in range(given)]
            # The sixth argument of a restart is on the stack: what happens to stand there goes to r9, which is not looked at.
            self.set(**dict(zip(("rdi", "rsi", "rdx", "rcx", "r8", "r9"), (VERSION, *new))), rip=machine.symbol(function))
            self.run_to("hc_xen_version", expected=f"after {function} the guest's SYSCALL runs again",
                        hint="Point rip at the SYSCALL, which is two bytes long; what the handler returns is in rax then, and has to be the number.")
            seen = self.registers()
            wanted = new + [chosen[name] for name in ARGUMENTS[given:5 if function == "hypercall_restart" else 6]]
            found = [seen[name] for name in ("rdi", "rsi", "rdx", "rcx", "r8", "r9")]
            for name, expected, value in zip(ARGUMENTS, wanted, found):
                self.check(value == expected, f"after {function}, {name} {expected:#x}", f"{value:#x}", self.source(function),
                           "Arguments that are given are new; a register that the call doesn't use is the guest's own, and stays.")
            self.check(self.stored(seen["rsp"], "rax") == VERSION, f"the number of the call, {VERSION}, in rax", f"{self.stored(seen['rsp'], 'rax'):#x}",
                       self.source(function))
            chosen.update(zip(ARGUMENTS, found))
            self.done(chosen, "the call that was run again")

    def stored(self, rsp, name):
        numbers = self.machine.numbers
        return self.machine.u64(self.cpu_block(rsp) - numbers["struct regs"] + numbers[f"struct regs.{name}"], self.cr3)

    def trap_list(self, count):
        """A list for set_trap_table: {vector: address}, and its bytes."""
        rows = [(vector, self.random.getrandbits(40) | 1) for vector in self.random.sample(range(32, 256), count)]
        data = b"".join(struct.pack("<BBHIQ", vector, 0, 0xE033, 0, address) for vector, address in rows)
        return rows, data + bytes(16)

    def check_traps(self, rows, what):
        table = self.field("ctx.traps")
        for vector, address in rows:
            seen = self.machine.u64(table + 16 * vector, self.cr3)
            self.check(seen == address, f"{what}: vector {vector} goes to {address:#x}", f"{seen:#x}", "", "Nothing may be lost, or done twice, over a restart.")

    def plain(self, machine):
        """A call of its own that stops after each row."""
        count = self.random.randrange(3, 9)
        rows, data = self.trap_list(count)
        self.write(self.window, data)
        chosen = self.prepare(SET_TRAP_TABLE, self.window)
        for step in range(count + 1):
            self.run_to("hc_set_trap_table", expected=f"set_trap_table runs again for row {step}")
            seen = self.registers()
            found = dict(zip(ARGUMENTS, (seen[name] for name in ("rdi", "rsi", "rdx", "rcx", "r8", "r9"))))
            wanted = {**{name: chosen[name] for name in ARGUMENTS}, "rdi": self.window + 16 * step}
            for name in ARGUMENTS:
                self.check(found[name] == wanted[name], f"set_trap_table goes on with {name} {wanted[name]:#x}", f"{found[name]:#x}",
                           self.source("hypercall_restart"), "A register that the call doesn't use is the guest's own, and stays.")
            self.make_work(seen["rsp"])
        chosen.update(rdi=self.window + 16 * count)
        answer = self.done(chosen, "set_trap_table")
        self.check(answer == 0, "set_trap_table answers 0", f"{answer}")
        self.check_traps(rows, "a call that stopped after each row")

    def lists(self, machine):
        """A list that stops after each entry."""
        count = self.random.randrange(3, 12)
        values = [self.random.getrandbits(46) for _ in range(count)]
        self.write(self.window, b"".join(ENTRY.pack(SET_DEBUGREG, -1, index % 4, value, 0, 0, 0, 0) for index, value in enumerate(values)))
        chosen = self.prepare(MULTICALL, self.window, count)
        for step in range(count):
            self.run_to("hc_multicall", expected=f"the list goes on at entry {step}", hint="With work pending, a list is left after the entry that has been done.")
            seen = self.registers()
            found = [seen[name] for name in ("rdi", "rsi", "rdx", "rcx", "r8", "r9")]
            wanted = [self.window + 64 * step, count - step] + [chosen[name] for name in ARGUMENTS[2:]]
            for name, expected, value in zip(ARGUMENTS, wanted, found):
                self.check(value == expected, f"the list goes on with {name} {expected:#x}", f"{value:#x}", self.source("hc_multicall"),
                           "One entry further, one fewer left, and the registers that a multicall doesn't use as they were.")
            self.make_work(seen["rsp"])
        chosen.update(rdi=self.window + 64 * (count - 1), rsi=1)
        answer = self.done(chosen, "a multicall")
        self.check(answer == 0, "the multicall answers 0", f"{answer}")
        for index, value in enumerate(values[-4:], count - min(4, count)):
            seen = self.call(GET_DEBUGREG, index % 4)
            self.check(seen == value, f"debug register {index % 4} with {value:#x}", f"{seen:#x}")

    def nested(self, machine):
        """A call that stops in the middle of a list: its entry has to remember where."""
        count = self.random.randrange(3, 7)
        rows, data = self.trap_list(count)
        value, other = self.random.getrandbits(46), [self.random.getrandbits(64) for _ in range(5)]
        table = self.window + 4096
        self.write(table, data)
        self.write(self.window, ENTRY.pack(SET_DEBUGREG, -1, 0, value, 0, 0, 0, 0) + ENTRY.pack(SET_TRAP_TABLE, -1, table, *other)
                   + ENTRY.pack(GET_DEBUGREG, -1, 0, 0, 0, 0, 0, 0))
        chosen = self.prepare(MULTICALL, self.window, 3)
        for step in range(count):
            self.run_to("hc_set_trap_table", expected=f"the entry goes on with its row {step}")
            seen = self.registers()
            found = [seen[name] for name in ("rdi", "rsi", "rdx", "rcx", "r8", "r9")]
            wanted = [table + 16 * step, *other]
            self.check(found == wanted, f"the entry goes on with the arguments {', '.join(map(hex, wanted))}", ", ".join(map(hex, found)),
                       self.source("hc_multicall"), "What stops inside a list leaves its new arguments in the list.")
            self.make_work(seen["rsp"])
        self.run_to("hc_set_trap_table", expected="the entry comes to the end of its rows")
        chosen.update(rdi=None, rsi=None)
        self.run_to(self.at["g_syscall_end"], expected="the multicall comes back")
        seen = self.registers()
        self.check(seen["rax"] == 0, "the multicall answers 0", f"{seen['rax']:#x}")
        results = [ENTRY.unpack(self.read(self.window + 64 * index, 64))[1] for index in range(3)]
        self.check(results == [0, 0, value], f"results 0, 0, {value:#x}", ", ".join(map(hex, results)), self.source("hc_multicall"))
        self.check_traps(rows, "a call that stopped in a list")
