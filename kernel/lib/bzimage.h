/*
 * A bounded reader of Linux bzImages: finds the compressed kernel inside.
 *
 * A bzImage is a boot sector and set-up code for a PC, then a small program which unpacks the real kernel,
 * an ELF image, out of its own middle. A PV guest starts from that ELF image. Nothing is unpacked here;
 * build/tools/bzimage says where the payload is, and the tool that makes the boot image unpacks it.
 *
 * Source: Linux, Documentation/x86/boot.rst, "The real-mode kernel header", protocol 2.08 and later.
 */
#ifndef KOAN_LIB_BZIMAGE_H
#define KOAN_LIB_BZIMAGE_H

#include "lib/problem.h"
#include "lib/types.h"

enum bzimage_format {
    BZIMAGE_GZIP,
    BZIMAGE_LZ4, /* the legacy frame, magic 0x184c2102 */
    BZIMAGE_XZ,
    BZIMAGE_ELF, /* not compressed at all */
};

struct bzimage {
    enum bzimage_format format;
    u64 offset; /* of the compressed stream in the file */
    u64 length; /* of the stream alone, without the four bytes of size that follow some formats */
    u64 unpacked_size;
};

/* True when the bytes look like a bzImage: to tell one from an ELF file. */
bool bzimage_is_bzimage(const void *data, size_t size);

bool bzimage_read(struct bzimage *out, const void *data, size_t size, struct problem *problem);

/* "gzip", "lz4", "xz" or "elf". */
const char *bzimage_format_name(enum bzimage_format format);

#endif
