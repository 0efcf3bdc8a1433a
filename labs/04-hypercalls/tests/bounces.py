"""Into the guest's own handlers: the frame on its stack, its registers and its mask, after exceptions and system calls that the grader
has provoked with registers of its own making."""

import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from puppet import (AC, DF, GENERAL, IF, IOPL, IRET, KERNEL_CS, RF, RING3_CS, RING3_SS, CALLBACK_OP, SET_CALLBACKS, SET_TRAP_TABLE, STACK_SWITCH,  # noqa: E402
                    PuppetCase)

CF, PF, AF, ZF, SF, OF, ID = 1, 4, 0x10, 0x40, 0x80, 0x800, 1 << 21
PADS = 512
FRAME_HINT = "The frame, ascending: rcx, r11, [error code], rip, cs with the old mask in bits 32 to 39, rflags, rsp, ss; the stack is aligned to 16 bytes first."
# gadget -> (vector, pushes an error code, instruction's length if the frame points behind it)
KINDS = {"ud2": (6, False, 0), "int3": (3, False, 1), "div": (0, False, 0), "int80": (0x80, False, 2), "hlt": (13, True, 0),
         "load": (14, True, 0), "store": (14, True, 0), "jump": (14, True, 0)}
WRONG = (0x7B, 0x1234, 0xFFF3, 0x2B3)   # selectors that nothing stands behind


