"""Domains of a machine, looked at and written to from outside: found through the hypervisor's list, their memory through their own
page tables. A machine address that was found once is read straight from the machine's memory, at a stop or while it runs.
"""

import struct

import frametable
import paging
from target import Failed

NAME_LEN = 32


class Domain:
    """One domain as it stands when this is made; elf: its image."""

    def __init__(self, target, address, elf=None, cr3=None):
        n, cr3 = target.numbers, target.cr3() if cr3 is None else cr3
        self.target, self.address, self.elf = target, address, elf
        self.id = target.u32(address + n["struct domain.id"], cr3) & 0xFFFF
        self.name = target.read(address + n["struct domain.name"], NAME_LEN, cr3).split(b"\0")[0].decode("ascii", "replace")
        self.name = target.aliases.get(self.name, self.name)
        self.tables = set()      # frames of its vCPUs' L4s
        for index in range(min(32, target.u32(address + n["struct domain.max_vcpus"], cr3))):
            vcpu = target.u64(address + n["struct domain.vcpus"] + 8 * index, cr3)
            if vcpu:
                self.tables |= {target.u64(vcpu + n[f"struct vcpu.ctx.{field}"], cr3) & paging.ADDRESS for field in ("cr3_kernel", "cr3_user")}
        self.tables.discard(0)
        self._places = {}

    def runs(self, cr3):
        """Is that page-table base one of its own?"""
        return cr3 & paging.ADDRESS in self.tables

    def place(self, where):
        """The machine address of a symbol or address of the guest."""
        va = self.elf.symbols[where] if isinstance(where, str) else where
        page = va & -paging.PAGE
        if page not in self._places:
            found = next((m for m in (paging.translate(self.target.ram, table, page) for table in sorted(self.tables)) if m), None)
            if found is None:
                raise Failed(f"the page {va:#x} of {self.name} is mapped", "no mapping", self.name, "")
            self._places[page] = found.pa + page % found.size
        return self._places[page] + va - page

    def read(self, where, size, offset=0):
        """Bytes, within one page."""
        start = self.place(where) + offset
        return self.target.ram[start:start + size]

    def u64(self, where, offset=0):
        return struct.unpack("<Q", self.read(where, 8, offset))[0]

    def write_u64(self, where, value, offset=0):
        start = self.place(where) + offset
        self.target.ram[start:start + 8] = struct.pack("<Q", value)


def all_of(target, images, cr3=None):
    """name -> Domain of all that there are. images: name -> Elf."""
    cr3 = target.cr3() if cr3 is None else cr3
    found = [Domain(target, address, None, cr3) for address in frametable.domains(target, cr3)]
    for domain in found:
        domain.elf = images.get(domain.name)
    return {domain.name: domain for domain in found}
