/* lib/elf.c: what is read from an image made by hand, what is refused, and symbols. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "image.h"

static struct image image;

/* Opens the image as it stands; the caller frees *bytes. */
static bool open_image(struct elf *elf, u8 **bytes, struct problem *problem)
{
    size_t size;

    *bytes = image_finish(&image, &size);
    return elf_open(elf, *bytes, size, problem);
}

/* Our structs against the C library's <elf.h>. */
START_TEST(test_layout)
{
#define SAME(ours, field, theirs, their_field)                                                     \
    ck_assert_uint_eq(offsetof(struct ours, field), offsetof(theirs, their_field))
    SAME(elf_header, machine, Elf64_Ehdr, e_machine);
    SAME(elf_header, entry, Elf64_Ehdr, e_entry);
    SAME(elf_header, phoff, Elf64_Ehdr, e_phoff);
    SAME(elf_header, shoff, Elf64_Ehdr, e_shoff);
    SAME(elf_header, phentsize, Elf64_Ehdr, e_phentsize);
    SAME(elf_header, phnum, Elf64_Ehdr, e_phnum);
    SAME(elf_header, shentsize, Elf64_Ehdr, e_shentsize);
    SAME(elf_header, shnum, Elf64_Ehdr, e_shnum);
    SAME(elf_header, shstrndx, Elf64_Ehdr, e_shstrndx);
    SAME(elf_segment, offset, Elf64_Phdr, p_offset);
    SAME(elf_segment, paddr, Elf64_Phdr, p_paddr);
    SAME(elf_segment, filesz, Elf64_Phdr, p_filesz);
    SAME(elf_segment, memsz, Elf64_Phdr, p_memsz);
    SAME(elf_section, offset, Elf64_Shdr, sh_offset);
    SAME(elf_section, size, Elf64_Shdr, sh_size);
    SAME(elf_section, link, Elf64_Shdr, sh_link);
    SAME(elf_symbol_entry, section, Elf64_Sym, st_shndx);
    SAME(elf_symbol_entry, value, Elf64_Sym, st_value);
    SAME(elf_symbol_entry, size, Elf64_Sym, st_size);
    ck_assert(ELF_PT_LOAD == PT_LOAD && ELF_PT_NOTE == PT_NOTE && ELF_SHT_SYMTAB == SHT_SYMTAB);
    ck_assert(ELF_SHT_NOTE == SHT_NOTE && ELF_SHT_NOBITS == SHT_NOBITS);
}
END_TEST

START_TEST(test_segments)
{
    struct problem problem;
    struct elf elf;
    u8 *bytes;

    image_begin(&image, 0x1234);
    image_load(&image, 0x1000, 10, 0x2000);
    image_segment(&image, ELF_PT_NOTE, "abcdef", 6);
    ck_assert(open_image(&elf, &bytes, &problem));
    ck_assert_uint_eq(elf.header.phnum, 2);
    ck_assert_uint_eq(elf.header.entry, 0x1234);

    struct elf_segment load = elf_segment(&elf, 0), note = elf_segment(&elf, 1);
    ck_assert_uint_eq(load.paddr, 0x1000);
    ck_assert_uint_eq(load.memsz, 0x2000);
    ck_assert(
        slice_equals(elf_segment_bytes(&elf, &load), "\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab"));
    ck_assert(elf_segment_loads(&load) && !elf_segment_loads(&note));
    ck_assert(slice_equals(elf_segment_bytes(&elf, &note), "abcdef"));
    free(bytes);
}
END_TEST

/* Ways to spoil a good image, and the place that the refusal must name. */
static void spoil_magic(void)
{
    image.header.ident[0] = 0x7e;
}
static void spoil_class(void)
{
    image.header.ident[4] = ELFCLASS32;
}
static void spoil_data(void)
{
    image.header.ident[5] = ELFDATA2MSB;
}
static void spoil_machine(void)
{
    image.header.machine = EM_AARCH64;
}
static void spoil_type(void)
{
    image.header.type = ET_REL;
}
static void spoil_phentsize(void)
{
    image.header.phentsize = 55;
}
static void spoil_phnum_none(void)
{
    image.header.phnum = 0;
}
static void spoil_phnum_many(void)
{
    image.header.phnum = 0xffff;
}
static void spoil_phoff_end(void)
{
    image.header.phoff = UINT64_MAX;
}
static void spoil_phoff_wrap(void)
{
    image.header.phoff = UINT64_MAX - 55;
}
static void spoil_offset(void)
{
    image.segments[0].offset = UINT64_MAX - 8;
}
static void spoil_filesz(void)
{
    image.segments[0].filesz = image.segments[0].memsz = 1 << 20;
}
static void spoil_memsz(void)
{
    image.segments[0].memsz = 15;
}
static void spoil_paddr(void)
{
    image.segments[0].paddr = UINT64_MAX - 20;
}
static void spoil_load_type(void)
{
    image.segments[0].type = PT_DYNAMIC;
}
static void spoil_load_flags(void)
{
    image.segments[0].flags = 0;
}
static void spoil_note(void)
{
    image.segments[1].offset = 1 << 20;
}

