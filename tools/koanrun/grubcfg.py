"""The grub.cfg of a boot image: one multiboot2 line for Koan, one module2 line for each file.

How a word gets through GRUB 2.06 unharmed: its script parser takes everything between single
quotes as it stands, so a word is put between single quotes and a single quote in it is written
as '\\'' (close, escaped quote, open). Its loader then joins the words with spaces and puts a
backslash before each quote and backslash; Koan takes those away again when it reads the line.
What can't get through is refused: control characters, and bytes that are not ASCII (GRUB would
have to know their encoding).
"""

from koanrun.errors import UsageError

# GRUB's own limits are far away; this is start_info.cmd_line, NUL included (Xen public/xen.h).
MAX_GUEST_CMDLINE = 1024


def check_text(text, what):
    """Refuse what can't stand in a grub.cfg line."""
    for position, char in enumerate(text):
        if not 0x20 <= ord(char) < 0x7F:
            raise UsageError(f"{what}: character {position + 1} ({char!r}) can't go through a boot line; "
                             "use printable ASCII only")


def quote(word):
    """One word for GRUB's script parser."""
    return "'" + word.replace("'", "'\\''") + "'"


def words(text):
    """The words of a line, quoted one by one: the spaces between them stay as many as they are."""
    return " ".join(quote(word) for word in text.split(" ")) if text else ""


def check_value(key, value):
    """A key=value word of a module2 line ends at a space, so its value can't hold one."""
    check_text(value, f"{key}=")
    if " " in value or not value:
        raise UsageError(f"{key}={value!r}: a value on a module2 line is one word that is not empty; "
                         "take out the spaces")


def module_line(path, keys, cmdline):
    """module2 PATH key=value... -- guest command line"""
    for key, value in keys:
        check_value(key, value)
    check_text(cmdline, "guest command line")
    if len(cmdline) >= MAX_GUEST_CMDLINE:
        raise UsageError(f"guest command line: {len(cmdline)} characters; start_info has room for "
                         f"{MAX_GUEST_CMDLINE - 1}: shorten it")
    parts = ["module2", quote(path)] + [quote(f"{key}={value}") for key, value in keys]
    if cmdline:
        parts += ["--", words(cmdline)]
    return " ".join(parts)


def render(options, modules):
    """The whole file. modules: (path in the image, [(key, value)], guest command line)."""
    check_text(options, "Koan's options")
    kernel = f"multiboot2 {quote('/boot/koan.elf')} {words(options)}".rstrip()
    # Under UEFI there is no text screen: with video drivers at hand GRUB gives Koan a framebuffer. Under BIOS the text
    # screen stays, by name: asked for any mode, GRUB 2.06 calls the VBE of Bochs's VGA BIOS and dies of it.
    lines = ["set timeout=0", "set default=0",
             'if [ "$grub_platform" = efi ]; then insmod all_video; else set gfxpayload=text; fi',
             "menuentry koan {", f"  {kernel}"]
    lines += ["  " + module_line(*module) for module in modules]
    lines += ["}", ""]
    return "\n".join(lines)
