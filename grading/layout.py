"""Offsets, sizes and constants of the hypervisor's C headers, asked of the compiler in the pristine tree, so that no number of
the grader's can drift from the source. The headers are none that a student may edit."""

import json
import re
import subprocess

from problem import Problem

HEADERS = ("abi/arch-x86_64.h", "boot/boot_info.h", "domain/domain.h", "domain/run_queue.h", "mm/alloc.h", "mm/frame.h", "mm/memory.h", "x86/cpu.h", "x86/descriptors.h", "x86/layout.h")
FIELDS = {
    "struct frame": ("refs", "type_refs", "type", "flags", "owner", "linear"),
    "struct cpu": ("id", "apic_id", "online", "tss", "work"),
    "struct boot_info": ("ram",),
    "struct range_list": ("count", "range"),
    "struct regs": ("rip", "vector", "error_code", "cs", "rflags", "rsp", "ss", "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8", "r9",
                    "r10", "r11", "r12", "r13", "r14", "r15"),
    "struct tss": ("rsp0", "ist", "iomap_base"),
    "struct domain": ("id", "name", "mem.cpus", "next", "vcpus", "max_vcpus", "shared_mfn", "console_ring.mfn", "pirq_page", "mem.pages", "mem.max_pages",
                      "mem.walk.depth", "mem.walk.releasing", "mem.walk.stack", "events.lock", "events.ports", "events.pages"),
    "struct event_port": ("state", "port", "domid", "remote"),
    "struct walk_table": ("mfn", "index"),
    "struct alloc_stats": ("total", "free", "promised", "koan"),
    "struct run_queue": ("q.length", "q.running", "placed", "slice.fire"),
    "struct vcpu": ("cpu", "state", "waits", "unit", "unit.queued", "unit.on_cpu", "runstate", "runstate_time", "runstate_since", "info_mfn", "ctx.cr3_kernel", "ctx.cr3_user", "ctx.gdt_frames", "ctx.ldt_frames",
                    "ctx.traps", "periodic.node.key"),
}
CONSTANTS = ("OWNER_FREE", "OWNER_KOAN", "OWNER_NONE", "OWNER_LIMBO", "FRAME_COUNT_MAX", "FRAME_PINNED", "FRAME_SHARED", "INVALID_M2P", "FRAME_TABLE_VA", "DIRECTMAP_VA",
             "KOAN_VA", "STACKS_VA", "M2P_VA", "CPU_BLOCK_SIZE", "HYP_L4_FIRST", "HYP_L4_LAST", "SEL_KOAN_CODE", "SEL_KOAN_DATA", "SEL_TSS", "SEL_GUEST_CS32",
             "SEL_GUEST_DATA", "SEL_GUEST_CS64", "NR_CPUS", "RANGES_MAX", "DESC_WINDOW_SIZE", "DESC_VA", "GDT_GUEST_PAGES", "FLAT_KERNEL_SS", "WORK_UPCALL")


def source():
    """A C file whose assembly holds the numbers."""
    lines = [f'#include "{header}"' for header in HEADERS]
    lines += ['#define SAY(name, value) asm volatile("\\n->" name " %0" : : "i"((long)(value)))', "void numbers(void);", "void numbers(void)", "{"]
    for struct, fields in FIELDS.items():
        lines += [f'SAY("{struct}", sizeof({struct}));']
        for field in fields:
            lines += [f'SAY("{struct}.{field}", __builtin_offsetof({struct}, {field}));',
                      f'SAY("{struct}.{field}.size", sizeof((({struct} *)0)->{field}));']
    lines += [f'SAY("{name}", {name});' for name in CONSTANTS]
    return "\n".join(lines + ["}", ""])


def compute(tree, keep):
    """The numbers of a tree, by name; kept in the file KEEP, if there is to be one."""
    if keep and keep.is_file():
        return json.loads(keep.read_text())
    done = subprocess.run(["gcc", "-std=gnu11", "-O2", "-Ikernel", "-ffreestanding", "-include", "kernel/lib/hidden.h", "-S", "-x", "c", "-o", "-", "-"],
                          cwd=tree, input=source(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise Problem("grading/layout.py", f"the headers of the pristine tree don't hold what it asks for:\n{done.stderr.strip()}\n",
                      "bring its lists up to date")
    found = {name: int(value) & 0xFFFFFFFFFFFFFFFF for name, value in re.findall(r"->([\w. ]+?) \$?(-?\d+)", done.stdout)}
    if keep:
        keep.write_text(json.dumps(found))
    return found
