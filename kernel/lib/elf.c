/*
 * A bounded reader of 64-bit x86 ELF images. See elf.h for the rules.
 *
 * Two helpers carry the safety: `inside` says whether a range lies in the image, written so that no sum can
 * overflow, and `slice_or_none` turns a range into bytes only if it does. Headers are copied out with
 * memcpy, since nothing promises that a module, or an offset in it, is aligned.
 */
#include "lib/elf.h"
#include "lib/string.h"

#define REMEDY_FILE "check that the file is whole and is what the boot configuration means"

enum { ELF_CLASS_64 = 2, ELF_DATA_LITTLE = 1, ELF_TYPE_EXEC = 2, ELF_TYPE_DYN = 3 };
enum { ELF_MACHINE_X86_64 = 62 };
enum { IDENT_CLASS = 4, IDENT_DATA = 5 };

static bool inside(size_t size, u64 offset, u64 length)
{
    return offset <= size && length <= size - offset;
}

static struct slice slice_or_none(const struct elf *elf, u64 offset, u64 length)
{
    if (!inside(elf->size, offset, length))
        return (struct slice){ "", 0 };
    return (struct slice){ (const char *)elf->data + offset, length };
}

bool elf_is_elf(const void *data, size_t size)
{
    return size >= 4 && memcmp(data, "\177ELF", 4) == 0;
}

static bool check_header(const struct elf *elf, struct problem *problem)
{
    const struct elf_header *h = &elf->header;

    if (!elf_is_elf(elf->data, elf->size))
        return problem_plain(problem, "ELF header, magic", "this is not an ELF file", REMEDY_FILE);
    if (h->ident[IDENT_CLASS] != ELF_CLASS_64)
        return problem_value(problem, "ELF header, class", h->ident[IDENT_CLASS],
                             "only 64-bit images (class 2) can be started",
                             "use the kernel's 64-bit build");
    if (h->ident[IDENT_DATA] != ELF_DATA_LITTLE || h->machine != ELF_MACHINE_X86_64)
        return problem_value(problem, "ELF header, e_machine", h->machine,
                             "the image is for another processor than x86-64 (62)",
                             "use the kernel's x86-64 build");
    if (h->type != ELF_TYPE_EXEC && h->type != ELF_TYPE_DYN)
        return problem_value(problem, "ELF header, e_type", h->type,
                             "this is not a program (2 or 3) but perhaps an object file",
                             "link the image");
    if (h->phentsize != sizeof(struct elf_segment))
        return problem_value(problem, "ELF header, e_phentsize", h->phentsize,
                             "a program header has 56 bytes", REMEDY_FILE);
    if (!h->phnum || !inside(elf->size, h->phoff, (u64)h->phnum * sizeof(struct elf_segment)))
        return problem_value(problem, "ELF header, e_phoff", h->phoff,
                             "the program headers don't lie within the file", REMEDY_FILE);
    return true;
}

static bool check_segments(const struct elf *elf, struct problem *problem)
{
    bool any = false;

    for (unsigned i = 0; i < elf->header.phnum; i++) {
        struct elf_segment s = elf_segment(elf, i);
        u64 end;

        if (s.type != ELF_PT_LOAD && s.type != ELF_PT_NOTE)
            continue;
        if (!inside(elf->size, s.offset, s.filesz))
            return problem_value(problem, "ELF segment, p_offset", s.offset,
                                 "the segment's bytes don't lie within the file", REMEDY_FILE);
        if (s.type != ELF_PT_LOAD)
            continue;
        if (s.filesz > s.memsz)
            return problem_value(problem, "ELF segment, p_filesz", s.filesz,
                                 "the segment has more bytes in the file than in memory",
                                 REMEDY_FILE);
        if (__builtin_add_overflow(s.paddr, s.memsz, &end))
            return problem_value(problem, "ELF segment, p_paddr", s.paddr,
                                 "the segment reaches past the end of the address space",
                                 REMEDY_FILE);
        any |= elf_segment_loads(&s);
    }
    if (!any)
        return problem_value(problem, "ELF header, e_phnum", elf->header.phnum,
                             "no segment is there to be loaded", REMEDY_FILE);
    return true;
}

bool elf_open(struct elf *elf, const void *data, size_t size, struct problem *problem)
{
    *elf = (struct elf){ .data = data, .size = size };
    if (size < sizeof(elf->header))
        return problem_value(problem, "image size", size, "this is too short for an ELF file",
                             REMEDY_FILE);
    memcpy(&elf->header, data, sizeof(elf->header));
    if (!check_header(elf, problem) || !check_segments(elf, problem))
        return false;
    if (elf->header.shentsize != sizeof(struct elf_section) ||
        !inside(size, elf->header.shoff, (u64)elf->header.shnum * sizeof(struct elf_section)))
        elf->header.shnum = 0;
    return true;
}

struct elf_segment elf_segment(const struct elf *elf, unsigned i)
{
    struct elf_segment segment;

