"""The other side of guests/lib/seal.c: a fresh key into a guest's image, and SipHash-2-4 of what it left in its memory."""

import struct

KEY = "seal_key"
WORD = 0xFFFFFFFFFFFFFFFF


def _rotate(value, bits):
    return (value << bits | value >> (64 - bits)) & WORD


def _round(a, b, c, d):
    a, c = (a + b) & WORD, (c + d) & WORD
    b, d, a = _rotate(b, 13) ^ a, _rotate(d, 16) ^ c, _rotate(a, 32)
    c, a = (c + b) & WORD, (a + d) & WORD
    return a, _rotate(b, 17) ^ c, _rotate(c, 32), _rotate(d, 21) ^ a


def siphash(key, data):
    """64 bits of DATA under a KEY of 16 bytes."""
    low, high = struct.unpack("<2Q", key)
    state = low ^ 0x736F6D6570736575, high ^ 0x646F72616E646F6D, low ^ 0x6C7967656E657261, high ^ 0x7465646279746573
    padded = data + b"\0" * (7 - len(data) % 8) + bytes([len(data) & 255])
    for (word,) in struct.iter_unpack("<Q", padded):
        a, b, c, d = _round(*_round(state[0], state[1], state[2], state[3] ^ word))
        state = a ^ word, b, c, d
    state = state[0], state[1], state[2] ^ 0xFF, state[3]
    for _ in range(4):
        state = _round(*state)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def with_key(elf, random):
    """(the image's bytes with a fresh key in it, the key); the key is None if the guest seals nothing."""
    offset = elf.offset_of(KEY)
    if offset is None:
        return elf.data, None
    key = random.getrandbits(128).to_bytes(16, "little")
    return elf.data[:offset] + key + elf.data[offset + 16:], key
