/*
 * boot/multiboot2.c: information as GRUB leaves it, put together tag by tag (Multiboot2 specification, 3.4 to 3.6), and
 * the same with everything that can be wrong in it.
 */
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "boot/multiboot2.h"

enum { END, COMMAND_LINE, LOADER, MODULE, MEMORY = 6, FRAMEBUFFER = 8, ACPI_OLD = 14, ACPI_NEW };

static u8 buffer[8192];
static u32 used;
static u8 *parsed; /* the copy that the last read_info left; texts point into it */

static void begin(void)
{
    memset(buffer, 0, sizeof(buffer));
    used = 8;
}

/* Returns where the tag begins, for tests that spoil it. */
static u8 *add_tag(u32 type, const void *bytes, size_t size)
{
    u8 *tag = buffer + used;
    u32 whole = (u32)size + 8;

    memcpy(tag, &type, 4);
    memcpy(tag + 4, &whole, 4);
    memcpy(tag + 8, bytes, size);
    used += (whole + 7) & ~7u;
    return tag;
}

static void add_text(u32 type, const char *text)
{
    add_tag(type, text, strlen(text) + 1);
}

static void add_module(u32 start, u32 end, const char *text)
{
    u8 bytes[256];

    memcpy(bytes, &start, 4);
    memcpy(bytes + 4, &end, 4);
    strcpy((char *)bytes + 8, text);
    add_tag(MODULE, bytes, 8 + strlen(text) + 1);
}

struct entry {
    u64 base, length;
    u32 type, zero;
};

static u8 *add_memory(const struct entry *entries, u32 count, u32 entry_size)
{
    u8 bytes[2048] = { 0 };

    memcpy(bytes, &entry_size, 4);
    for (u32 i = 0; i < count; i++)
        memcpy(bytes + 8 + i * entry_size, &entries[i], sizeof(entries[i]));
    return add_tag(MEMORY, bytes, 8 + count * entry_size);
}

static const struct entry some_memory[] = { { 0x100000, 0x700000, 1, 0 } };

/* Parses a heap copy of exactly `used` bytes. */
static const char *read_info(struct boot_info *out)
{
    memcpy(buffer, &used, 4);
    free(parsed);
    parsed = malloc(used);
    memcpy(parsed, buffer, used);
    return multiboot2_parse(parsed, used, out);
}

static void expect_ram(const struct boot_info *info, const struct range *ranges, u32 count)
{
    ck_assert_uint_eq(info->ram.count, count);
    for (u32 i = 0; i < count; i++) {
        ck_assert_uint_eq(info->ram.range[i].start, ranges[i].start);
        ck_assert_uint_eq(info->ram.range[i].end, ranges[i].end);
    }
}

START_TEST(test_whole)
{
    struct boot_info info;
    u8 frame[24] = { 0 };

    begin();
    add_text(COMMAND_LINE, "console=com1");
    add_text(LOADER, "GRUB 2.06");
    add_module(0x200000, 0x201000, "name=a mem=64M -- x");
    add_module(0x300000, 0x300001, "");
    add_memory(some_memory, 1, 24);
    add_tag(ACPI_NEW, "new RSDP", 8);
    add_tag(ACPI_OLD, "old one", 7); /* the newer one wins, in either order */
    memcpy(frame, &(u64){ 0xfd000000 }, 8);
    memcpy(frame + 8, (u32[]){ 4096, 1024, 768 }, 12);
    frame[20] = 32;
    frame[21] = 1;
    add_tag(FRAMEBUFFER, frame, 24);
    add_tag(77, "unknown", 7);
    add_tag(END, "", 0);
    ck_assert_ptr_null(read_info(&info));
    ck_assert_str_eq(info.command_line, "console=com1");
    ck_assert_str_eq(info.loader, "GRUB 2.06");
    ck_assert_uint_eq(info.nr_modules, 2);
    ck_assert_uint_eq(info.modules[0].start, 0x200000);
    ck_assert_uint_eq(info.modules[0].end, 0x201000);
    ck_assert_str_eq(info.modules[0].command_line, "name=a mem=64M -- x");
    ck_assert_str_eq(info.modules[1].command_line, "");
    ck_assert_uint_eq(info.modules_lost, 0);
    ck_assert_uint_eq(info.rsdp_length, 8);
    ck_assert_mem_eq(info.rsdp, "new RSDP", 8);
    ck_assert_int_eq(info.screen.kind, SCREEN_PIXELS);
    ck_assert_uint_eq(info.screen.address, 0xfd000000);
    ck_assert_uint_eq(info.screen.pitch, 4096);
    ck_assert_uint_eq(info.screen.width, 1024);
    ck_assert_uint_eq(info.screen.height, 768);
    ck_assert_uint_eq(info.screen.bits, 32);
    expect_ram(&info, (struct range[]){ { 0x100000, 0x800000 } }, 1);
}
END_TEST

