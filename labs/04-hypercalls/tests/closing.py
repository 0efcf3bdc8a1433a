"""Ports between two domains (guests/servant.c), connected, used and closed from either end; also while the other end closes just then, which the grader
does in its place, and while somebody else has the other domain's lock. Compared with a model: each port's place, and the pending bits.
"""

import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import frametable  # noqa: E402
from events import ALLOC_UNBOUND, BIND_INTERDOMAIN, CLOSE, EVENTS_PER_PAGE, FREE, INTERDOMAIN, SELF, SEND, UNBOUND  # noqa: E402
from grants import Servant, ServantCase  # noqa: E402
from puppet import EVENT_OP, PENDING_AT, SCHED_OP, VERSION  # noqa: E402

SHUTDOWN, POWEROFF = 2, 0
WAITING = 2_000_000   # instructions: a call takes some thousands
HINT = ("A connection is ended under the locks of both domains. Between two looks at it, the other end may have closed: then it is another port that is to be "
        "closed. And the other domain is held only as long as that takes.")


class Closing(ServantCase):
    """Closing of ports between two domains."""

    plan = ("connect", "connect", "send", "close", "connect", "connect_again", "close_raced", "connect", "send", "connect", "close_waiting", "send")
    rounds = 3

    def run(self):
        with self.boot_domains([("first", "servant", "", ""), ("second", "servant", "", "")]) as self.machine:
            found = self.meet(self.machine)
            self.servants = [Servant(found[name]) for name in ("first", "second")]
            self.cr3 = self.machine.cr3()
            self.ports = [{}, {}]     # port -> its peer's port, or None: unbound
            self.pending = [set(), set()]
            for number in range(self.rounds):
                for index, what in enumerate(self.plan):
                    self.number = number * len(self.plan) + index + 1
                    self.side = self.random.randrange(2)
                    getattr(self, "do_" + what)()
                    self.compare()
            self.end()

    # --- the hypervisor's memory ---

    def physical(self, va):
        place = self.machine.mapping(va, self.cr3)
        self.check(place, f"{va:#x} is mapped", "no mapping")
        return place.pa + va % place.size

    def address(self, side):
        return self.servants[side].domain.address

    def entry(self, side, port):
        """The machine address of a port's place, and what stands there."""
        numbers = self.machine.numbers
        page = self.machine.u64(self.address(side) + numbers["struct domain.events.pages"] + 8 * (port // EVENTS_PER_PAGE), self.cr3)
        at = self.physical(page + numbers["struct event_port"] * (port % EVENTS_PER_PAGE))
        data = self.machine.ram[at:at + numbers["struct event_port"]]
        state = data[numbers["struct event_port.state"]]
        other, = struct.unpack_from("<H", data, numbers["struct event_port.port"])
        remote, = struct.unpack_from("<Q", data, numbers["struct event_port.remote"])
        return at, state, other, remote

    def bits(self, side):
        """The machine address of the pending bits."""
        return (self.machine.u64(self.address(side) + self.machine.numbers["struct domain.shared_mfn"], self.cr3) << 12) + PENDING_AT

    def compare(self):
        for side in (0, 1):
            ports, name = self.ports[side], self.servants[side].domain.name
            start = self.bits(side)
            bits = self.machine.ram[start:start + 512]
            for port, peer in ports.items():
                _, state, other, remote = self.entry(side, port)
                if peer == "closed":
                    self.check(state == FREE, f"after {self.said}: port {port} of {name} is closed", f"state {state}", self.source("event_close"), HINT)
                elif peer is None:
                    wanted = self.servants[1 - side].domain.id
                    self.check(state == UNBOUND and other == wanted, f"after {self.said}: port {port} of {name} waits for domain {wanted}",
                               f"state {state}, for {other}", self.source("event_close"), HINT)
                else:
                    self.check(state == INTERDOMAIN and other == peer and remote == self.address(1 - side),
                               f"after {self.said}: port {port} of {name} leads to port {peer} of the other domain", f"state {state}, port {other}",
                               self.source("event_close"), HINT)
                seen = bits[port // 8] >> port % 8 & 1
                self.check(seen == (port in self.pending[side]), f"after {self.said}: port {port} of {name} {'pending' if not seen else 'not pending'}",
                           "it is" if seen else "it isn't", self.source("event_close"), HINT)

    # --- orders ---

    def arguments(self, side, data):
        servant = self.servants[side]
        start = servant.domain.place(servant.arguments)
        self.machine.ram[start:start + len(data)] = data
        return start, servant.arguments

    def call(self, side, text, cmd, data):
        """An event_channel_op that is to be granted: the argument afterwards."""
        self.said = f"order {self.number}: {self.servants[side].domain.name} {text}"
        start, at = self.arguments(side, data)
        answer, *_ = self.order(self.servants[side], EVENT_OP, cmd, at)
        self.granted(answer)
        return self.machine.ram[start:start + len(data)]

    def granted(self, answer):
        self.check(answer == 0, f"{self.said}: granted", f"answer {answer}", self.source("event_close"), HINT)

    def do_connect(self):
        side, other = self.side, 1 - self.side
        data = self.call(other, "offers a port", ALLOC_UNBOUND, struct.pack("<HHI", SELF, self.servants[side].domain.id, 0))
        theirs, = struct.unpack_from("<I", data, 4)
        self.ports[other][theirs] = None
        self.pending[other].discard(theirs)
        self.bind(theirs)

    def do_connect_again(self):
        """To a port that a closed end has left behind, if there is one."""
        waiting = [port for port, peer in self.ports[1 - self.side].items() if peer is None]
        if not waiting:
            return self.do_connect()
        self.bind(self.random.choice(waiting))

    def bind(self, theirs):
        side, other = self.side, 1 - self.side
        data = self.call(side, f"binds to port {theirs}", BIND_INTERDOMAIN, struct.pack("<HHII", self.servants[other].domain.id, 0, theirs, 0))
        ours, = struct.unpack_from("<I", data, 8)
        self.ports[side][ours], self.ports[other][theirs] = theirs, ours
        self.pending[side].add(ours)

    def connected(self):
        """A port of this side that has a peer."""
        if not any(isinstance(peer, int) for peer in self.ports[self.side].values()):
            self.do_connect()
        return self.random.choice([port for port, peer in self.ports[self.side].items() if isinstance(peer, int)])

    def do_send(self):
        port = self.connected()
        self.call(self.side, f"sends on port {port}", SEND, struct.pack("<I", port))
        self.pending[1 - self.side].add(self.ports[self.side][port])

    def closed(self, port, peer_stays=True):
        side, other = self.side, 1 - self.side
        theirs = self.ports[side][port]
        self.ports[side][port] = "closed"
        self.pending[side].discard(port)
        self.ports[other][theirs] = None if peer_stays else "closed"
        if not peer_stays:
            self.pending[other].discard(theirs)

    def do_close(self):
        port = self.connected()
        self.call(self.side, f"closes port {port}", CLOSE, struct.pack("<I", port))
        self.closed(port)

    def begin_close(self, when):
        port = self.connected()
        self.said = f"order {self.number}: {self.servants[self.side].domain.name} closes port {port}, {when}"
        _, at = self.arguments(self.side, struct.pack("<I", port))
        self.give(self.servants[self.side], EVENT_OP, CLOSE, at)
        return port

    def do_close_raced(self):
        """The other end closes after this one has looked for the first time: when it asks for the other domain."""
        port, other = self.begin_close("as the other end closes, too"), 1 - self.side
        for _ in range(8):
            self.machine.run_to("domain_hold", expected=f"{self.said}: the other domain is held, by its number, before its end is touched",
                                hint="It may go away at any time: domain_hold() makes it stay, and domain_let_go() ends that.")
            if self.machine.gdb.registers()["rdi"] & 0xFFFF == self.servants[other].domain.id:
                break
        theirs = self.ports[self.side][port]
        numbers, ram, size = self.machine.numbers, self.machine.ram, self.machine.numbers["struct event_port"]
        at, _, _, _ = self.entry(self.side, port)
        data = bytearray(ram[at:at + size])
        data[numbers["struct event_port.state"]] = UNBOUND
        struct.pack_into("<H", data, numbers["struct event_port.domid"], self.servants[other].domain.id)
        struct.pack_into("<Q", data, numbers["struct event_port.remote"], 0)
        ram[at:at + size] = bytes(data)
        at, _, _, _ = self.entry(other, theirs)
        ram[at:at + size] = bytes(size)
        bit = self.bits(other) + theirs // 8
        ram[bit:bit + 1] = bytes((ram[bit] & ~(1 << theirs % 8),))
        self.closed(port, peer_stays=False)
        answer, *_ = self.take(self.servants[self.side])
        self.granted(answer)

    def do_close_waiting(self):
        """Somebody works on the other domain's ports: until that is over, the connection stays."""
        self.connected()
        other = 1 - self.side
        lock = self.physical(self.address(other) + self.machine.numbers["struct domain.events.lock"])
        self.machine.ram[lock:lock + 1] = b"\1"
        port = self.begin_close("while another CPU has the other domain's lock")
        self.machine.run_for(WAITING)
        self.check(self.waits(self.servants[self.side]) and self.entry(self.side, port)[1] == INTERDOMAIN == self.entry(other, self.ports[self.side][port])[1],
                   f"{self.said}: it waits for the lock, and nothing has changed", "it doesn't wait", self.source("event_close"), HINT)
        self.machine.ram[lock:lock + 1] = b"\0"
        answer, *_ = self.take(self.servants[self.side])
        self.granted(answer)
        self.closed(port)

    def end(self):
        """One domain ends, connections and all: the other's ports wait for it, and nothing keeps it."""
        self.number, gone = "the last", self.random.randrange(2)
        self.side = gone
        self.connected()
        servant, left = self.servants[gone], self.servants[1 - gone]
        _, at = self.arguments(gone, struct.pack("<I", POWEROFF))
        self.give(servant, SCHED_OP, SHUTDOWN, at)
        self.said = f"the end of {servant.domain.name}"
        for _ in range(40):
            self.order(left, VERSION, 0, 0)
            if self.address(gone) not in frametable.domains(self.machine, self.cr3):
                break
        else:
            self.fail(f"{self.said}: it is taken away", "it is still there", self.source("event_close"), "Who has held it by domain_hold() and never let go?")
        for port, peer in self.ports[1 - gone].items():
            if isinstance(peer, int):
                _, state, _, _ = self.entry(1 - gone, port)
                self.check(state == UNBOUND, f"after {self.said}: port {port} of {left.domain.name} is connected with nobody", f"state {state}",
                           self.source("event_close"), HINT)
        frametable.audit(self.machine, HINT)
