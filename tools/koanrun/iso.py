"""The boot image: a GRUB rescue ISO that starts on BIOS and on UEFI alike."""

import pathlib
import shutil
import subprocess

from koanrun import grubcfg, paths
from koanrun.errors import UsageError


def check_parts(iso):
    """grub-mkrescue leaves a part out without a word when its package is missing: look for both."""
    report = subprocess.run(["xorriso", "-indev", str(iso), "-report_el_torito", "plain"],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, check=False).stdout
    images = [line.split() for line in report.splitlines() if line.startswith("El Torito boot img")]
    platforms = {word for line in images for word in line}
    for platform, name, package in (("BIOS", "BIOS", "grub-pc-bin"), ("UEFI", "EFI", "grub-efi-amd64-bin, mtools")):
        if platform not in platforms:
            raise UsageError(f"{iso}: the ISO holds no {name} part; install {package} (make setup does)")


def grub_modules_stand():
    """Both halves of GRUB, looked at before the ISO is made: cheaper than asking xorriso each time."""
    for folder, package in (("i386-pc", "grub-pc-bin"), ("x86_64-efi", "grub-efi-amd64-bin")):
        paths.need_file(f"/usr/lib/grub/{folder}/multiboot2.mod", f"install the package {package} (make setup does)")
    paths.need_tool("mformat", "mtools")
    paths.need_tool("xorriso", "xorriso")
    return paths.need_tool("grub-mkrescue", "grub-common")


def make(iso, hypervisor, options, modules, check=True):
    """Write ISO. modules: (file, [(key, value)], guest command line); files are copied under names of our own,
    so that no file name ever reaches GRUB."""
    mkrescue = grub_modules_stand()
    root = pathlib.Path(str(iso) + ".root")
    boot = root / "boot"
    (boot / "grub").mkdir(parents=True)
    try:
        shutil.copyfile(hypervisor, boot / "koan.elf")
        entries = []
        for number, (file, keys, cmdline) in enumerate(modules):
            shutil.copyfile(file, boot / f"module{number}")
            entries.append((f"/boot/module{number}", keys, cmdline))
        (boot / "grub" / "grub.cfg").write_text(grubcfg.render(options, entries), encoding="ascii")
        # No fonts, themes or locales; the modules that a menu entry needs come with the default set.
        done = subprocess.run([mkrescue, "--locales=", "--fonts=", "--themes=", "-o", str(iso), str(root)],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", check=False)
        if done.returncode != 0 or not pathlib.Path(iso).is_file():
            raise UsageError(f"grub-mkrescue could not make {iso}:\n{done.stdout.strip()}")
    finally:
        shutil.rmtree(root, ignore_errors=True)
    if check:
        check_parts(iso)
    return iso