/* Unsorted, overlapping, unaligned, huge: what is left is whole pages that nothing else claims. */
START_TEST(test_memory_map)
{
    static const struct entry map[] = {
        { 0x100000, 0x300000, 1, 0 },
        { 0x200000, 0x1000, 2, 0 },          /* reserved, in the midst of it */
        { 0x2ff800, 0x1000, 4, 0 },          /* covers two pages by halves: both are lost */
        { 0x380000, 0x100000, 1, 0 },        /* overlaps: one range */
        { 0x0, 0x9fc00, 1, 0 },              /* its last page isn't whole */
        { 0x500001, 0x1ffe, 1, 0 },          /* no whole page at all */
        { 0x600000, 0, 1, 0 },               /* empty */
        { 0x600800, 0, 2, 0 },               /* empty, and takes nothing */
        { 0xfffffffffffff000, 0x2000, 1, 0 } /* wraps around, above what a PC has */
    };
    struct boot_info info;

    for (u32 entry_size = 24; entry_size <= 40; entry_size += 8) {
        begin();
        add_memory(map, ARRAY_SIZE(map), entry_size);
        add_tag(END, "", 0);
        ck_assert_ptr_null(read_info(&info));
        expect_ram(&info,
                   (struct range[]){ { 0, 0x9f000 },
                                     { 0x100000, 0x200000 },
                                     { 0x201000, 0x2ff000 },
                                     { 0x301000, 0x480000 } },
                   4);
    }
}
END_TEST

START_TEST(test_bad_texts_and_modules)
{
    struct boot_info info;

    begin();
    add_tag(COMMAND_LINE, "abcd", 4); /* no NUL */
    add_tag(LOADER, "", 0);           /* no text at all */
    add_module(5, 5, "empty");
    add_module(6, 5, "backwards");
    add_tag(MODULE, "short", 5);
    add_tag(MODULE, "\0\0\0\1\0\0\0\2xy", 10); /* text without a NUL */
    add_memory(some_memory, 1, 24);
    add_tag(END, "", 0);
    ck_assert_ptr_null(read_info(&info));
    ck_assert_str_eq(info.command_line, "");
    ck_assert_str_eq(info.loader, "");
    ck_assert_uint_eq(info.modules_lost, 2);
    ck_assert_uint_eq(info.nr_modules, 1);
    ck_assert_str_eq(info.modules[0].command_line, "");
}
END_TEST

START_TEST(test_too_many_modules)
{
    struct boot_info info;

    begin();
    for (u32 i = 0; i < BOOT_MODULES_MAX + 3; i++)
        add_module(0x1000 * i, 0x1000 * i + 1, "m");
    add_memory(some_memory, 1, 24);
    add_tag(END, "", 0);
    ck_assert_ptr_null(read_info(&info));
    ck_assert_uint_eq(info.nr_modules, BOOT_MODULES_MAX);
    ck_assert_uint_eq(info.modules_lost, 3);
}
END_TEST

START_TEST(test_refusals)
{
    static const u32 sizes[] = { 0, 7, 25, 0xfffffff8, 0xffffffff };
    struct boot_info info;

    begin();
    add_memory(some_memory, 1, 24);
    ck_assert_ptr_nonnull(read_info(&info)); /* no end tag */
    begin();
    add_tag(END, "", 0);
    ck_assert_ptr_nonnull(read_info(&info)); /* no memory */
    begin();
    add_memory(some_memory, 1, 16); /* entries shorter than an entry: none can be read */
    add_tag(END, "", 0);
    ck_assert_ptr_nonnull(read_info(&info));
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        begin();
        u8 *tag = add_tag(77, "", 0);
        memcpy(tag + 4, &sizes[i], 4);
        add_tag(END, "", 0);
        ck_assert_ptr_nonnull(read_info(&info));
    }
    begin(); /* says that it is longer than it is */
    memcpy(buffer, &(u32){ 4096 }, 4);
    ck_assert_ptr_nonnull(multiboot2_parse(buffer, 16, &info));
    for (size_t size = 0; size < 8; size++)
        ck_assert_ptr_nonnull(multiboot2_parse(buffer, size, &info));
}
END_TEST

/* Cut anywhere, with a head that agrees: refused, and nothing read behind the cut. */
START_TEST(test_every_length)
{
    struct boot_info info;

    begin();
    add_text(COMMAND_LINE, "a=b");
    add_module(1, 2, "name=x");
    add_memory(some_memory, 1, 24);
    add_tag(END, "", 0);
    u32 whole = used;
    for (used = 8; used < whole; used++)
        ck_assert_ptr_nonnull(read_info(&info));
    ck_assert_ptr_null(read_info(&info));
    free(parsed);
    parsed = NULL;
}
END_TEST

void unit_add(TCase *tests)
{
    tcase_add_test(tests, test_whole);
    tcase_add_test(tests, test_memory_map);
    tcase_add_test(tests, test_bad_texts_and_modules);
    tcase_add_test(tests, test_too_many_modules);
    tcase_add_test(tests, test_refusals);
    tcase_add_test(tests, test_every_length);
}
