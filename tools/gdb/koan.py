"""Koan's own GDB commands: `koan domains`, `koan vcpus`, `koan frame MFN`, `koan walk VA`, `koan trap frame`, and more.

Loaded into GDB (`make gdb` does it, or `source tools/gdb/koan.py`) with build/koan.elf as the program, either attached to a
stopped machine or with a memory dump of one that is gone (`make dump`; `gdb build/koan.elf build/dump.core`).

Everything is read as it stands, by the types in koan.elf's debug information and the numbers in kernel/x86/layout.h. A machine
can be stopped anywhere, before Koan has started too, and a dump may be of a broken one: so every pointer is checked before it
is followed, every list is bounded, and what can't be read becomes one line that says so.
"""

import os
import re

import gdb
import gdb.types

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAYOUT_H = os.path.join(TREE, "kernel", "x86", "layout.h")
LONGEST_LIST = 4096
PAGE_SHIFT = 12
ADDRESS_BITS = 0x000FFFFFFFFFF000
WORD = (1 << 64) - 1

OWNERS = {0x7FFE: "free", 0x7FFD: "the hypervisor", 0x7FFC: "nobody (no RAM)"}
TYPES = {0: "none", 1: "L1", 2: "L2", 3: "L3", 4: "L4", 5: "segment descriptors", 6: "writable"}
FRAME_FLAGS = ["pinned", "dirty", "shared"]
ENTRY_FLAGS = [(0, "P"), (1, "RW"), (2, "U"), (3, "PWT"), (4, "PCD"), (5, "A"), (6, "D"), (7, "PSE/PAT"),
               (8, "G"), (52, "guest-kernel"), (63, "NX")]
RUN_STATES = {0: "asleep", 1: "runnable", 2: "running", 3: "gone"}
WAITS = ["for an event", "as it is down", "as it is paused", "until it may move"]   # bits of v->waits
VECTORS = {0: "#DE", 1: "#DB", 2: "NMI", 3: "#BP", 4: "#OF", 5: "#BR", 6: "#UD", 7: "#NM", 8: "#DF", 10: "#TS",
           11: "#NP", 12: "#SS", 13: "#GP", 14: "#PF", 16: "#MF", 17: "#AC", 18: "#MC", 19: "#XM",
           0xF0: "timer", 0xF1: "work", 0xF2: "TLB flush", 0xFF: "spurious", 0x100: "SYSCALL", 0xFFFFFFFF: "SYSCALL"}
HAS_ERROR_CODE = {8, 10, 11, 12, 13, 14, 17, 21}


class KoanError(Exception):
    """What a command can't do, as one line for the user."""


# --- the machine's memory and Koan's types --------------------------------------------------------


def layout():
    """The numbers of kernel/x86/layout.h by name."""
    if not hasattr(layout, "numbers"):
        try:
            with open(LAYOUT_H, encoding="utf-8") as file:
                text = file.read().replace("\\\n", " ")
        except OSError as error:
            raise KoanError(f"{LAYOUT_H}: {error.strerror}; this file must stay in Koan's tree") from error
        layout.numbers = {name: int(value, 0) for name, value in
                          re.findall(r"^#define +(\w+) +(0x[0-9a-f]+|\d+)(?:UL)?\b", text, re.M)}
        layout.numbers["CPU_BLOCK_SIZE"] = 1 << layout.numbers["CPU_BLOCK_SHIFT"]
    return layout.numbers


def lock_names(held):
    """The locks of a CPU's lock_level, by the names that kernel/x86/lock.h has for their levels."""
    levels = gdb.types.make_enum_dict(gdb.lookup_type("enum lock_level"))
    return ", ".join(name.removeprefix("LOCK_").lower() for name, bit in sorted(levels.items(), key=lambda row: row[1]) if held & bit) or "none"


def unreadable(where):
    """The commonest mishap, with its reasons."""
    return KoanError(f"cannot read memory {where}: Koan may not have got that far, or its state is damaged")


