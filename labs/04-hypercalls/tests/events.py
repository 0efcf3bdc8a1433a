"""Event channels of one domain with two vCPUs: orders that are made up afresh, and after each one all pending bits, masks, selectors and upcall
flags in the shared page, compared with a model. The mask of vCPU 0's upcalls stays set, but where an upcall is what is looked for.
"""

import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from puppet import EEXIST, EINVAL, ENOENT, ESRCH, EVENT_OP, IF, KERNEL_CS, MASK_AT, MULTICALL, PENDING_AT, CALLBACK_OP, PuppetCase  # noqa: E402

BIND_INTERDOMAIN, BIND_VIRQ, CLOSE, SEND, STATUS, ALLOC_UNBOUND, BIND_IPI, BIND_VCPU, UNMASK = 0, 1, 3, 4, 5, 6, 7, 8, 9
SELF, VCPUS, PORTS, VIRQS = 0x7FF0, 2, 4096, 24
EVENTS_PER_PAGE, LISTED = 256, 100
GLOBAL = lambda virq: virq not in (0, 1, 7, 13)  # noqa: E731  VIRQ_TIMER, DEBUG, XENOPROF, XENPMU
FREE, RESERVED, UNBOUND, INTERDOMAIN, HYPERVISOR, VIRQ, IPI = range(7)
SHOWN = {FREE: 0, RESERVED: 0, UNBOUND: 1, INTERDOMAIN: 2, VIRQ: 4, IPI: 5}
HINT = ("Pending first; then, unless the port is masked, the selector bit of its vCPU; then, unless that was set already, the upcall flag. A bit that is "
        "set already means that somebody has been told.")


class Port:
    def __init__(self, state, vcpu=0, **more):
        self.state, self.vcpu = state, vcpu
        self.__dict__.update(more)


