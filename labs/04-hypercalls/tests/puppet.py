"""The guest without a will (guests/puppet.c): its registers are set from outside, it runs one instruction of those that it brings, and is
looked at where it comes out. What has to come of it, each test computes: there is no word of the guest's, nor of the kernel's, in a verdict.
"""

import struct

import domains
from case import Case

MASK64 = (1 << 64) - 1
GENERAL = ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15")
ARGUMENTS = ("rdi", "rsi", "rdx", "r10", "r8", "r9")
PAGES = 8
EINVAL, EFAULT, ENOSYS, ESRCH, ENOENT, EEXIST = 22, 14, 38, 3, 2, 17
SMAP_CPU = "max"   # as the default model, but with SMAP: RFLAGS.AC tells whether the guest's memory is open
KERNEL_CS, RING3_CS, RING3_SS = 0xE030, 0xE033, 0xE02B
IF, DF, AC, RF, IOPL = 1 << 9, 1 << 10, 1 << 18, 1 << 16, 3 << 12
PENDING_AT, MASK_AT = 2048, 2560   # in the shared page
SIZE_OF_PUPPET = 8 * (2 + 2 * PAGES + 4 + 3)
MULTICALL, SET_TRAP_TABLE, SET_CALLBACKS, STACK_SWITCH, CALLBACK_OP = 13, 0, 4, 3, 30
VERSION, SET_DEBUGREG, GET_DEBUGREG, IRET, SET_TIMER, EVENT_OP, VCPU_OP, SCHED_OP = 17, 8, 9, 23, 15, 32, 24, 29


def signed(value):
    return value - (value >> 63 << 64)