class BounceCase(PuppetCase):
    """Handlers at random pads, with and without the flag that masks events."""

    def handlers(self):
        pads = self.random.sample(range(PADS), 40)
        self.traps, self.callbacks = {}, {}
        data = b""
        for vector in (0, 3, 6, 13, 14, 0x80):
            pad, mask = self.at["g_pads"] + 16 * pads.pop(), self.random.random() < 0.5
            self.traps[vector] = (pad, mask)
            data += struct.pack("<BBHIQ", vector, 3 | 4 * mask, KERNEL_CS, 0, pad)
        self.write(self.window, data + bytes(16))
        self.check(self.call(SET_TRAP_TABLE, self.window) == 0, "a trap table is taken", "an error")
        for number, name in enumerate(("event", "failsafe", "syscall")):   # CALLBACKTYPE_*
            pad, mask = self.at["g_pads"] + 16 * pads.pop(), self.random.random() < 0.5
            self.callbacks[name] = (pad, mask)
            self.write(self.window, struct.pack("<HHIQ", number, 1 if mask else 0, 0, pad))
            self.check(self.call(CALLBACK_OP, 0, self.window) == 0, f"the {name} callback is taken", "an error")

    def stack(self, lowest=512):
        """Somewhere in the first two pages of the window, at any address."""
        return self.window + self.random.randrange(lowest, 8192)

    def mask(self, value=None):
        """The upcall mask of the guest, read or written in the shared page."""
        if value is None:
            return self.read(self.shared_info, 2)[1]
        self.write(self.shared_info, bytes((0, value)))
        return value

    def some_flags(self):
        return 2 | IF | sum(bit for bit in (CF, PF, AF, ZF, SF, OF, DF, ID, AC) if self.random.random() < 0.5)

    def arrive(self, pad, before, top, cs, mask, masks, error, what, cleared=0):
        """The guest stands at `pad`: everything about it. `before`: the registers; `top`: where the frame ends."""
        seen = self.registers()
        words = 8 if error is not None else 7
        sp = (top & ~15) - 8 * words
        self.check(seen["rsp"] == sp, f"{what}: the handler's stack at {sp:#x}", f"{seen['rsp']:#x}", self.source("bounce_trap"), FRAME_HINT)
        frame = list(self.words(sp, words))
        code = frame.pop(2) if error is not None else None
        self.check(code == error, f"{what}: error code {error:#x}" if error is not None else "", f"{code}", self.source("bounce_trap"),
                   "To the guest's kernel its own accesses are a kernel's: only what user mode did has the bit of the user.")
        names = ("rcx", "r11", "rip", "cs", "rflags", "rsp", "ss")
        flags = before["eflags"] & ~(IF | IOPL) | (0 if mask else IF)
        wanted = (before["rcx"], before["r11"], before["rip"], cs | mask << 32, flags, before["rsp"], before.get("ss", RING3_SS))
        for name, expected, value in zip(names, wanted, frame):
            if name == "rflags":
                expected, value = expected & ~RF, value & ~RF
            self.check(value == expected, f"{what}: {name} {expected:#x} in the frame", f"{value:#x}", self.source("bounce_trap"), FRAME_HINT)
        for name in GENERAL:
            if before[name] is not None:
                self.check(seen[name] == before[name], f"{what}: the handler begins with {name} {before[name]:#x}", f"{seen[name]:#x}", "",
                           "What interrupts has to keep all registers: the handler's own code saves what it uses.")
        self.check(seen["cs"] == RING3_CS and seen["ss"] == RING3_SS, f"{what}: the handler runs with cs {RING3_CS:#x} and ss {RING3_SS:#x}",
                   f"{seen['cs']:#x} and {seen['ss']:#x}")
        bad = seen["eflags"] & (AC | IOPL | 1 << 8 | 1 << 14 | cleared)
        self.check(not bad, f"{what}: the handler begins with AC, TF, NT and IOPL clear" + (", and DF" if cleared else ""), f"rflags {seen['eflags']:#x}",
                   self.source("bounce_trap"), "A handler can't begin with flags that somebody else has chosen for himself.")
        after = 1 if masks else mask
        self.check(self.mask() == after, f"{what}: the upcall mask {after} in the handler", f"{self.mask()}", self.source("bounce_trap"),
                   "The handler's own flag says whether it masks events; what was masked before stays so, and stands in the frame.")
        cr3 = self.machine.cr3()
        self.check(cr3 & ~0xFFF == self.cr3 & ~0xFFF, f"{what}: the handler runs on the kernel's page tables", f"CR3 {cr3:#x}", "",
                   "guest_mode_to_kernel() comes before the first word of the frame is written.")

    def provoke(self, kind, prefix=""):
        """Registers and memory, so that the gadget traps: (registers, vector, error, cr2)."""
        vector, has_error, length = KINDS[kind]
        error, cr2 = (0 if has_error else None), None
        before = self.shuffle()
        if kind == "div":
            before["rcx"] &= ~0xFFFFFFFF
        user = 4 if prefix else 0
        if kind in ("load", "store", "jump"):
            strange = self.random.random() < 0.25
            hole = self.window + 8192 + self.random.randrange(4088)
            cr2 = self.random.choice((hole, hole, 0, self.random.getrandbits(45)))
            error = {"load": 0, "store": 2, "jump": 0x10}[kind] | user
            if kind == "store" and not prefix and self.random.random() < 0.5:
                cr2, error = self.window + 3 * 4096 + 8 * self.random.randrange(512), 3
            if strange and kind != "jump":
                cr2, vector, error = None, 13, 0
                before["rsi"] = before["rdi"] = 0x0000800000000000 + self.random.getrandbits(40)
            else:
                before["rsi"] = before["rdi"] = cr2
        before["rip"] = self.at[f"g_{prefix}{kind}"] + length
        before["eflags"] = self.some_flags()
        if kind in ("load", "store"):
            before["eflags"] &= ~AC   # alignment checks are another exception
        self.set(**{name: before[name] for name in GENERAL}, rip=self.at[f"g_{prefix}{kind}"], eflags=before["eflags"])
        if kind == "jump" and cr2 is not None:
            before["rip"] = cr2
        return before, vector, error, cr2

    def hear(self, expected):
        """Run to whatever pad it comes to."""
        places = {pad for pad, _ in self.traps.values()} | {pad for pad, _ in self.callbacks.values()}
        return self.run_to(*places, expected=expected)

    def check_cr2(self, cr2, what):
        if cr2 is not None:
            seen, = self.words(self.shared_info + 16, 1)
            self.check(seen == cr2, f"{what}: the address {cr2:#x} in vcpu_info's arch.cr2", f"{seen:#x}", self.source("bounce_page_fault"))

    def to_user(self):
        """By the iret hypercall into user mode, at the spinning instruction."""
        frame = self.window + 4096 + 512
        self.write(frame, struct.pack("<9Q", 0, 0, 0, 0, self.at["g_u_spin"], RING3_CS, 2 | IF, 0x1000, RING3_SS))
        self.mask(0)
        self.set(rax=IRET, rsp=frame, rip=self.at["g_syscall"], eflags=self.flags)
        self.run_to(self.at["g_u_spin"], expected="the guest's user mode runs")