static const struct {
    void (*spoil)(void);
    const char *place;
} spoils[] = {
    { spoil_magic, "ELF header, magic" },        { spoil_class, "ELF header, class" },
    { spoil_data, "ELF header, e_machine" },     { spoil_machine, "ELF header, e_machine" },
    { spoil_type, "ELF header, e_type" },        { spoil_phentsize, "ELF header, e_phentsize" },
    { spoil_phnum_none, "ELF header, e_phoff" }, { spoil_phnum_many, "ELF header, e_phoff" },
    { spoil_phoff_end, "ELF header, e_phoff" },  { spoil_phoff_wrap, "ELF header, e_phoff" },
    { spoil_offset, "ELF segment, p_offset" },   { spoil_filesz, "ELF segment, p_offset" },
    { spoil_memsz, "ELF segment, p_filesz" },    { spoil_paddr, "ELF segment, p_paddr" },
    { spoil_load_type, "ELF header, e_phnum" },  { spoil_load_flags, "ELF header, e_phnum" },
    { spoil_note, "ELF segment, p_offset" },
};

START_TEST(test_refusals)
{
    struct problem problem;
    struct elf elf;
    u8 *bytes;

    image_begin(&image, 0);
    image_load(&image, 0x1000, 16, 32);
    image_segment(&image, ELF_PT_NOTE, "x", 1);
    spoils[_i].spoil();
    ck_assert(!open_image(&elf, &bytes, &problem));
    ck_assert_str_eq(problem.place, spoils[_i].place);
    ck_assert(problem.message && problem.remedy);
    free(bytes);
}
END_TEST

START_TEST(test_truncated_at_every_length)
{
    struct problem problem;
    struct elf elf;
    size_t size;

    image_begin(&image, 0);
    image_load(&image, 0, 64, 64);
    u8 *whole = image_finish(&image, &size);
    size_t needed = image.segments[0].offset + 64;
    for (size_t cut = 0; cut < size; cut++) {
        u8 *bytes = malloc(cut);

        if (cut)
            memcpy(bytes, whole, cut);
        bool good = elf_open(&elf, bytes, cut, &problem);
        ck_assert_int_eq(good, cut >= needed);
        if (good) /* the table of sections is behind the segments and cut off */
            ck_assert_uint_eq(elf.header.shnum, 0);
        free(bytes);
    }
    free(whole);
}
END_TEST

START_TEST(test_sections)
{
    struct elf_section section;
    struct problem problem;
    struct elf elf;
    u8 *bytes;

    image_begin(&image, 0);
    image_load(&image, 0, 1, 1);
    image_section(&image, "first", 1, "one", 3);
    image_section(&image, "second", 1, "two!", 4);
    unsigned outside = image_section(&image, "outside", 1, "x", 1);
    image.sections[outside].size = UINT64_MAX;
    unsigned nobits = image_section(&image, "nobits", ELF_SHT_NOBITS, "", 0);
    image.sections[nobits].size = 4096;
    ck_assert(open_image(&elf, &bytes, &problem));

    ck_assert(elf_find_section(&elf, "second", &section));
    ck_assert(slice_equals(elf_section_bytes(&elf, &section), "two!"));
    ck_assert(elf_find_section(&elf, "outside", &section));
    ck_assert_uint_eq(elf_section_bytes(&elf, &section).length, 0);
    ck_assert(elf_find_section(&elf, "nobits", &section));
    ck_assert_uint_eq(elf_section_bytes(&elf, &section).length, 0);
    ck_assert(!elf_find_section(&elf, "third", &section));
    elf.header.shstrndx = 0xffff;
    ck_assert(!elf_find_section(&elf, "second", &section));
    free(bytes);
}
END_TEST

