/* lib/xennote.c: notes of the images that are met in practice, and every refusal. */
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "image.h"
#include "lib/xennote.h"
#include "abi/version.h"

static struct image image;

/* Finishes the image and reads it, in a block that is gone afterwards: nothing may point into it. */
static bool read_image(struct xen_image *out, struct problem *problem)
{
    struct elf elf;
    size_t size;
    u8 *bytes = image_finish(&image, &size);

    ck_assert(elf_open(&elf, bytes, size, problem));
    bool good = xen_image_read(out, &elf, problem);
    free(bytes);
    return good;
}

static void expect_good(struct xen_image *out)
{
    struct problem problem = { 0 };
    char line[256] = "";

    bool good = read_image(out, &problem);
    if (!good)
        problem_format(&problem, line, sizeof(line));
    ck_assert_msg(good, "%s", line);
}

static void expect_bad(const char *place)
{
    struct xen_image out;
    struct problem problem;

    ck_assert_msg(!read_image(&out, &problem), "no refusal at %s", place);
    ck_assert_str_eq(problem.place, place);
}

/* Debian's cloud kernel, linux-image-6.1.0-*-cloud-amd64, as `readelf -n` shows it. */
START_TEST(test_linux)
{
    struct xen_image out;
    u32 small = 0x8801, one = 1;

    image_begin(&image, 0x1000000);
    image_load(&image, 0x1000000, 64, 0x1826634);
    image_load(&image, 0x301a000, 64, 0x34000);
    image_load(&image, 0x304e000, 64, 0xdb2000);
    image_note_text(&image, XEN_ELFNOTE_GUEST_OS, "linux");
    image_note_text(&image, XEN_ELFNOTE_GUEST_VERSION, "2.6");
    image_note_text(&image, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
    image_note_number(&image, XEN_ELFNOTE_VIRT_BASE, 0xffffffff80000000);
    image_note_number(&image, XEN_ELFNOTE_INIT_P2M, 0x8000000000);
    image_note_number(&image, XEN_ELFNOTE_ENTRY, 0xffffffff8304e1c0);
    image_note(&image, "Xen", XEN_ELFNOTE_FEATURES, "!writable_page_tables|pae_pgdir_above_4gb",
               0x29); /* without a NUL */
    image_note(&image, "Xen", XEN_ELFNOTE_SUPPORTED_FEATURES, &small, sizeof(small));
    image_note_text(&image, XEN_ELFNOTE_LOADER, "generic");
    image_note(&image, "Xen", XEN_ELFNOTE_L1_MFN_VALID, (u64[]){ 1, 1 }, 16);
    image_note(&image, "Xen", XEN_ELFNOTE_MOD_START_PFN, &one, sizeof(one));
    image_note_number(&image, XEN_ELFNOTE_HV_START_LOW, 0xffff800000000000);
    image_note(&image, "Linux", XEN_ELFNOTE_VIRT_BASE, "nonsense!", 9); /* not Xen's */
    image_notes(&image, false);
    expect_good(&out);

    ck_assert_int_eq(out.source, XEN_IMAGE_SEGMENT_NOTES);
    ck_assert_uint_eq(out.virt_base, 0xffffffff80000000);
    ck_assert_uint_eq(out.paddr_offset, 0);
    ck_assert_uint_eq(out.entry, 0xffffffff8304e1c0);
    ck_assert_uint_eq(out.init_p2m, 0x8000000000);
    ck_assert(out.mod_start_pfn);
    ck_assert(!xen_image_has(&out, XEN_ELFNOTE_HYPERCALL_PAGE));
    ck_assert(xen_image_has(&out, XEN_ELFNOTE_INIT_P2M));
    ck_assert_uint_eq(out.features_required, 1);
    ck_assert_uint_eq(out.features_supported, 0x8811);
    ck_assert_str_eq(out.guest_os, "linux");
    ck_assert_str_eq(out.guest_version, "2.6");
    ck_assert_uint_eq(out.virt_start, 0xffffffff81000000);
    ck_assert_uint_eq(out.virt_end, 0xffffffff83e00000);
}
END_TEST

/* PV GRUB: everything at 0, most notes absent. */
START_TEST(test_grub)
{
    struct xen_image out;

    image_begin(&image, 0);
    image_load(&image, 0, 64, 0x41e1f0);
    image_load(&image, 0x41e1f0, 64, 0x1f5bd8);
    image_note_text(&image, XEN_ELFNOTE_GUEST_OS, "GRUB");
    image_usual_notes(&image, 0, 0);
    image_notes(&image, false);
    expect_good(&out);
    ck_assert_uint_eq(out.virt_base, 0);
    ck_assert_uint_eq(out.entry, 0);
    ck_assert_uint_eq(out.virt_end, 0x613dc8);
    ck_assert(!out.mod_start_pfn);
}
END_TEST

/* NetBSD: VIRT_BASE = PADDR_OFFSET; notes in a section only; a hypercall page by address. */
START_TEST(test_netbsd)
{
    const u64 base = 0xffffffff80000000;
    struct xen_image out;

    image_begin(&image, base + 0x200000);
    image_load(&image, base + 0x200000, 64, 0x900000);
    image_usual_notes(&image, base, base + 0x201000);
    image_note_number(&image, XEN_ELFNOTE_PADDR_OFFSET, base);
    image_note_number(&image, XEN_ELFNOTE_HYPERCALL_PAGE, base + 0x202000);
    image_notes(&image, true);
    expect_good(&out);
    ck_assert_int_eq(out.source, XEN_IMAGE_SECTION_NOTES);
    ck_assert_uint_eq(out.virt_start, base + 0x200000);
    ck_assert_uint_eq(out.virt_end, base + 0xb00000);
    ck_assert_uint_eq(out.hypercall_page, base + 0x202000);
    ck_assert_uint_eq(xen_image_offset(&out, base + 0x200000), 0x200000);
}
END_TEST

/* Mini-OS: no notes, the legacy string. */
#define MINIOS                                                                                     \
    "GUEST_OS=Mini-OS,XEN_VER=xen-3.0,VIRT_BASE=0x0,ELF_PADDR_OFFSET=0x0,HYPERCALL_PAGE=0x2,"      \
    "LOADER=generic"

static void legacy_image(const char *string, size_t size)
{
    image_begin(&image, 0x10);
    image_load(&image, 0, 64, 0x50000);
    image_section(&image, "__xen_guest", 1, string, size);
}

START_TEST(test_minios)
{
    struct xen_image out;

    for (size_t nul = 0; nul < 2; nul++) {
        legacy_image(MINIOS, strlen(MINIOS) + nul);
        expect_good(&out);
        ck_assert_int_eq(out.source, XEN_IMAGE_LEGACY);
        ck_assert_str_eq(out.guest_os, "Mini-OS");
        ck_assert_str_eq(out.loader, "generic");
        ck_assert(xen_image_has(&out, XEN_ELFNOTE_HYPERCALL_PAGE));
        ck_assert_uint_eq(out.hypercall_page, 0x2000);
        ck_assert_uint_eq(out.entry, 0x10); /* the ELF header's */
    }
}
END_TEST

/* Without ELF_PADDR_OFFSET, a legacy image's p_paddr are virtual addresses. */
START_TEST(test_legacy_offset)
{
    static const char string[] = "LOADER=generic,XEN_VER=xen-3.0,VIRT_BASE=0x100000,unknown,=,,";
    struct xen_image out;

    legacy_image(string, sizeof(string));
    image.segments[0].paddr = 0x100000;
    image.header.entry = 0x100010;
    expect_good(&out);
    ck_assert_uint_eq(out.paddr_offset, 0x100000);
    ck_assert_uint_eq(out.virt_start, 0x100000);
    ck_assert_uint_eq(out.entry, 0x100010);
}
END_TEST

/* The legacy string counts only where no Xen note exists, anywhere. */
START_TEST(test_notes_come_first)
{
    struct xen_image out;

    legacy_image("LOADER=generic,XEN_VER=xen-3.0,VIRT_BASE=zzz", 44);
    image_usual_notes(&image, 0, 0x20);
    image_notes(&image, true);
    expect_good(&out);
    ck_assert_uint_eq(out.entry, 0x20);

    legacy_image(MINIOS, strlen(MINIOS));
    image_note(&image, "GNU", 3, "x", 1);
    image_notes(&image, false);
    expect_good(&out);
    ck_assert_int_eq(out.source, XEN_IMAGE_LEGACY);
}
END_TEST

START_TEST(test_refused_legacy)
{
    legacy_image("LOADER=generic,XEN_VER=xen-3.0,VIRT_BASE=12x", 44);
    expect_bad("Xen note VIRT_BASE");
    legacy_image("LOADER=generic,XEN_VER=xen-2.0,VIRT_BASE=0", 42);
    expect_bad("Xen note XEN_VERSION");
    legacy_image("", 0);
    expect_bad("Xen note XEN_VERSION");
    legacy_image(MINIOS, strlen(MINIOS));
    image.section_names[1] = 'x'; /* no such section any more */
    expect_bad("ELF notes");
}
END_TEST

/* One note more (or other) than in a good image, and where the refusal must point. */
static const struct {
    u32 type;
    const char *text; /* NULL: the number */
    u64 number;
    const char *place;
} bad_notes[] = {
    { XEN_ELFNOTE_XEN_VERSION, "xen-2.0", 0, "Xen note XEN_VERSION" },
    { XEN_ELFNOTE_XEN_VERSION, "", 0, "Xen note XEN_VERSION" },
    { XEN_ELFNOTE_XEN_VERSION, "xen-3", 0, "Xen note XEN_VERSION" },
    { XEN_ELFNOTE_LOADER, "lilo", 0, "Xen note LOADER" },
    { XEN_ELFNOTE_LOADER, "generic and some more text than fits", 0, "Xen note LOADER" },
    { XEN_ELFNOTE_FEATURES, "pae_pgdir_above_4gb|!time_travel", 0, "Xen note FEATURES" },
    { XEN_ELFNOTE_FEATURES, "!", 0, "Xen note FEATURES" },
    { XEN_ELFNOTE_FEATURES, "!auto_translated_physmap", 0, "Xen note FEATURES" },
    { XEN_ELFNOTE_FEATURES, "!supervisor_mode_kernel|x", 0, "Xen note FEATURES" },
    { XEN_ELFNOTE_VIRT_BASE, "abc", 0, "Xen note VIRT_BASE" }, /* four bytes: 0x636261 */
    { XEN_ELFNOTE_VIRT_BASE, "abcde", 0, "Xen note VIRT_BASE" },
    { XEN_ELFNOTE_VIRT_BASE, NULL, 0x400800, "Xen note VIRT_BASE" },
    { XEN_ELFNOTE_VIRT_BASE, NULL, 0xfffffffffffff000, "Xen note VIRT_BASE" },
    { XEN_ELFNOTE_PADDR_OFFSET, NULL, 0x201000, "Xen note VIRT_BASE" }, /* segment below it */
    { XEN_ELFNOTE_PADDR_OFFSET, NULL, 0x10, "Xen note PADDR_OFFSET" },
    { XEN_ELFNOTE_ENTRY, NULL, 0x5fffff, "Xen note ENTRY" },
    { XEN_ELFNOTE_ENTRY, NULL, 0x603000, "Xen note ENTRY" },
    { XEN_ELFNOTE_ENTRY, "text!", 0, "Xen note ENTRY" },
    { XEN_ELFNOTE_HYPERCALL_PAGE, NULL, 0x600010, "Xen note HYPERCALL_PAGE" },
    { XEN_ELFNOTE_HYPERCALL_PAGE, NULL, 0x5ff000, "Xen note HYPERCALL_PAGE" },
    { XEN_ELFNOTE_HYPERCALL_PAGE, NULL, 0x603000, "Xen note HYPERCALL_PAGE" },
    { XEN_ELFNOTE_INIT_P2M, NULL, 0x8000000008, "Xen note INIT_P2M" },
    { XEN_ELFNOTE_MOD_START_PFN, "ye", 0, "Xen note MOD_START_PFN" },
    { XEN_ELFNOTE_SUPPORTED_FEATURES, "", 0, NULL }, /* one byte: a number after all */
};

/* VIRT_BASE 0x400000, one segment at 0x200000 of 0x2004 bytes: 0x600000 to 0x602004. */
static void plain_image(void)
{
    image_begin(&image, 0);
    image_load(&image, 0x200000, 64, 0x2004);
    image_usual_notes(&image, 0x400000, 0x600000);
}

START_TEST(test_refused_notes)
{
    struct xen_image out;

    plain_image();
    if (bad_notes[_i].text)
        image_note_text(&image, bad_notes[_i].type, bad_notes[_i].text);
    else
        image_note_number(&image, bad_notes[_i].type, bad_notes[_i].number);
    image_notes(&image, false);
    if (bad_notes[_i].place)
        expect_bad(bad_notes[_i].place);
    else
        expect_good(&out);
}
END_TEST

START_TEST(test_offset_without_base)
{
    image_begin(&image, 0);
    image_load(&image, 0, 64, 64);
    image_note_text(&image, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
    image_note_text(&image, XEN_ELFNOTE_GUEST_OS, "linux"); /* serves in place of LOADER */
    image_note_number(&image, XEN_ELFNOTE_PADDR_OFFSET, 0);
    image_notes(&image, false);
    expect_bad("Xen note PADDR_OFFSET");
}
END_TEST

/* Unknown features that aren't required, and unknown notes, are no reason to refuse. */
START_TEST(test_unknown_is_fine)
{
    struct xen_image out;

    plain_image();
    image_note_text(&image, XEN_ELFNOTE_FEATURES, "time_travel||dom0");
    image_note_text(&image, 99, "from the future");
    image_note_text(&image, 0xffffffff, "");
    image_notes(&image, false);
    expect_good(&out);
    ck_assert_uint_eq(out.features_supported, 1u << XENFEAT_dom0);
    ck_assert_uint_eq(out.features_required, 0);
}
END_TEST

/* Any single byte may be wrong: the answer may be either, but nothing is read out of bounds. */
START_TEST(test_every_byte_spoilt)
{
    static const u8 values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
    struct xen_image out;
    struct problem problem;
    struct elf elf;
    size_t size;

    plain_image();
    image_note_text(&image, XEN_ELFNOTE_FEATURES, "!pae_pgdir_above_4gb");
    image_notes(&image, false);
    image_section(&image, "__xen_guest", 1, MINIOS, strlen(MINIOS));
    u8 *bytes = image_finish(&image, &size);
    for (size_t i = 0; i < size; i++) {
        u8 before = bytes[i];

        for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
            bytes[i] = values[v];
            if (elf_open(&elf, bytes, size, &problem))
                xen_image_read(&out, &elf, &problem);
        }
        bytes[i] = before;
    }
    free(bytes);
}
END_TEST

/* The line that an admin reads. */
START_TEST(test_line)
{
    struct xen_image out;
    struct problem problem;
    char line[256];

    plain_image();
    image_note_text(&image, XEN_ELFNOTE_LOADER, "li\x1b[31mlo");
    image_notes(&image, false);
    ck_assert(!read_image(&out, &problem));
    problem_format(&problem, line, sizeof(line));
    ck_assert_str_eq(line,
                     "Xen note LOADER = \"li?[31mlo\": only images for the generic loader can "
                     "be started; use a kernel that was built as a 64-bit Xen PV guest");
}
END_TEST

void unit_add(TCase *tests)
{
    tcase_add_test(tests, test_linux);
    tcase_add_test(tests, test_grub);
    tcase_add_test(tests, test_netbsd);
    tcase_add_test(tests, test_minios);
    tcase_add_test(tests, test_legacy_offset);
    tcase_add_test(tests, test_notes_come_first);
    tcase_add_test(tests, test_refused_legacy);
    tcase_add_loop_test(tests, test_refused_notes, 0, ARRAY_SIZE(bad_notes));
    tcase_add_test(tests, test_offset_without_base);
    tcase_add_test(tests, test_unknown_is_fine);
    tcase_add_test(tests, test_every_byte_spoilt);
    tcase_add_test(tests, test_line);
}
