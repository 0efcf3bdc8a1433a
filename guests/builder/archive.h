/*
 * The builder's ramdisk: a table of domains and their files, made by tools/koanrun/domu.py, which knows this layout.
 *
 * A header, then `count` entries, then the bytes that they refer to. All offsets are in bytes from the start.
 */
#ifndef BUILDER_ARCHIVE_H
#define BUILDER_ARCHIVE_H

#include "guest.h"

#define ARCHIVE_MAGIC   0x736d6f446e616f4bUL /* "KoanDoms" */
#define ARCHIVE_DOMAINS 64

struct archive_domain {
    char name[32];
    u64 image_offset; /* an ELF image */
    u64 image_size;
    u64 ramdisk_offset; /* size 0: none */
    u64 ramdisk_size;
    u64 pages; /* of memory */
    u32 vcpus;
    u32 domid; /* 0: any */
    char cmdline[MAX_GUEST_CMDLINE];
};
static_assert(sizeof(struct archive_domain) == 1104, "tools/koanrun/domu.py");

struct archive {
    u64 magic;
    u64 count;
    struct archive_domain domains[];
};

/* The ramdisk, checked: counts and offsets lie within it, texts end. Panics if it is none of ours. */
const struct archive *archive_open(void);

#endif