def read_bytes(address, length):
    """Bytes at a virtual address."""
    try:
        return bytes(gdb.selected_inferior().read_memory(address & WORD, length))
    except gdb.error as error:
        raise unreadable(f"at {address & WORD:#x}") from error


def read_u64(address):
    """One little-endian word."""
    return int.from_bytes(read_bytes(address, 8), "little")


def symbol(name, file=None):
    """The value of a variable of Koan's; FILE where it is static."""
    try:
        return gdb.parse_and_eval(f"'{file}'::{name}" if file else name)
    except gdb.error:
        pass
    try:
        return gdb.parse_and_eval(f"'{os.path.basename(file)}'::{name}" if file else name)
    except gdb.error as error:
        raise KoanError(f"{name}: {error}; is build/koan.elf the program, and the one that ran?") from error


def struct_at(name, address):
    """A struct of Koan's at an address, which has been seen to be readable."""
    try:
        kind = gdb.lookup_type(f"struct {name}")
    except gdb.error as error:
        raise KoanError(f"struct {name} is not known: is build/koan.elf the program?") from error
    read_bytes(address, kind.sizeof)
    return gdb.Value(address & WORD).cast(kind.pointer()).dereference()


def number(value):
    """A GDB value as a whole number."""
    try:
        return int(value)
    except gdb.MemoryError as error:
        raise unreadable(f"({error})") from error
    except gdb.error as error:
        raise KoanError(str(error)) from error


def text_of(value, length=32):
    """A char array up to its NUL, with nothing in it that could play with the terminal."""
    raw = read_bytes(number(value.address), length).split(b"\0")[0]
    return "".join(chr(c) if 32 < c < 127 else "?" for c in raw)


def evaluate(text, what):
    """A number that the user typed, as an expression."""
    try:
        value = gdb.parse_and_eval(text)
        if value.type.code == gdb.TYPE_CODE_FUNC:
            value = value.address
        return int(value) & WORD
    except (gdb.error, OverflowError, ValueError) as error:
        raise KoanError(f"{what} {text!r}: {error}") from error


def directmap(physical):
    """The virtual address of a machine address, in Koan's direct map."""
    return layout()["DIRECTMAP_VA"] + physical


# --- Koan's objects -------------------------------------------------------------------------------


def cpu_at(index):
    """struct cpu of one CPU: at the end of its block."""
    numbers = layout()
    end = numbers["STACKS_VA"] + (index + 1) * numbers["CPU_BLOCK_SIZE"]
    return struct_at("cpu", end - gdb.lookup_type("struct cpu").sizeof)


def cpus():
    """All CPUs that are up."""
    count = number(symbol("nr_cpus"))
    if not 0 < count <= layout()["NR_CPUS"]:
        raise KoanError(f"nr_cpus is {count}: Koan has not started its CPUs yet, or its state is damaged")
    return [cpu_at(index) for index in range(count)]


def domains():
    """All domains, in the order of their creation."""
    found, seen = [], set()
    pointer = number(symbol("domains", "kernel/domain/domain.c"))
    while pointer:
        if pointer in seen or len(seen) >= LONGEST_LIST:
            raise KoanError(f"the list of domains runs in a circle at {pointer:#x}")
        seen.add(pointer)
        found.append(struct_at("domain", pointer))
        pointer = number(found[-1]["next"])
    return found


def domain_named(word):
    """The domain of that name or number."""
    for domain in domains():
        if word in (text_of(domain["name"]), str(number(domain["id"]))):
            return domain
    raise KoanError(f"no domain {word!r}: `koan domains` lists them")


def vcpus_of(domain):
    """Its vCPUs."""
    count = min(number(domain["max_vcpus"]), 32)
    pointers = [number(domain["vcpus"][i]) for i in range(count)]
    return [struct_at("vcpu", pointer) for pointer in pointers if pointer]


