"""The few requests of GDB's remote protocol that a grader needs, over QEMU's socket (GDB manual, appendix E)."""

import select
import socket
import struct

# What QEMU's x86-64 target sends for `g`, in order: 17 registers of 8 bytes, then eflags and six selectors of 4.
GENERAL = ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",
           "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip")
SELECTORS = ("eflags", "cs", "ss", "ds", "es", "fs", "gs")


class GdbError(Exception):
    """The stub refused a request, or went away."""


class GdbRemote:
    """One connection. The machine stands still between a stop and resume()."""

    def __init__(self, connection):
        self._socket = connection
        self._buffer = b""
        self._request("?")
        self._request("qXfer:features:read:target.xml:0,ffb")  # QEMU takes `P` only from who has asked for this

    def fileno(self):
        return self._socket.fileno()

    def close(self):
        """Leave the machine as it is."""
        self._socket.close()

    # --- packets ---

    def _put(self, data):
        """All bytes go out here: an emulator that has ended is a GdbError, whatever was being said to it."""
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise GdbError(f"the emulator is gone: {error}") from error

    def _send(self, text):
        body = text.encode()
        self._put(b"$%s#%02x" % (body, sum(body) & 255))

    def _receive(self, timeout):
        """The next packet's text; None when none came in time."""
        while True:
            start = self._buffer.find(b"$")
            end = self._buffer.find(b"#", start)
            if start >= 0 and 0 <= end <= len(self._buffer) - 3:
                body, self._buffer = self._buffer[start + 1:end], self._buffer[end + 3:]
                self._put(b"+")
                return body.decode("ascii", "replace")
            if not select.select([self._socket], [], [], timeout)[0]:
                return None
            try:
                chunk = self._socket.recv(65536)
            except OSError as error:
                raise GdbError(f"the emulator is gone: {error}") from error
            if not chunk:
                raise GdbError("the emulator closed the connection")
            self._buffer += chunk

    def _request(self, text, timeout=60):
        self._send(text)
        answer = self._receive(timeout)
        while answer and answer[0] == "T" and text != "?":   # it had stopped by itself while it was being interrupted
            answer = self._receive(timeout)
        if answer is None:
            raise GdbError(f"no answer to {text[:20]}")
        if answer.startswith("E") and len(answer) == 3:
            raise GdbError(f"{text[:40]}: error {answer[1:]}")
        return answer

    # --- what it can do ---

    def registers(self, cpu=0):
        """The general registers of a CPU, by name."""
        self._request(f"Hg{cpu + 1:x}")
        data = bytes.fromhex(self._request("g"))
        values = struct.unpack_from("<17Q7I", data)
        return dict(zip(GENERAL + SELECTORS, values))

    def set_register(self, name, value, cpu=0):
        """Write one general register."""
        self._request(f"Hg{cpu + 1:x}")
        index = (GENERAL + SELECTORS).index(name)
        size = 8 if name in GENERAL else 4
        if self._request(f"P{index:x}={value.to_bytes(size, 'little').hex()}") != "OK":
            raise GdbError(f"the register {name} can't be set")

    def write(self, address, data):
        """Write memory as a debugger does: whatever the page tables allow, and seen by the code that runs next."""
        self._request(f"M{address:x},{len(data):x}:{data.hex()}")

    def step(self, cpu=0):
        """One instruction of one CPU."""
        self._request(f"Hc{cpu + 1:x}")
        self._send("s")
        if not self.stopped(60):
            raise GdbError("the machine does not come back from a step")
        self._request("Hc-1")

    def break_at(self, address):
        self._request(f"Z1,{address:x},1")

    def clear(self, address):
        self._request(f"z1,{address:x},1")

    def resume(self):
        """Let all CPUs run; stopped() tells of the next stop."""
        self._send("c")

    def stopped(self, timeout=0.1):
        """True once the machine stands; False while it still runs."""
        answer = self._receive(timeout)
        if answer is None:
            return False
        if answer[:1] in "WX":
            raise GdbError("the machine ended")
        return answer[:1] in "TS"

    def interrupt(self):
        """Stop the machine where it is."""
        self._put(b"\x03")
        if not self.stopped(60):
            raise GdbError("the machine does not stop")


def connect(folder, name, timeout=60):
    """The stub behind a unix socket (koanrun.qmp knows how, for long paths)."""
    from koanrun import qmp
    connection = qmp.connect_unix(folder, name, timeout)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    return GdbRemote(connection)