class FromKernel(BounceCase):
    """Exceptions of the guest's kernel, from any stack, with events masked and not."""

    rounds = 60

    def run(self):
        with self.puppet():
            for number in range(self.rounds):
                if number % 12 == 0:
                    self.handlers()
                kind = self.random.choice(list(KINDS))
                before, vector, error, cr2 = self.provoke(kind)
                before["rsp"] = self.stack()
                self.set(rsp=before["rsp"])
                mask = self.mask(self.random.randrange(2))
                what = f"round {number}, {kind} in the guest's kernel"
                at = self.hear(f"{what}, comes to a handler")
                pad, masks = self.traps[vector]
                self.check(at == pad, f"{what}: to the handler of vector {vector}", "to another one", self.source("guest_trap"))
                self.arrive(pad, before, before["rsp"], KERNEL_CS, mask, masks, error, what)
                self.check_cr2(cr2, what)


class FromUser(BounceCase):
    """Exceptions and system calls of user mode: on the kernel's stack, in the kernel's address space."""

    rounds = 48

    def run(self):
        with self.puppet():
            for number in range(self.rounds):
                if number % 12 == 0:
                    self.handlers()
                top = self.stack()
                self.check(self.call(STACK_SWITCH, RING3_SS, top) == 0, "stack_switch answers 0", "an error")
                self.to_user()
                kind = self.random.choice((*KINDS, "syscall", "syscall", "syscall"))
                what = f"round {number}, {kind} in user mode"
                if kind == "syscall":
                    before = self.shuffle()
                    before["eflags"] = self.some_flags() & ~AC
                    before["rip"] = before["rcx"] = self.at["g_u_syscall_end"]
                    self.set(rip=self.at["g_u_syscall"], eflags=before["eflags"])
                    before["r11"] = before["eflags"]
                    error, cr2, (pad, masks) = None, None, self.callbacks["syscall"]
                else:
                    before, vector, error, cr2 = self.provoke(kind, "u_")
                    pad, masks = self.traps[vector]
                before["rsp"] = self.random.choice((self.random.getrandbits(64), 0, 0xFFFF800000000000, self.random.getrandbits(46)))
                self.set(rsp=before["rsp"])
                mask = self.mask(self.random.randrange(2))
                at = self.hear(f"{what}, comes to a handler")
                self.check(at == pad, f"{what}: to its handler", "to another one")
                self.arrive(pad, before, top, RING3_CS, mask, masks, error, what, DF if kind == "syscall" else 0)
                self.check_cr2(cr2, what)