def vcpu_named(word):
    """The vCPU that NAME or NAME.NUMBER says."""
    name, _, index = word.partition(".")
    found = vcpus_of(domain_named(name))
    if index and not index.isdecimal():
        raise KoanError(f"vCPU {index!r} is not a number")
    for vcpu in found:
        if number(vcpu["id"]) == int(index or 0):
            return vcpu
    raise KoanError(f"{name} has no vCPU {index or 0}: `koan vcpus` lists them")


def owner_name(owner):
    """A frame's owner in words."""
    if owner in OWNERS:
        return OWNERS[owner]
    for domain in domains():
        if number(domain["id"]) == owner:
            return f"domain {owner} ({text_of(domain['name'])})"
    return f"domain {owner}, which is gone"


def frame_at(mfn):
    """The frame table's entry."""
    limit = number(symbol("max_mfn"))
    if mfn >= limit:
        raise KoanError(f"frame {mfn:#x}: the frame table ends at {limit:#x}")
    size = gdb.lookup_type("struct frame").sizeof
    return struct_at("frame", layout()["FRAME_TABLE_VA"] + mfn * size)


def frame_words(mfn):
    """Owner, type and counts of a frame in one line."""
    frame = frame_at(mfn)
    kind = number(frame["type"])
    flags = number(frame["flags"])
    words = [name for bit, name in enumerate(FRAME_FLAGS) if flags >> bit & 1]
    return (f"owner {owner_name(number(frame['owner']))}, type {TYPES.get(kind, f'{kind}, which does not exist')}, "
            f"type refs {number(frame['type_refs'])}, refs {number(frame['refs'])}"
            + (", " + ", ".join(words) if words else ""))


def registers_of(vcpu):
    """Where a vCPU's registers are: on its CPU's stack while it runs, else saved."""
    cpu = cpu_at(number(vcpu["cpu"]) % layout()["NR_CPUS"])
    if number(cpu["current"]) == number(vcpu.address):
        return struct_at("regs", number(cpu.address) - gdb.lookup_type("struct regs").sizeof)
    return vcpu["ctx"]["regs"]


def place(address):
    """An address with the symbol that holds it."""
    words = gdb.format_address(address) if hasattr(gdb, "format_address") else ""
    if not words:
        try:
            words = gdb.execute(f"info symbol {address:#x}", to_string=True).strip()
        except gdb.error:
            words = ""
        words = "" if words.startswith("No symbol") else words.split(" in section")[0]
        return f"{address:#018x}" + (f" <{words}>" if words else "")
    return words


def current_cpu():
    """The CPU that GDB has selected: QEMU's threads are in the order of the CPUs."""
    found = cpus()
    return found[min(gdb.selected_thread().num - 1, len(found) - 1)]


# --- the commands ---------------------------------------------------------------------------------