class EventsCase(PuppetCase):
    wants = {}
    planned = ""   # every tenth order, so that no run goes without it
    spread = False  # begin with ports over several words of the bitmaps, and several pages of the hypervisor's own table
    count = 150

    def run(self):
        with self.puppet(keys=f"vcpus={VCPUS}"):
            self.ports, self.virqs = {0: Port(RESERVED)}, {}
            self.pending, self.masked, self.selector, self.upcall = set(), set(), [set() for _ in range(VCPUS)], [0] * VCPUS
            self.places = EVENTS_PER_PAGE
            self.adopt()
            if self.spread:
                self.begin_spread()
            for self.number in range(1, self.count + 1):
                kind = self.random.choices(list(self.wants), self.wants.values())[0]
                if self.planned and self.number % 10 == 0:
                    kind = self.planned
                getattr(self, "do_" + kind)()
                self.compare()
            self.last()

    def last(self):
        """Before the end."""

    def adopt(self):
        """What there is from the start: the console's port. The shared page is cleared, so that nothing stands there but what the test does."""
        for port in range(1, 64):
            answer, data = self.op(STATUS, struct.pack("<HHIIIII", SELF, 0, port, 0, 0, 0, 0))
            state = struct.unpack_from("<I", data, 8)[0] if answer == 0 else 0
            if state == 2:
                self.ports[port] = Port(HYPERVISOR)
        self.write(self.shared_info + PENDING_AT, bytes(1024))
        for vcpu in range(VCPUS):
            self.write(self.shared_info + 64 * vcpu, bytes((0, 1)) + bytes(14))

    def begin_spread(self):
        """Some hundred ports in one list of calls, of which a few stay, some of them in each word."""
        self.number = "the first"
        self.said = "a list of orders: many ports, then most of them closed"
        first, count = self.lowest(), EVENTS_PER_PAGE + self.random.randrange(30, 120)
        made = []
        for start in range(0, count, LISTED):
            vcpus = [self.random.randrange(VCPUS) for _ in range(min(LISTED, count - start))]
            made += zip(vcpus, self.listed(BIND_IPI, [struct.pack("<II", vcpu, 0) for vcpu in vcpus], 4))
        for number, (vcpu, port) in enumerate(made):
            wanted = next(port for port in range(first + number, PORTS) if self.ports.get(port, Port(FREE)).state != HYPERVISOR)
            self.check(port == wanted, f"{self.said}: port {wanted}, the lowest that is free", f"{port}", self.source("event_bind_ipi"))
            self.ports[port] = Port(IPI, vcpu)
        self.grow()
        kept = {port for _, port in made if self.random.random() < 0.08} | {self.random.randrange(word * 64 + 8, word * 64 + 28) for word in range(5)}
        gone = [port for _, port in made if port not in kept]
        for start in range(0, len(gone), LISTED):
            self.listed(CLOSE, [struct.pack("<I", port) for port in gone[start:start + LISTED]], 0)
        for port in gone:
            del self.ports[port]
        self.compare()

    def listed(self, cmd, arguments, offset):
        """One multicall of event_channel_ops, all to be granted; the word at `offset` of each one's argument afterwards."""
        place, calls = self.window + 64 * len(arguments), b""
        for index in range(len(arguments)):
            calls += struct.pack("<Qq6Q", EVENT_OP, -1, cmd, place + 8 * index, 0, 0, 0, 0)
        self.write(self.window, calls + b"".join(data.ljust(8, b"\0") for data in arguments))
        self.call(MULTICALL, self.window, len(arguments), what=self.said)
        # With work pending a list goes on in a second call, whose answer is the list's: what counts are the entries'.
        for index in range(len(arguments)):
            answer = struct.unpack("<q", self.read(self.window + 64 * index + 8, 8))[0]
            self.check(answer == 0, f"{self.said}: entry {index} is granted", f"answer {answer}")
        return [struct.unpack("<I", self.read(place + 8 * index + offset, 4))[0] for index in range(len(arguments))]

    # --- the model ---

    def lowest(self):
        return next(port for port in range(PORTS) if port not in self.ports)

    def grow(self):
        """Places of ports come page by page, and stay."""
        self.places = max(self.places, (max(self.ports) // EVENTS_PER_PAGE + 1) * EVENTS_PER_PAGE)

    def tell(self, port):
        vcpu = self.ports[port].vcpu
        if port // 64 not in self.selector[vcpu]:
            self.selector[vcpu].add(port // 64)
            self.upcall[vcpu] = 1

    def raised(self, port):
        if port not in self.pending:
            self.pending.add(port)
            if port not in self.masked:
                self.tell(port)

    def compare(self):
        self.grow()
        bits = self.read(self.shared_info + PENDING_AT, 1024)
        for what, wanted, at in (("pending", self.pending, 0), ("masked", self.masked, 512)):
            seen = {port for port in range(PORTS) if bits[at + port // 8] >> port % 8 & 1} if any(bits[at:at + 512]) else set()
            self.check(seen == wanted, f"after {self.said}: the ports {sorted(wanted)} {what}", f"{sorted(seen)}", "the shared page", HINT)
        for vcpu in range(VCPUS):
            upcall, selector = struct.unpack_from("<B7xQ", self.read(self.shared_info + 64 * vcpu, 16))
            words = {word for word in range(64) if selector >> word & 1}
            self.check(words == self.selector[vcpu], f"after {self.said}: the selector bits {sorted(self.selector[vcpu])} of vCPU {vcpu}", f"{sorted(words)}",
                       "vcpu_info", HINT)
            self.check(upcall == self.upcall[vcpu], f"after {self.said}: evtchn_upcall_pending {self.upcall[vcpu]} of vCPU {vcpu}", f"{upcall}", "vcpu_info", HINT)

    # --- orders ---

    def op(self, cmd, data):
        """event_channel_op: (answer, the argument afterwards)."""
        at = self.window + self.random.randrange(8192 - len(data))
        self.write(at, data)
        answer = self.call(EVENT_OP, cmd, at)
        return answer, self.read(at, len(data))

    def order(self, text, cmd, data, wanted):
        """Give one; the argument afterwards if it was to be granted and was."""
        self.said = f"order {self.number}: {text}"
        answer, data = self.op(cmd, data)
        self.check(answer == wanted, f"{self.said}: {'granted' if wanted == 0 else f'refused with {wanted}'}", f"answer {answer}", "",
                   "kernel/abi/event_channel.h says what each operation wants; the errors are those of the reference's callers.")
        return data if answer == 0 else None

    def some(self, *states):
        """A port, most often of those states."""
        liked = [port for port, p in self.ports.items() if p.state in states]
        if liked and self.random.random() < 0.85:
            return self.random.choice(liked)
        return self.random.choice([port for port, p in self.ports.items() if p.state != HYPERVISOR] + [self.lowest(), 4095, 4096, 1 << 20, 0xFFFFFFFF])

    def made(self, data, offset, port):
        seen, = struct.unpack_from("<I", data, offset)
        self.check(seen == port, f"{self.said}: port {port}, the lowest that is free", f"{seen}", self.source("event_bind_ipi"))

    def do_ipi(self):
        vcpu, port = self.random.choice((0, 1, 1, 2, 31, 0xFFFFFFFF)), self.lowest()
        data = self.order(f"bind an IPI to vCPU {vcpu}", BIND_IPI, struct.pack("<II", vcpu, 0), 0 if vcpu < VCPUS else -ENOENT)
        if data:
            self.made(data, 4, port)
            self.ports[port] = Port(IPI, vcpu)

    def do_virq(self):
        virq, vcpu, port = self.random.choice((0, 1, 2, 3, 4, 7, 13, 16, 23, 24, 1000)), self.random.choice((0, 0, 0, 1, 1, 2)), self.lowest()
        if self.virqs and self.random.random() < 0.3:
            virq, vcpu = self.random.choice(list(self.virqs))
        wanted = -EINVAL if virq >= VIRQS or (GLOBAL(virq) and vcpu) else -ENOENT if vcpu >= VCPUS else -EEXIST if (virq, vcpu) in self.virqs else 0
        data = self.order(f"bind virtual interrupt {virq} to vCPU {vcpu}", BIND_VIRQ, struct.pack("<III", virq, vcpu, 0), wanted)
        if data:
            self.made(data, 8, port)
            self.ports[port] = Port(VIRQ, vcpu, virq=virq, bound=(virq, vcpu))
            self.virqs[virq, vcpu] = port

    def do_unbound(self):
        self.unbound(self.random.choice((SELF, SELF, self.domain.id, self.domain.id + 1, 77)))

    def unbound(self, remote):
        """Returns the port."""
        port = self.lowest()
        data = self.order(f"a port for domain {remote}", ALLOC_UNBOUND, struct.pack("<HHI", SELF, remote, 0), 0)
        if data:
            self.made(data, 4, port)
            self.ports[port] = Port(UNBOUND, remote=self.domain.id if remote == SELF else remote)
        return port

    def do_interdomain(self):
        self.interdomain(self.some(UNBOUND), self.random.choice((SELF, self.domain.id, self.domain.id, 300)))

    def interdomain(self, theirs, remote):
        """Returns the port that would be ours."""
        ours, p = self.lowest(), self.ports.get(theirs)
        wanted = -ESRCH if remote == 300 else 0 if p and p.state == UNBOUND and p.remote == self.domain.id else -EINVAL
        data = self.order(f"bind to port {theirs} of domain {remote}", BIND_INTERDOMAIN, struct.pack("<HHII", remote, 0, theirs, 0), wanted)
        if data:
            self.made(data, 8, ours)
            self.ports[ours] = Port(INTERDOMAIN, 0, peer=theirs)
            self.ports[theirs] = Port(INTERDOMAIN, p.vcpu, peer=ours)
            self.raised(ours)
        return ours

    def do_send(self):
        port = self.some(INTERDOMAIN, IPI)
        p = self.ports.get(port)
        state = p.state if p else FREE
        self.order(f"send on port {port}", SEND, struct.pack("<I", port), 0 if state in (INTERDOMAIN, IPI, UNBOUND) else -EINVAL)
        if state == INTERDOMAIN:
            self.raised(p.peer)
        elif state == IPI:
            self.raised(port)

    def do_close(self):
        self.close(self.some(INTERDOMAIN, IPI, VIRQ, UNBOUND))

    def close(self, port):
        p = self.ports.get(port)
        good = p is not None and p.state != RESERVED
        self.order(f"close port {port}", CLOSE, struct.pack("<I", port), 0 if good else -EINVAL)
        if not good:
            return
        del self.ports[port]
        self.pending.discard(port)
        if p.state == VIRQ:
            del self.virqs[p.bound]
        if p.state == INTERDOMAIN:
            self.ports[p.peer] = Port(UNBOUND, self.ports[p.peer].vcpu, remote=self.domain.id)

    def do_unmask(self):
        waiting = sorted(port for port in self.masked & self.pending if port in self.ports) or sorted(self.masked)
        port = self.random.choice(waiting) if waiting and self.random.random() < 0.8 else self.some(IPI)
        self.order(f"unmask port {port}", UNMASK, struct.pack("<I", port), 0 if port < self.places else -EINVAL)
        if port in self.masked:
            self.masked.discard(port)
            if port in self.pending:
                if port in self.ports:
                    self.tell(port)

    def do_missed(self):
        """An event comes while its port is masked and the guest has looked at everything else; then the port is unmasked."""
        ready = [port for port, p in self.ports.items() if p.state == IPI]
        if not ready:
            return self.do_ipi()
        port = self.random.choice(ready)
        self.pending, self.masked = set(), self.masked | {port}
        self.selector, self.upcall = [set() for _ in range(VCPUS)], [0] * VCPUS
        self.store()
        self.order(f"send on port {port}, masked", SEND, struct.pack("<I", port), 0)
        self.raised(port)
        self.compare()
        self.order(f"unmask port {port}, on which an event waits", UNMASK, struct.pack("<I", port), 0)
        self.masked.discard(port)
        self.tell(port)

    def do_vcpu(self):
        port, vcpu = self.some(INTERDOMAIN, UNBOUND), self.random.choice((0, 1, 1, 2))
        p = self.ports.get(port)
        can = p and p.state in (INTERDOMAIN, UNBOUND, VIRQ) and (p.state != VIRQ or GLOBAL(p.virq))
        self.order(f"port {port} tells vCPU {vcpu}", BIND_VCPU, struct.pack("<II", port, vcpu), -ENOENT if vcpu >= VCPUS else 0 if can else -EINVAL)
        if can and vcpu < VCPUS:
            p.vcpu = vcpu

    def do_status(self):
        self.status(self.random.choice([port for port, p in self.ports.items() if p.state in SHOWN]))

    def status(self, port):
        p = self.ports[port]
        data = self.order(f"status of port {port}", STATUS, struct.pack("<HHIIIII", SELF, 0, port, 0, 0, 0, 0), 0)
        status, vcpu, first, second = struct.unpack_from("<IIII", data, 8)
        wanted = [SHOWN[p.state], p.vcpu]
        seen = [status, vcpu]
        if p.state == INTERDOMAIN:
            wanted += [self.domain.id, p.peer]
            seen += [first & 0xFFFF, second]
        elif p.state == UNBOUND:
            wanted, seen = [*wanted, p.remote], [*seen, first & 0xFFFF]
        elif p.state == VIRQ:
            wanted, seen = [*wanted, p.virq], [*seen, first]
        self.check(seen == wanted, f"{self.said}: {wanted}", f"{seen}", self.source("event_bind_interdomain"),
                   "state, vCPU, and then the peer's domain and port, the domain that may bind, or the virtual interrupt")

    def do_guest(self):
        """What a guest does to the shared page itself, at any time."""
        self.said = f"order {self.number}: the guest's own writing"
        port = self.random.choice([port for port, p in self.ports.items() if port and p.state != HYPERVISOR] or [40])
        kind = self.random.randrange(4)
        if kind == 0:
            (self.masked.discard if port in self.masked else self.masked.add)(port)
        elif kind == 1:
            self.pending.discard(port)
        else:
            # As an upcall does: flag, selector, then the ports; sometimes only a part of it.
            for vcpu in range(VCPUS):
                self.upcall[vcpu] = 0
                if kind == 2:
                    self.selector[vcpu] = set()
                    self.pending = {port for port in self.pending if port in self.masked}
        self.store()

    def store(self):
        for at, ports in ((PENDING_AT, self.pending), (MASK_AT, self.masked)):
            data = bytearray(512)
            for port in ports:
                data[port // 8] |= 1 << port % 8
            self.write(self.shared_info + at, bytes(data))
        for vcpu in range(VCPUS):
            self.write(self.shared_info + 64 * vcpu, struct.pack("<BB6xQ", self.upcall[vcpu], 1, sum(1 << word for word in self.selector[vcpu])))

    def do_raise(self):
        """The hypervisor's own: a virtual interrupt, an event on a port."""
        if self.random.random() < 0.6:
            (virq, vcpu), port = self.random.choice(list(self.virqs.items()) or [((0, 0), 0)])
            if self.random.random() < 0.2:
                virq, vcpu = self.random.randrange(VIRQS), 0
                port = self.virqs.get((virq, vcpu), 0)
            self.said = f"order {self.number}: virtual interrupt {virq} for vCPU {vcpu}"
            pointer = self.machine.u64(self.domain.address + self.machine.numbers["struct domain.vcpus"] + 8 * vcpu, self.cr3)
            seen = self.inside("event_virq", pointer, virq)["rax"] & 0xFF
            self.check(seen == bool(port), f"{self.said}: {'true' if port else 'false, as nobody has bound it'}", f"{seen}", self.source("event_virq"))
        else:
            port = self.some(IPI, INTERDOMAIN, VIRQ, UNBOUND)
            self.said = f"order {self.number}: the hypervisor raises port {port}"
            self.inside("event_raise", self.domain.address, port)
            port = port if port in self.ports and port else 0
        if port:
            self.raised(port)


class Raising(EventsCase):
    """Bits: pending, mask, selector, upcall flag."""

    wants = {"ipi": 3, "virq": 3, "send": 8, "raise": 6, "unmask": 5, "guest": 8, "close": 1, "vcpu": 1}
    planned, spread = "missed", True


class Binding(EventsCase):
    """Ports: made, connected, closed, found again."""

    wants = {"ipi": 2, "virq": 4, "unbound": 6, "interdomain": 7, "send": 4, "close": 6, "vcpu": 2, "status": 5, "guest": 2}

    def last(self):
        """A pair, of which each end in its turn stays behind: it waits for the domain that has closed the other, whatever its place was before."""
        self.number = "the last"
        for stays in (0, 1):
            for port in [self.unbound(77) for _ in range(2)]:   # whom the places knew before is not whom the end waits for
                self.close(port)
            first = self.unbound(SELF)
            ends = (first, self.interdomain(first, SELF))
            self.close(ends[1 - stays])
            self.status(ends[stays])
            self.close(self.interdomain(ends[stays], SELF))
            self.compare()
            self.close(ends[stays])


class Upcall(EventsCase):
    """An event that is not masked enters the guest's callback, before the next instruction of the guest."""

    wants = {"ipi": 1}
    count = 10

    def last(self):
        pad = self.at["g_pads"] + 16 * self.random.randrange(512)
        self.write(self.window, struct.pack("<HHIQ", 0, 1, 0, pad))
        self.check(self.call(CALLBACK_OP, 0, self.window) == 0, "the event callback is taken", "an error")
        ports = [port for port, p in self.ports.items() if p.state == IPI and p.vcpu == 0]
        if not ports:
            port = self.lowest()
            self.number = "the last"
            self.order("bind an IPI", BIND_IPI, struct.pack("<II", 0, 0), 0)
            self.ports[port] = Port(IPI, 0)
            ports = [port]
        for number in range(16):
            self.one(pad, self.random.choice(ports), number)

    def one(self, pad, port, number):
        what = f"event {number} on port {port}"
        self.pending, self.masked, self.selector, self.upcall = set(), set(), [set() for _ in range(VCPUS)], [0] * VCPUS
        masked = number % 4 == 3
        if masked:
            self.masked = {port}
        self.store()
        self.write(self.shared_info, bytes((0, 0)))   # upcalls are on
        at = self.window + 4096
        self.write(at, struct.pack("<I", port))
        chosen = self.prepare(EVENT_OP, SEND, at)
        stack = self.window + 8000
        self.set(rsp=stack)
        place = self.run_to(pad, self.at["g_syscall_end"], expected=f"{what} comes to the guest")
        self.check(place == (self.at["g_syscall_end"] if masked else pad), f"{what}, {'masked: no upcall' if masked else 'enters the callback'}",
                   "an upcall" if masked else "none", "", "sched_notify() tells the vCPU; exit_work() looks at the flag on the way out.")
        if masked:
            return
        frame = list(self.words((stack & ~15) - 56, 7))
        self.check(frame[2] == self.at["g_syscall_end"] and frame[3] == KERNEL_CS and frame[4] & IF and frame[5] == stack,
                   f"{what}: a frame that leads back behind the SYSCALL, events on", ", ".join(map(hex, frame)), self.source("bounce_callback"))
        seen = self.registers()
        self.check(seen["rax"] == 0 and seen["rdi"] == chosen["rdi"], f"{what}: the send's answer, 0, in rax when the callback begins", f"{seen['rax']:#x}")
        self.check(self.read(self.shared_info, 2)[1] == 1, f"{what}: the callback begins with events masked", "they aren't")