class Failsafe(BounceCase):
    """An iret to selectors that can't be loaded: the failsafe callback hears of it, with the data selectors in its frame."""

    rounds = 24

    def run(self):
        with self.puppet():
            for number in range(self.rounds):
                if number % 8 == 0:
                    self.handlers()
                self.one(number)

    def one(self, number):
        frame = self.window + 4096 + 8 * self.random.randrange(256)
        top, flags = self.window + self.random.randrange(512, 4096), self.some_flags() & ~(IF | AC)
        mask = self.random.randrange(2)
        flags |= 0 if mask else IF
        rax, r11, rcx = (self.random.getrandbits(64) for _ in range(3))
        rip = self.at["g_spin"]
        cs, ss = self.random.choice(WRONG) & ~3, RING3_SS
        if self.random.random() < 0.5:
            cs, ss = KERNEL_CS, self.random.choice(WRONG)
        self.write(frame, struct.pack("<9Q", rax, r11, rcx, 0, rip, cs, flags, top, ss))
        before = self.shuffle()
        self.set(rax=IRET, rsp=frame, rip=self.at["g_syscall"], eflags=self.flags)
        what = f"round {number}, an iret to cs {cs:#x}, ss {ss:#x}"
        pad, masks = self.callbacks["failsafe"]
        at = self.hear(f"{what}, comes to the failsafe callback")
        self.check(at == pad, f"{what}: to the failsafe callback", "to another handler")
        seen = self.registers()
        sp = (top & ~15) - 88
        self.check(seen["rsp"] == sp, f"{what}: the stack at {sp:#x}", f"{seen['rsp']:#x}", self.source("bounce_failsafe"), FRAME_HINT)
        wanted = [rcx, r11, seen["ds"], seen["es"], seen["fs"], seen["gs"], rip, cs | mask << 32, flags & ~IOPL, top, ss | 3]
        names = ("rcx", "r11", "ds", "es", "fs", "gs", "rip", "cs", "rflags", "rsp", "ss")
        for name, expected, value in zip(names, wanted, self.words(sp, 11)):
            if name == "rflags":
                expected, value = expected & ~RF, value & ~RF
            self.check(value == expected, f"{what}: {name} {expected:#x} in the frame", f"{value:#x}", self.source("bounce_failsafe"),
                       "The failsafe frame: rcx, r11, ds, es, fs, gs, then as of an exception without an error code.")
        before.update(rax=rax, rcx=rcx, r11=r11)
        for name in GENERAL:
            self.check(seen[name] == before[name], f"{what}: the callback begins with {name} {before[name]:#x}", f"{seen[name]:#x}")
        after = 1 if masks else mask
        self.check(self.mask() == after, f"{what}: the upcall mask {after}", f"{self.mask()}", self.source("bounce_failsafe"))


class BadStacks(BounceCase):
    """A stack that can't take a frame is the end of the domain: not of the hypervisor, and nothing is written anywhere."""

    def run(self):
        for kind in ("kernel", *self.random.sample(("readonly", "unmapped", "strange", "edge", "nobody"), 2)):
            for user in (False, True)[:1 if kind == "nobody" else 2]:
                self.one(kind, user)

    def one(self, kind, user):
        with self.puppet() as machine:
            self.handlers()
            free = self.free_frames(2)
            top = {"kernel": machine.numbers["DIRECTMAP_VA"] + ((free + 1) << 12) + 16 * self.random.randrange(16), "readonly": self.window + 16384 - 16,
                   "unmapped": self.window + 12288 - 64, "strange": 0x0000800000000000 + (self.random.getrandbits(40) & ~15),
                   "edge": self.window + 12288 + 24, "nobody": self.stack()}[kind]
            kept = machine.ram[free << 12:(free + 2) << 12]
            if user:
                self.check(self.call(STACK_SWITCH, RING3_SS, top) == 0, "stack_switch answers 0", "an error")
                self.to_user()
            gadget = "g_int3" if kind != "nobody" else "g_int99"
            if kind == "nobody":   # no handler for it: nothing else may be tried
                self.write(self.window, bytes(16))
                self.call(SET_TRAP_TABLE, 0)
                gadget = "g_ud2"
            self.shuffle()
            self.set(rip=self.at[gadget.replace("g_", "g_u_") if user else gadget], eflags=self.flags, **({} if user else {"rsp": top}))
            what = {"nobody": "an exception without a handler"}.get(kind, f"a frame at {top:#x} ({kind}, from {'user' if user else 'kernel'} mode)")
            places = {pad for pad, _ in self.traps.values()} | {pad for pad, _ in self.callbacks.values()}
            at = machine.run_to("machine_end", *places, expected=f"{what} ends the domain",
                                hint="There is no one to tell: domain_crash() says why, and the guest is gone.")
            self.check(at == "machine_end", f"{what} ends the domain", "the guest goes on", self.source("bounce_trap"))
            code = machine.gdb.registers()["rdi"] & 0xFF
            machine.settle()
            self.check(code == 0x11, f"{what} ends the domain, and only that (code 0x11)", f"code {code:#x}", machine.last_line())
            self.check(machine.ram[free << 12:(free + 2) << 12] == kept or kind != "kernel", f"{what} writes nothing", "it did", self.source("bounce_trap"))