class Command(gdb.Command):
    """One command below `koan`: errors become one line, and the class's text is the help."""

    name = ""

    def __init__(self):
        super().__init__(f"koan {self.name}", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        """Called by GDB."""
        del from_tty
        self.dont_repeat()
        try:
            if gdb.selected_thread() is None:
                raise KoanError("no machine: attach to one (make gdb), or open a dump (make dump)")
            self.run(gdb.string_to_argv(argument))
        except KoanError as error:
            print(f"koan {self.name}: {error}")
        except (gdb.error, ValueError, OverflowError, RuntimeError) as error:
            print(f"koan {self.name}: {type(error).__name__}: {error}")

    def run(self, words):
        """The command itself."""
        raise NotImplementedError

    def no_words(self, words):
        """Refuse arguments where there are none to give."""
        if words:
            raise KoanError(f"takes no argument, got {words[0]!r}; see `help koan {self.name}`")


def complete_domains(word):
    """Names of domains that begin with WORD; none while they can't be read."""
    try:
        return [name for name in (text_of(d["name"]) for d in domains()) if name.startswith(word)]
    except (KoanError, gdb.error):
        return []


class Domains(Command):
    """List the domains: id, name, memory, vCPUs, state.

    koan domains"""

    name = "domains"

    def run(self, words):
        self.no_words(words)
        found = domains()
        if not found:
            print("no domain")
        for domain in found:
            memory = domain["mem"]
            traits = ["privileged" if number(domain["privileged"]) else "unprivileged"]
            traits += ["dying"] if number(domain["dying"]) else []
            print(f"domain {number(domain['id'])} {text_of(domain['name'])}: {', '.join(traits)}, "
                  f"{number(memory['pages'])} of {number(memory['max_pages'])} pages, "
                  f"{len(vcpus_of(domain))} vCPUs, struct domain at {number(domain.address):#x}")


class Vcpus(Command):
    """List the vCPUs of all domains, or of one: state, mode, page tables, where they are.

    koan vcpus [DOMAIN]      DOMAIN: a name or an id"""

    name = "vcpus"

    def complete(self, text, word):
        """GDB asks for completions."""
        return complete_domains(word)

    def run(self, words):
        if len(words) > 1:
            raise KoanError("one domain at most")
        found = [(domain, vcpu) for domain in ([domain_named(words[0])] if words else domains())
                 for vcpu in vcpus_of(domain)]
        for domain, vcpu in found:
            self.show(domain, vcpu)
        if not found:
            print("no vCPU")

    @staticmethod
    def show(domain, vcpu):
        """Three lines for one."""
        context, regs = vcpu["ctx"], registers_of(vcpu)
        state, waits = number(vcpu["state"]), number(vcpu["waits"])
        why = ", ".join([RUN_STATES.get(state, str(state))] + [why for bit, why in enumerate(WAITS) if waits >> bit & 1])
        print(f"{text_of(domain['name'])}.{number(vcpu['id'])}: {why} on CPU "
              f"{number(vcpu['cpu'])}, guest {'kernel' if number(context['in_kernel']) else 'user'} mode")
        print(f"    rip {place(number(regs['rip']))}  rsp {number(regs['rsp']):#x}")
        print(f"    kernel L4 {number(context['cr3_kernel']):#x}, user L4 {number(context['cr3_user']):#x}, "
              f"kernel stack {number(context['kernel_sp']):#x}, struct vcpu at {number(vcpu.address):#x}")


class Cpus(Command):
    """List the CPUs: what they run, which locks they hold, what their CR3 holds.

    koan cpus"""

    name = "cpus"

    def run(self, words):
        self.no_words(words)
        for cpu in cpus():
            pointer = number(cpu["current"])
            runs = "idle"
            if pointer:
                vcpu = struct_at("vcpu", pointer)
                runs = f"runs {text_of(struct_at('domain', number(vcpu['domain']))['name'])}.{number(vcpu['id'])}"
            level = number(cpu["lock_level"])
            print(f"CPU {number(cpu['id'])}: {runs}, locks held: {lock_names(level)}, CR3 {number(cpu['cr3']):#x}, "
                  f"heartbeat {number(cpu['heartbeat'])}, struct cpu at {number(cpu.address):#x}")


class Frame(Command):
    """Show the frame table's entry of a machine frame: owner, type, counts.

    koan frame MFN      MFN: any expression, for example 0x1234 or $rax >> 12"""

    name = "frame"

    def __init__(self):
        gdb.Command.__init__(self, "koan frame", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def run(self, words):
        if not words:
            raise KoanError("which one? koan frame MFN")
        mfn = evaluate(" ".join(words), "frame")
        frame = frame_at(mfn)
        print(f"frame {mfn:#x} (machine address {mfn << PAGE_SHIFT:#x}): {frame_words(mfn)}")
        pfn = read_u64(layout()["M2P_VA"] + 8 * mfn)
        print(f"    machine-to-physical entry: {'none' if pfn == WORD else f'{pfn:#x}'}")
        print(f"    linear links {number(frame['linear'])}, flush stamp {number(frame['stamp'])}, "
              f"list: next {number(frame['next']):#x}, prev {number(frame['prev']):#x}")
        for domain in domains():
            for vcpu in vcpus_of(domain):
                for base in ("cr3_kernel", "cr3_user"):
                    if number(vcpu["ctx"][base]) >> PAGE_SHIFT == mfn and number(vcpu["ctx"][base]):
                        print(f"    is {base} of {text_of(domain['name'])}.{number(vcpu['id'])}")


class Walk(Command):
    """Walk the page tables for a virtual address, showing each entry and what the frame table says of the frame behind it.

    koan walk VA                 by the tables that the selected CPU has loaded
    koan walk VA in DOMAIN[.N]   by the kernel tables of that domain's vCPU N (default 0)
    koan walk VA in MFN          by the L4 in that machine frame

VA is any expression without blanks."""

    name = "walk"

    def __init__(self):
        gdb.Command.__init__(self, "koan walk", gdb.COMMAND_DATA)

    def complete(self, text, word):
        """Domains behind `in`, symbols and registers before it."""
        before = text.split()[:-1] if word else text.split()
        if before and before[-1] == "in":
            return complete_domains(word)
        if len(before) == 1:
            return ["in"] if "in".startswith(word) else []
        return gdb.COMPLETE_EXPRESSION if not before else []

    @staticmethod
    def root(words):
        """The machine address of the L4 to begin at."""
        if not words:
            try:
                return int(gdb.parse_and_eval("$cr3")) & ADDRESS_BITS
            except (gdb.error, ValueError):
                return number(current_cpu()["cr3"]) & ADDRESS_BITS  # a dump's registers have no CR3
        if len(words) != 2 or words[0] != "in":
            raise KoanError("koan walk VA [in DOMAIN[.N] | in MFN]")
        if re.fullmatch(r"(0x[0-9a-fA-F]+|\d{4,})", words[1]):
            return int(words[1], 0) << PAGE_SHIFT
        root = number(vcpu_named(words[1])["ctx"]["cr3_kernel"]) & ADDRESS_BITS
        if not root:
            raise KoanError(f"{words[1]} has no page tables yet")
        return root

    def run(self, words):
        if not words:
            raise KoanError("which address? koan walk VA")
        va = evaluate(words[0], "address")
        if va >> 47 not in (0, 0x1FFFF):
            raise KoanError(f"{va:#x} is not canonical: no CPU would walk it")
        table = self.root(words[1:])
        print(f"{va:#018x} by the L4 in frame {table >> PAGE_SHIFT:#x}:")
        for level in (4, 3, 2, 1):
            entry = self.step(table, level, va)
            if not entry & 1:
                print("    not present: the walk ends here")
                return
            table = entry & ADDRESS_BITS
            if level > 1 and entry & 0x80:
                size = 1 << (PAGE_SHIFT + 9 * (level - 1))
                return self.result((table & ~(size - 1)) + va % size, f"a superpage of {size >> 20} MiB")
        self.result(table + va % (1 << PAGE_SHIFT), "a page")

    @staticmethod
    def step(table, level, va):
        """Show one entry and return it."""
        index = va >> (PAGE_SHIFT + 9 * (level - 1)) & 511
        entry = read_u64(directmap(table) + 8 * index)
        flags = " ".join(name for bit, name in ENTRY_FLAGS if entry >> bit & 1) or "-"
        print(f"  L{level}[{index}] in frame {table >> PAGE_SHIFT:#x}: {entry:#018x} ({flags})")
        if entry & 1:
            target = (entry & ADDRESS_BITS) >> PAGE_SHIFT
            try:
                print(f"    -> frame {target:#x}: {frame_words(target)}")
            except KoanError as error:
                print(f"    -> {error}")
        return entry

    @staticmethod
    def result(address, what):
        """The last line."""
        print(f"= machine address {address:#x}, in {what}")


class Trap(Command):
    """Show a trap frame (struct regs): what was interrupted, by what, with which registers.

    koan trap frame             the guest that the selected CPU interrupted
    koan trap frame ADDRESS     the struct regs at that address (an expression, for example regs)
    koan trap frame DOMAIN.N    the registers of that vCPU, running or not"""

    name = "trap"

    def complete(self, text, word):
        """`frame`, then domains."""
        return complete_domains(word) if text.split()[:1] == ["frame"] else ["frame"]

    def find(self, words):
        """The struct regs that the words mean."""
        if not words:
            cpu = current_cpu()
            return struct_at("regs", number(cpu.address) - gdb.lookup_type("struct regs").sizeof)
        if len(words) == 1 and re.fullmatch(r"[\w-]+\.\d+", words[0]):
            return registers_of(vcpu_named(words[0]))
        return struct_at("regs", evaluate(" ".join(words), "address"))

    def run(self, words):
        regs = self.find(words[1:] if words[:1] == ["frame"] else words)
        value = {field.name: number(regs[field.name]) for field in regs.type.fields()}
        if not any(value.values()):
            raise KoanError(f"nothing at {number(regs.address):#x}: no guest has been interrupted here yet")
        vector = value["vector"]
        words = VECTORS.get(vector, "interrupt" if vector < 256 else "no such vector")
        error = f", error code {value['error_code']:#x}" if vector in HAS_ERROR_CODE else ""
        ring = value["cs"] & 3
        print(f"struct regs at {number(regs.address):#x}: {words} (vector {vector:#x}){error}, interrupted ring {ring}"
              f" ({'guest' if ring == 3 else 'hypervisor' if ring == 0 else 'which nobody uses'})")
        print(f"  rip {place(value['rip'])}  cs {value['cs']:#x}  rflags {value['rflags']:#x}")
        print(f"  rsp {value['rsp']:#018x}  ss {value['ss']:#x}")
        names = ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"]
        for start in range(0, len(names), 3):
            print("  " + "  ".join(f"{name:3} {value[name]:#018x}" for name in names[start:start + 3]))


class Trace(Command):
    """Show what was refused last, newest first, over all CPUs: when, for whom, where in the source, with which value.

    koan trace [N]      N: how many (default 20)"""

    name = "trace"

    def run(self, words):
        most = evaluate(" ".join(words), "count") if words else 20
        records = sorted(self.records(), key=lambda r: r[0], reverse=True)[:most]
        for stamp, cpu, who, words_of in records:
            print(f"{stamp:>18} CPU {cpu} {who:8} {words_of}")
        if not records:
            print("nothing was recorded")

    def records(self):
        """All records of all rings: (time stamp, CPU, who, words)."""
        rings = symbol("rings", "kernel/debug/trace.c")
        for cpu in range(len(cpus())):
            pointer = number(rings[cpu])
            if not pointer:
                continue
            both = struct_at("rings", pointer)["ring"]
            for use in range(both.type.range()[1] + 1):
                ring = both[use]
                size = ring["records"].type.range()[1] + 1
                for index in range(min(number(ring["count"]), size)):
                    yield self.record(cpu, ring["records"][index])

    @staticmethod
    def record(cpu, record):
        """One of them."""
        domain = number(record["domid"])
        who = "-" if domain == 0xFFFF else f"d{domain}v{number(record['vcpu'])}"
        first, second = number(record["a"]), number(record["b"])
        if number(record["kind"]):
            return number(record["tsc"]), cpu, who, f"{record['kind']} {first:#x} {second:#x}"
        error = second - (1 << 64) if second >> 63 else second
        try:
            file = record["file"].string(errors="replace", length=128).split("\0")[0]
        except gdb.error:
            file = "?"
        return number(record["tsc"]), cpu, who, f"refused with {error} at {file}:{number(record['line'])}, value {first:#x}"


class Koan(gdb.Command):
    """Look into Koan: its domains, vCPUs, frames, page tables and trap frames. `help koan` lists the commands."""

    def __init__(self):
        super().__init__("koan", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, prefix=True)

    def invoke(self, argument, from_tty):
        """`koan` alone, or with a word that is none of ours."""
        del from_tty
        if argument:
            print(f"koan: no command {argument.split()[0]!r}")
        gdb.execute("help koan")


Koan()
for command in (Domains, Vcpus, Cpus, Frame, Walk, Trap, Trace):
    command()