class PuppetCase(Case):
    """`with self.puppet() as machine:` brings it to obey(); the rest of the methods work on it."""

    window = 0

    def puppet(self, keys="", **more):
        nonce, seed = (self.random.getrandbits(63) | 1 for _ in range(2))
        text = f"name=puppet mem=12M console=yes {keys} -- nonce={nonce:x} seed={seed:x}"
        return _Ready(self, self.boot(guests=[("puppet", text)], **more), nonce)

    def begin(self, machine, nonce):
        self.machine = machine
        self.at = machine.guests["puppet"].symbols
        machine.run_to(self.at["obey"], expected="the guest is ready")
        self.cr3 = machine.cr3()
        self.check(struct.unpack("<Q", self.read(self.at["mailbox"], 8))[0] == nonce, "the guest of this run", "another nonce")
        words = struct.unpack(f"<{SIZE_OF_PUPPET // 8}Q", self.read(self.at["puppet"], SIZE_OF_PUPPET))
        self.window, self.user_l4 = words[0], words[1]
        self.spare_mfn, self.spare_va = words[2:2 + PAGES], words[2 + PAGES:2 + 2 * PAGES]
        self.window_mfn = words[2 + 2 * PAGES:6 + 2 * PAGES]
        self.scratch_l1, self.grant_table, self.shared_info = words[6 + 2 * PAGES:]
        found, = domains.all_of(machine, {"puppet": machine.guests["puppet"]}).values()
        self.domain = found
        self.vcpu = machine.u64(found.address + machine.numbers["struct domain.vcpus"])
        self.block = (machine.numbers["CPU_BLOCK_SIZE"], machine.numbers["struct cpu"])
        self.flags = machine.gdb.registers()["eflags"] & ~0xFFF | 2 | IF

    # --- memory of the guest, by the page tables of its kernel ---

    def place(self, va):
        page = (va - self.window) >> 12 if self.window else -1
        if 0 <= page < 4:   # one of them is mapped nowhere
            return (self.window_mfn[page] << 12) + (va & 0xFFF)
        found = self.machine.mapping(va, self.cr3)
        self.check(found, f"{va:#x} is mapped", "no mapping there")
        return found.pa + va % found.size

    def read(self, va, size):
        data = b""
        while size:
            piece, start = min(size, 4096 - va % 4096), self.place(va)
            data += self.machine.ram[start:start + piece]
            va, size = va + piece, size - piece
        return data

    def write(self, va, data):
        while data:
            piece, start = min(len(data), 4096 - va % 4096), self.place(va)
            self.machine.ram[start:start + piece] = data[:piece]
            va, data = va + piece, data[piece:]

    def words(self, va, count):
        return struct.unpack(f"<{count}Q", self.read(va, 8 * count))

    # --- memory of the hypervisor ---

    def field(self, name):
        """A field of the running vCPU."""
        return self.machine.u64(self.vcpu + self.machine.numbers[f"struct vcpu.{name}"], self.cr3)

    def cpu_block(self, rsp):
        size, cpu = self.block
        return (rsp | size - 1) + 1 - cpu

    def make_work(self, rsp, work=None):
        """As if an interrupt had left some: the CPU has to look before it goes back to the guest."""
        place = self.machine.mapping(self.cpu_block(rsp) + self.machine.numbers["struct cpu.work"], self.cr3)
        self.check(place, "the CPU's block is mapped", "no mapping")
        at = self.cpu_block(rsp) + self.machine.numbers["struct cpu.work"]
        start = place.pa + at % place.size
        value = struct.unpack("<Q", self.machine.ram[start:start + 8])[0] | (work or self.machine.numbers["WORK_UPCALL"])
        self.machine.ram[start:start + 8] = struct.pack("<Q", value)

    def free_frames(self, count):
        """Frames in a row that belong to nobody, for the grader to use while the machine stands."""
        frames, numbers = self.machine.frames(self.cr3), self.machine.numbers
        starts = [mfn for mfn in range(0x1000, len(frames) - count)
                  if all(frame.owner == numbers["OWNER_FREE"] for frame in frames[mfn:mfn + count])]
        self.check(starts, "free memory", "none")
        return self.random.choice(starts)

    # --- running ---

    def set(self, **registers):
        for name, value in registers.items():
            self.machine.gdb.set_register(name, value & (MASK64 if name != "eflags" else 0xFFFFFFFF))

    def shuffle(self, keep=()):
        """Random general registers, but for those; {name: value}."""
        chosen = {name: self.random.getrandbits(64) for name in GENERAL if name not in keep}
        self.set(**chosen)
        return chosen

    def registers(self):
        return self.machine.gdb.registers()

    def run_to(self, *places, expected, hint=""):
        at = self.machine.run_to(*places, "machine_end", expected=expected, hint=hint)
        if at == "machine_end":
            self.machine.settle()
            self.fail(expected, "the machine ended", self.machine.last_line(), hint)
        return at

    def prepare(self, number, *arguments, gadget="g_syscall"):
        """Registers for a hypercall: {name: value} of all."""
        chosen = self.shuffle()
        chosen.update(zip(ARGUMENTS, (value & MASK64 for value in arguments)), rax=number)
        self.set(**{name: chosen[name] for name in (*ARGUMENTS[:len(arguments)], "rax")}, rip=self.at[gadget], eflags=self.flags)
        return chosen

    def done(self, chosen, what, hint=""):
        """Let it run to behind the SYSCALL; the answer. All registers but those that SYSCALL loses have to be as they were."""
        self.run_to(self.at["g_syscall_end"], expected=f"{what} comes back to the guest", hint=hint)
        seen = self.registers()
        for name in GENERAL:
            if name not in ("rax", "rcx", "r11"):
                self.check(seen[name] == chosen[name], f"{what} leaves the guest's {name} as it was, {chosen[name]:#x}", f"{seen[name]:#x}", "",
                           hint or "Only rax, rcx and r11 change over a hypercall.")
        return signed(seen["rax"])

    def call(self, number, *arguments, what=""):
        chosen = self.prepare(number, *arguments)
        return self.done(chosen, what or f"hypercall {number}")

    def inside(self, function, *arguments):
        """
        Call a function of the hypervisor in a hypercall's place: the guest asks for its version, and at the first instruction of that handler the
        CPU is sent to FUNCTION instead. Returns the registers where it comes back; the guest is then behind its SYSCALL.
        """
        address = self.machine.symbol(function)
        self.prepare(VERSION)
        self.run_to("hc_xen_version", expected="a hypercall comes to its handler")
        back = self.machine.u64(self.registers()["rsp"], self.cr3)
        self.set(**dict(zip(("rdi", "rsi", "rdx", "rcx", "r8", "r9"), arguments)), rip=address)
        # The bare address: a breakpoint at a place where it stands already would be stepped over.
        self.run_to(back, expected=f"{function} comes back", hint=f"It was called with {', '.join(f'{value:#x}' for value in arguments)}.")
        seen = self.registers()
        self.run_to(self.at["g_syscall_end"], expected="the hypercall comes back to the guest")
        return seen


class _Ready:
    """The machine with the guest at obey()."""

    def __init__(self, case, machine, nonce):
        self.case, self.machine, self.nonce = case, machine, nonce

    def __enter__(self):
        self.machine.__enter__()
        try:
            self.case.begin(self.machine, self.nonce)
        except BaseException as error:
            self.machine.__exit__(type(error), error, None)
            raise
        return self.machine

    def __exit__(self, *error):
        return self.machine.__exit__(*error)
