"""The fuzz guest (guests/fuzz) makes every command of the ABI headers: none is forgotten when one is added."""

import pathlib
import re
import unittest

TREE = pathlib.Path(__file__).resolve().parents[2]
# The commands' prefix -> where the fuzz guest draws them, and from how many: 0 to that number, less one.
DRAWN = {
    "XENMEM_": ("calls.c", r"__HYPERVISOR_memory_op, (\d+) }"),
    "XENVER_": ("calls.c", r"__HYPERVISOR_xen_version, (\d+) }"),
    "GNTTABOP_": ("calls.c", r"__HYPERVISOR_grant_table_op, (\d+) }"),
    "VCPUOP_": ("calls.c", r"__HYPERVISOR_vcpu_op, (\d+) }"),
    "EVTCHNOP_": ("calls.c", r"__HYPERVISOR_event_channel_op, (\d+) }"),
    "PHYSDEVOP_": ("calls.c", r"__HYPERVISOR_physdev_op, (\d+) }"),
    "MMUEXT_": ("calls.c", r"ops\[i\]\.cmd = \(u32\)small_or_any\((\d+)\)"),
    "XEN_SYSCTL_": ("domctl.c", r"struct xen_sysctl op = { \.cmd = \(u32\)rnd_below\((\d+)\)"),
    "XENPF_": ("domctl.c", r"\(u32\)rnd_below\((\d+)\),\s*\.interface_version"),
}


def commands(prefix):
    """name -> number, of all headers."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted((TREE / "kernel/abi").glob("*.h")))
    return {name: int(number) for name, number in re.findall(rf"^#define ({prefix}[a-z][a-zA-Z0-9_]*|{prefix}[A-Z_]+) +(\d+) *(?:/\*.*)?$", text, re.MULTILINE)}


def source(name):
    """A file of the fuzz guest."""
    return (TREE / "guests/fuzz" / name).read_text(encoding="utf-8")


class Lists(unittest.TestCase):
    def test_numbers_that_are_drawn(self):
        for prefix, (file, pattern) in DRAWN.items():
            with self.subTest(prefix):
                found = re.search(pattern, source(file))
                self.assertIsNotNone(found, f"guests/fuzz/{file} has changed: mend this test")
                known = commands(prefix)
                self.assertGreater(len(known), 1)
                self.assertEqual({name for name, number in known.items() if number >= int(found[1])}, set())

    def test_domctls_that_are_listed(self):
        listed = {int(number) for number in re.search(r"commands\[\] = {([\d,\s]+)}", source("domctl.c"))[1].split(",")}
        named = {name for name in commands("XEN_DOMCTL_") if re.search(rf"\b{name}\b", source("domctl.c"))}
        known = {name: number for name, number in commands("XEN_DOMCTL_").items() if "PFINFO" not in name}
        missing = {name for name, number in known.items() if number not in listed} - named
        self.assertEqual(missing, set())


if __name__ == "__main__":
    unittest.main()