START_TEST(test_notes)
{
    struct elf_note note;

    image_begin(&image, 0);
    image_note(&image, "Xen", 3, "12345", 5);
    image_note(&image, "GNU", 4, "", 0);
    image_note(&image, "", 5, "abcd", 4);
    struct slice rest = { (char *)image.notes, image.notes_size };
    ck_assert(elf_note_next(&rest, &note));
    ck_assert(note.type == 3 && slice_equals(note.name, "Xen") && slice_equals(note.desc, "12345"));
    ck_assert(elf_note_next(&rest, &note));
    ck_assert(note.type == 4 && slice_equals(note.name, "GNU") && note.desc.length == 0);
    ck_assert(elf_note_next(&rest, &note));
    ck_assert(note.type == 5 && note.name.length == 0 && slice_equals(note.desc, "abcd"));
    ck_assert(!elf_note_next(&rest, &note));
}
END_TEST

/* Lengths that reach past the end, alone or after rounding up. */
START_TEST(test_bad_notes)
{
    static const u32 lengths[][2] = { { 0xffffffff, 0 }, { 0, 0xffffffff }, { 5, 0 },
                                      { 4, 1 },          { 0xfffffffd, 0 }, { 1, 4 } };
    struct elf_note note;
    u32 *words = malloc(16);

    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        struct slice rest = { (char *)words, 16 };

        memcpy(words, (u32[]){ lengths[i][0], lengths[i][1], 1, 0 }, 16);
        ck_assert(!elf_note_next(&rest, &note));
    }
    struct slice rest = { (char *)words, 11 }; /* no room for the three words */
    ck_assert(!elf_note_next(&rest, &note));
    rest = (struct slice){ (char *)words, 13 }; /* the last note's filling may be cut off */
    memcpy(words, (u32[]){ 1, 0, 7, 0x41 }, 16);
    ck_assert(elf_note_next(&rest, &note));
    ck_assert(note.type == 7 && slice_equals(note.name, "A"));
    free(words);
}
END_TEST

static const char names[] = "\0start\0middle\0end\0data\0alias\0cut";

static struct elf_symbol_entry symbols[] = {
    { 0, 0, 0, 0, 0, 0 },
    { 1, STT_FUNC, 0, 1, 0x1000, 0x10 },        /* start */
    { 7, STT_FUNC, 0, 1, 0x1010, 0x20 },        /* middle */
    { 14, STT_NOTYPE, 0, 1, 0x1040, 0 },        /* end: a label, without a size */
    { 18, STT_OBJECT, 0, 1, 0x1018, 0x100 },    /* data: names no code */
    { 23, STT_FUNC, 0, 0, 0x1030, 0x10 },       /* undefined */
    { 23, STT_NOTYPE, 0, 1, 0x1000, 0 },        /* alias of start, but less sure */
    { 29, STT_FUNC, 0, 1, 0x2000, 0x10 },       /* its name doesn't end in the table */
    { 0xffffff, STT_FUNC, 0, 1, 0x3000, 0x10 }, /* its name lies outside */
};

static const struct {
    u64 addr;
    const char *name;
    u64 offset;
} lookups[] = {
    { 0xfff, NULL, 0 },        { 0x1000, "start", 0 },
    { 0x100f, "start", 0xf },  { 0x1010, "middle", 0 },
    { 0x101a, "middle", 0xa }, { 0x1035, "alias", 0x35 } /* without an end, it reaches on */,
    { 0x1045, "end", 5 },      { 0x2004, NULL, 0 },
    { 0x3004, NULL, 0 },
};

START_TEST(test_symbols)
{
    struct problem problem;
    struct slice name;
    struct elf elf;
    u64 offset;
    u8 *bytes;

    image_begin(&image, 0);
    image_load(&image, 0, 1, 1);
    unsigned table = image_section(&image, ".symtab", ELF_SHT_SYMTAB, symbols, sizeof(symbols));
    image.sections[table].link = image_section(&image, ".strtab", 3, names, sizeof(names) - 1);
    ck_assert(open_image(&elf, &bytes, &problem));
    bool found = elf_symbol(&elf, lookups[_i].addr, &name, &offset);
    ck_assert_int_eq(found, lookups[_i].name != NULL);
    if (found) {
        ck_assert(slice_equals(name, lookups[_i].name));
        ck_assert_uint_eq(offset, lookups[_i].offset);
    }
    free(bytes);
}
END_TEST

void unit_add(TCase *tests)
{
    tcase_add_test(tests, test_layout);
    tcase_add_test(tests, test_segments);
    tcase_add_loop_test(tests, test_refusals, 0, ARRAY_SIZE(spoils));
    tcase_add_test(tests, test_truncated_at_every_length);
    tcase_add_test(tests, test_sections);
    tcase_add_test(tests, test_notes);
    tcase_add_test(tests, test_bad_notes);
    tcase_add_loop_test(tests, test_symbols, 0, ARRAY_SIZE(lookups));
}
