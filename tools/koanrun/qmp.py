"""The few QMP commands that a runner needs, over QEMU's unix socket."""

import json
import os
import socket


class QmpError(Exception):
    """QEMU refused a command, or went away."""


def connect_unix(folder, name, timeout):
    """Connect to FOLDER/NAME however long FOLDER's path is (a socket's address holds 107 bytes)."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(timeout)
        connection.connect(f"/proc/self/fd/{handle}/{name}")
        return connection
    finally:
        os.close(handle)


class Qmp:
    """One connection; command("query-status") returns what QEMU returns."""

    def __init__(self, folder, name="qmp.sock", timeout=30):
        try:
            self._socket = connect_unix(folder, name, timeout)
            self._file = self._socket.makefile("rw", encoding="utf-8")
            self._answer()  # the greeting
        except (OSError, ValueError) as error:
            raise QmpError(f"no QMP on {folder}/{name}: {error}") from error
        self.command("qmp_capabilities")

    def _answer(self):
        """The next message that is no event."""
        while True:
            line = self._file.readline()
            if not line:
                raise QmpError("QEMU closed the QMP connection")
            message = json.loads(line)
            if "event" not in message:
                return message

    def command(self, name, **arguments):
        """Send one command and return its `return` value."""
        try:
            self._file.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
            self._file.flush()
            message = self._answer()
        except (OSError, ValueError) as error:
            raise QmpError(f"{name}: {error}") from error
        if "error" in message:
            raise QmpError(f"{name}: {message['error'].get('desc', message['error'])}")
        return message["return"]

    def monitor(self, line):
        """One command of the human monitor; returns its text."""
        return self.command("human-monitor-command", **{"command-line": line})

    def instructions(self):
        """Instructions run since the machine started (under -icount only)."""
        return self.command("query-replay")["icount"]

    def close(self):
        """Close the connection; QEMU goes on."""
        for thing in (self._file, self._socket):
            try:
                thing.close()
            except OSError:
                pass
