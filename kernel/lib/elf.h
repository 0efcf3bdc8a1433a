/*
 * A bounded reader of 64-bit x86 ELF images in memory: program headers, sections, notes, symbols.
 *
 * The image is hostile: it comes from a boot module or a guest. elf_open checks the header, the table of
 * program headers and every segment's place in the file once; after that the segments can be read without
 * looking back. Sections are an aid only (symbols, old-style guest information): a section or a table
 * of them that doesn't lie within the file is taken as absent, never as an error.
 *
 * Source of the layout: System V ABI, chapters 4 and 5, with the AMD64 supplement.
 */
#ifndef KOAN_LIB_ELF_H
#define KOAN_LIB_ELF_H

#include "lib/parse.h"
#include "lib/problem.h"
#include "lib/types.h"

struct elf_header {
    u8 ident[16];
    u16 type, machine;
    u32 version;
    u64 entry, phoff, shoff;
    u32 flags;
    u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
static_assert(sizeof(struct elf_header) == 64, "Elf64_Ehdr");

struct elf_segment {
    u32 type, flags;
    u64 offset, vaddr, paddr, filesz, memsz, align;
};
static_assert(sizeof(struct elf_segment) == 56, "Elf64_Phdr");

struct elf_section {
    u32 name, type;
    u64 flags, addr, offset, size;
    u32 link, info;
    u64 addralign, entsize;
};
static_assert(sizeof(struct elf_section) == 64, "Elf64_Shdr");

struct elf_symbol_entry {
    u32 name;
    u8 info, other;
    u16 section;
    u64 value, size;
};
static_assert(sizeof(struct elf_symbol_entry) == 24, "Elf64_Sym");

enum { ELF_PT_LOAD = 1, ELF_PT_NOTE = 4 };
enum { ELF_PF_X = 1, ELF_PF_W = 2, ELF_PF_R = 4 };
enum { ELF_SHT_SYMTAB = 2, ELF_SHT_NOTE = 7, ELF_SHT_NOBITS = 8 };

/* An opened image. It keeps pointing at the caller's bytes. */
struct elf {
    const u8 *data;
    size_t size;
    struct elf_header header; /* shnum is 0 when the table of sections can't be used */
};

/* True when the bytes begin like any ELF file: to tell one from a bzImage. */
bool elf_is_elf(const void *data, size_t size);

/*
 * Checks the header and all segments. After it: each segment's file bytes lie in the image, PT_LOAD's filesz
 * is at most its memsz, and paddr + memsz doesn't wrap.
 */
bool elf_open(struct elf *elf, const void *data, size_t size, struct problem *problem);

/* Segment i < elf->header.phnum. */
struct elf_segment elf_segment(const struct elf *elf, unsigned i);

/* True for a segment that takes part in loading: PT_LOAD, some permission, not empty. */
bool elf_segment_loads(const struct elf_segment *segment);

/* The segment's bytes in the file. */
struct slice elf_segment_bytes(const struct elf *elf, const struct elf_segment *segment);

/* Section i < elf->header.shnum, and its bytes (none where they don't lie within the file). */
struct elf_section elf_section(const struct elf *elf, unsigned i);
struct slice elf_section_bytes(const struct elf *elf, const struct elf_section *section);

/* The first section of that name. */
bool elf_find_section(const struct elf *elf, const char *name, struct elf_section *out);

/* One note of a PT_NOTE segment or SHT_NOTE section. */
struct elf_note {
    struct slice name; /* without its NUL */
    u32 type;
    struct slice desc;
};

/*
 * Takes the next note off *rest. False at the end and at a note that doesn't fit: what stands behind such a
 * one can't be found.
 */
bool elf_note_next(struct slice *rest, struct elf_note *out);

/*
 * The function or label that holds address addr: its name and how far addr lies behind it. For backtraces.
 */
bool elf_symbol(const struct elf *elf, u64 addr, struct slice *name, u64 *offset);

#endif
