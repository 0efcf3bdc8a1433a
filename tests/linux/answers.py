"""What tests/linux/*.c must print for a seed, computed here, outside: see work.h.

Everything is arithmetic modulo 2**64 on the numbers of `mix` (splitmix64), and IEEE doubles, which are the same everywhere.
"""

import hashlib
import struct

MASK = (1 << 64) - 1
TREE_DEPTH, TREE_FAN, FORKS, EXECS = 4, 3, 256, 32
ROUNDS, PAGES = 96, 64
QUEUED, FAULTS, DIVISIONS, BREAKPOINTS, STEPS, TICKS = 64, 32, 16, 16, 20, 20
FPU_PROCESSES, FPU_STEPS, CPU_STEPS = 6, 4000, 40000
SHELL_LOOPS = 24


def mix(seed, index):
    """The number at INDEX of the seed's sequence."""
    z = (seed + (index + 1) * 0x9E3779B97F4A7C15) & MASK
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
    return z ^ z >> 31


def word(value):
    """As the programs print it."""
    return f"{value & MASK:016x}"


def tree(seed):
    """The sum over all nodes of a full tree, whose root is node 0."""
    nodes = sum(TREE_FAN ** level for level in range(TREE_DEPTH + 1))
    return word(sum(mix(seed, node) for node in range(nodes)))


def statuses(seed, count):
    """Exit statuses, each times its place."""
    return word(sum((mix(seed, i) & 0xFF) * (i + 1) for i in range(count)))


def memory(seed):
    """Each round's mapping: a number a page, times its place."""
    total = 0
    for number in range(ROUNDS):
        pages = 2 + mix(seed, number) % PAGES
        total += sum(mix(seed ^ number, page) * (page + 1) for page in range(pages)) * (number + 1)
    return word(total)


def signals(seed):
    """The numbers that came back, and how often each handler ran."""
    back = sum((~mix(seed, i) & 0xFFFFFFFF) * (i + 1) for i in range(QUEUED))
    return f"{word(back)} {FAULTS} {DIVISIONS} {BREAKPOINTS} {STEPS} {TICKS}"


def chaos(seed):
    """The end of a chaotic sequence, as the bits of a double."""
    x = float(seed % 1000 + 1) / 1002.0
    for _ in range(FPU_STEPS):
        x = 3.9 * x * (1.0 - x)
    return struct.unpack("<Q", struct.pack("<d", x))[0]


def fpu(seed):
    """All processes' ends."""
    return word(sum(chaos(mix(seed, i)) * (i + 1) for i in range(FPU_PROCESSES)))


def cpu(seed, number):
    """What the process tied to this CPU prints."""
    value = (seed + number) & MASK
    for i in range(CPU_STEPS):
        value = mix(value, i)
    return f"{number} {word(value)}"


def shell(seed):
    """A loop of command substitutions in the shell: hashes of hashes."""
    text = f"{seed:016x}"
    for _ in range(SHELL_LOOPS):
        text = hashlib.sha256((text + "\n").encode()).hexdigest()
    return text


def sort(seed):
    """Numbers made by seq, sorted backwards as text, hashed."""
    first = seed % 1000
    lines = sorted((str(n) for n in range(first, first + 3001)), reverse=True)
    return hashlib.md5(("\n".join(lines) + "\n").encode()).hexdigest()


def expected(seed):
    """name -> the rest of its line, for all parts that have one answer."""
    return {"tree": tree(seed), "forks": statuses(seed, FORKS), "execs": statuses(seed, EXECS), "memory": memory(seed),
            "signals": signals(seed), "fpu": fpu(seed), "shell": shell(seed), "sort": sort(seed), "pattern": "0"}