    memcpy(&segment, elf->data + elf->header.phoff + i * sizeof(segment), sizeof(segment));
    return segment;
}

bool elf_segment_loads(const struct elf_segment *segment)
{
    return segment->type == ELF_PT_LOAD && segment->memsz &&
           (segment->flags & (ELF_PF_R | ELF_PF_W | ELF_PF_X));
}

struct slice elf_segment_bytes(const struct elf *elf, const struct elf_segment *segment)
{
    return slice_or_none(elf, segment->offset, segment->filesz);
}

struct elf_section elf_section(const struct elf *elf, unsigned i)
{
    struct elf_section section;

    memcpy(&section, elf->data + elf->header.shoff + i * sizeof(section), sizeof(section));
    return section;
}

struct slice elf_section_bytes(const struct elf *elf, const struct elf_section *section)
{
    if (section->type == ELF_SHT_NOBITS)
        return (struct slice){ "", 0 };
    return slice_or_none(elf, section->offset, section->size);
}

/* The string at that offset of a string table; none where it doesn't end within the table. */
static struct slice string_at(struct slice table, u64 offset)
{
    if (offset >= table.length)
        return (struct slice){ "", 0 };
    size_t room = table.length - offset;
    size_t length = strnlen(table.text + offset, room);
    if (length == room)
        return (struct slice){ "", 0 };
    return (struct slice){ table.text + offset, length };
}

static struct slice section_bytes_by_index(const struct elf *elf, u32 i)
{
    if (i >= elf->header.shnum)
        return (struct slice){ "", 0 };
    struct elf_section section = elf_section(elf, i);
    return elf_section_bytes(elf, &section);
}

bool elf_find_section(const struct elf *elf, const char *name, struct elf_section *out)
{
    struct slice names = section_bytes_by_index(elf, elf->header.shstrndx);

    for (unsigned i = 0; i < elf->header.shnum; i++) {
        *out = elf_section(elf, i);
        if (slice_equals(string_at(names, out->name), name))
            return true;
    }
    return false;
}

/* Takes `length` bytes, and the filling up to a multiple of 4, off the front of *rest. */
static bool take(struct slice *rest, u32 length, struct slice *out)
{
    if (length > rest->length)
        return false;
    size_t step = min(ROUND_UP((size_t)length, (size_t)4), rest->length);
    *out = (struct slice){ rest->text, length };
    rest->text += step;
    rest->length -= step;
    return true;
}

bool elf_note_next(struct slice *rest, struct elf_note *out)
{
    u32 words[3]; /* length of the name, length of the descriptor, type */
    struct slice head;

    if (!take(rest, sizeof(words), &head))
        return false;
    memcpy(words, head.text, sizeof(words));
    if (!take(rest, words[0], &out->name) || !take(rest, words[1], &out->desc))
        return false;
    if (out->name.length && out->name.text[out->name.length - 1] == '\0')
        out->name.length--;
    out->type = words[2];
    return true;
}

/* True for a symbol that may name code: defined, and a function or an untyped label. */
static bool names_code(const struct elf_symbol_entry *symbol)
{
    enum { TYPE_NONE = 0, TYPE_FUNCTION = 2, SECTION_ABSOLUTE = 0xfff1 };
    unsigned type = symbol->info & 0xf;

    return symbol->name && symbol->section && symbol->section != SECTION_ABSOLUTE &&
           (type == TYPE_NONE || type == TYPE_FUNCTION);
}

/* A later symbol replaces the best one so far when it begins nearer below addr, or there with a size. */
static bool is_better(const struct elf_symbol_entry *symbol, const struct elf_symbol_entry *best,
                      u64 addr)
{
    if (symbol->value > addr || (symbol->size && addr - symbol->value >= symbol->size))
        return false;
    if (!best->name || symbol->value != best->value)
        return !best->name || symbol->value > best->value;
    return symbol->size && !best->size;
}

static bool search_symbols(const struct elf *elf, const struct elf_section *table, u64 addr,
                           struct slice *name, u64 *offset)
{
    struct slice bytes = elf_section_bytes(elf, table);
    struct elf_symbol_entry best = { 0 }, symbol;

    for (; bytes.length >= sizeof(symbol);
         bytes.text += sizeof(symbol), bytes.length -= sizeof(symbol)) {
        memcpy(&symbol, bytes.text, sizeof(symbol));
        if (names_code(&symbol) && is_better(&symbol, &best, addr))
            best = symbol;
    }
    *name = string_at(section_bytes_by_index(elf, table->link), best.name);
    *offset = addr - best.value;
    return best.name && name->length;
}

bool elf_symbol(const struct elf *elf, u64 addr, struct slice *name, u64 *offset)
{
    for (unsigned i = 0; i < elf->header.shnum; i++) {
        struct elf_section section = elf_section(elf, i);

        if (section.type == ELF_SHT_SYMTAB && search_symbols(elf, &section, addr, name, offset))
            return true;
    }
    return false;
}
