/*
 * What a guest image says about itself. See xennote.h.
 *
 * Reading and judging are apart: the readers fill `struct xen_image` from notes or from the legacy string,
 * `finish` supplies the defaults, and the checks at the end see one struct, wherever it came from.
 */
#include "lib/xennote.h"
#include "abi/version.h"
#include "lib/string.h"

#define REMEDY_PV    "use a kernel that was built as a 64-bit Xen PV guest"
#define REMEDY_BUILD "correct the note where the guest's image is built"

static const char *const note_places[XEN_ELFNOTE_MAX + 1] = {
    "Xen note INFO",         "Xen note ENTRY",         "Xen note HYPERCALL_PAGE",
    "Xen note VIRT_BASE",    "Xen note PADDR_OFFSET",  "Xen note XEN_VERSION",
    "Xen note GUEST_OS",     "Xen note GUEST_VERSION", "Xen note LOADER",
    "Xen note PAE_MODE",     "Xen note FEATURES",      "Xen note BSD_SYMTAB",
    "Xen note HV_START_LOW", "Xen note L1_MFN_VALID",  "Xen note SUSPEND_CANCEL",
    "Xen note INIT_P2M",     "Xen note MOD_START_PFN", "Xen note SUPPORTED_FEATURES",
    "Xen note PHYS32_ENTRY",
};

/* The features that an image may name in FEATURES: their bits in XENVER_get_features. */
static const struct {
    const char *name;
    unsigned bit;
} features[] = {
    { "writable_page_tables", XENFEAT_writable_page_tables },
    { "writable_descriptor_tables", XENFEAT_writable_descriptor_tables },
    { "auto_translated_physmap", XENFEAT_auto_translated_physmap },
    { "supervisor_mode_kernel", XENFEAT_supervisor_mode_kernel },
    { "pae_pgdir_above_4gb", XENFEAT_pae_pgdir_above_4gb },
    { "mmu_pt_update_preserve_ad", XENFEAT_mmu_pt_update_preserve_ad },
    { "highmem_assist", XENFEAT_highmem_assist },
    { "gnttab_map_avail_bits", XENFEAT_gnttab_map_avail_bits },
    { "hvm_callback_vector", XENFEAT_hvm_callback_vector },
    { "hvm_safe_pvclock", XENFEAT_hvm_safe_pvclock },
    { "hvm_pirqs", XENFEAT_hvm_pirqs },
    { "dom0", XENFEAT_dom0 },
};

/*
 * What a PV guest can't have here, nor on Xen: a kernel that insists on it was not built for PV. (Linux
 * insists on writable_page_tables without needing it, so that one is no reason to refuse.)
 */
#define FEATURES_IMPOSSIBLE                                                                        \
    (BIT(XENFEAT_auto_translated_physmap) | BIT(XENFEAT_supervisor_mode_kernel))

/* ---- values ---- */

static bool read_number(struct slice desc, unsigned type, u64 *out, struct problem *problem)
{
    *out = 0;
    if (desc.length != 1 && desc.length != 2 && desc.length != 4 && desc.length != 8)
        return problem_value(problem, note_places[type], desc.length,
                             "a number with that many bytes (not 1, 2, 4 or 8)", REMEDY_BUILD);
    memcpy(out, desc.text, desc.length);
    return true;
}

/* A note's string may end with its NUL or without one. */
static struct slice until_nul(struct slice text)
{
    text.length = strnlen(text.text, text.length);
    return text;
}

static bool read_text(struct slice desc, char *buf, size_t size, const char *place,
                      struct problem *problem)
{
    if (!slice_copy(until_nul(desc), buf, size))
        return problem_text(problem, place, until_nul(desc), "the text is longer than 31 bytes",
                            REMEDY_BUILD);
    return true;
}

static bool read_feature(struct xen_image *image, struct slice word, struct problem *problem)
{
    bool required = word.length && word.text[0] == '!';

    if (required) {
        word.text++;
        word.length--;
    }
    for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
        if (!slice_equals(word, features[i].name))
            continue;
        image->features_supported |= (u32)BIT(features[i].bit);
        if (required)
            image->features_required |= (u32)BIT(features[i].bit);
        return true;
    }
    if (required)
        return problem_text(problem, note_places[XEN_ELFNOTE_FEATURES], word,
                            "the image requires a feature that isn't known here", REMEDY_PV);
    return true; /* unknown but not required: it can do without */
}

static bool read_features(struct xen_image *image, struct slice text, struct problem *problem)
{
    text = until_nul(text);
    while (text.length)
        if (!read_feature(image, slice_cut(&text, '|'), problem))
            return false;
    return true;
}

/* ---- ELF notes ---- */

/* Where a number goes, or NULL for a note that isn't one or isn't needed. */
static u64 *number_field(struct xen_image *image, u32 type)
{
    switch (type) {
    case XEN_ELFNOTE_ENTRY:
        return &image->entry;
    case XEN_ELFNOTE_HYPERCALL_PAGE:
        return &image->hypercall_page;
    case XEN_ELFNOTE_VIRT_BASE:
        return &image->virt_base;
    case XEN_ELFNOTE_PADDR_OFFSET:
        return &image->paddr_offset;
    case XEN_ELFNOTE_HV_START_LOW:
        return &image->hv_start_low;
    case XEN_ELFNOTE_INIT_P2M:
        return &image->init_p2m;
    case XEN_ELFNOTE_PHYS32_ENTRY:
        return &image->phys32_entry;
    default:
        return NULL;
    }
}

/* Where a text goes; all four have the same size. */
static char *text_field(struct xen_image *image, u32 type)
{
    switch (type) {
    case XEN_ELFNOTE_XEN_VERSION:
        return image->xen_version;
    case XEN_ELFNOTE_GUEST_OS:
        return image->guest_os;
    case XEN_ELFNOTE_GUEST_VERSION:
        return image->guest_version;
    case XEN_ELFNOTE_LOADER:
        return image->loader;
    default:
        return NULL;
    }
}

static bool read_note(struct xen_image *image, const struct elf_note *note, struct problem *problem)
{
    u64 *number = number_field(image, note->type), value;
    char *text = text_field(image, note->type);

    if (note->type > XEN_ELFNOTE_MAX)
        return true; /* newer than this reader: nothing that PV needs */
    image->present |= (u32)BIT(note->type);
    if (number)
        return read_number(note->desc, note->type, number, problem);
    if (text)
        return read_text(note->desc, text, sizeof(image->loader), note_places[note->type], problem);
    if (note->type == XEN_ELFNOTE_FEATURES)
        return read_features(image, note->desc, problem);
    if (note->type != XEN_ELFNOTE_MOD_START_PFN && note->type != XEN_ELFNOTE_SUPPORTED_FEATURES)
        return true;
    if (!read_number(note->desc, note->type, &value, problem))
        return false;
    if (note->type == XEN_ELFNOTE_MOD_START_PFN)
        image->mod_start_pfn = value != 0;
    else
        image->features_supported |= (u32)value;
    return true;
}

static bool read_notes(struct xen_image *image, struct slice notes, bool *found,
                       struct problem *problem)
{
    struct elf_note note;

    while (elf_note_next(&notes, &note)) {
        if (!slice_equals(note.name, "Xen"))
            continue;
        *found = true;
        if (!read_note(image, &note, problem))
            return false;
    }
    return true;
}

static bool read_segment_notes(struct xen_image *image, const struct elf *elf, bool *found,
                               struct problem *problem)
{
    image->source = XEN_IMAGE_SEGMENT_NOTES;
    for (unsigned i = 0; i < elf->header.phnum; i++) {
        struct elf_segment segment = elf_segment(elf, i);

        if (segment.type == ELF_PT_NOTE &&
            !read_notes(image, elf_segment_bytes(elf, &segment), found, problem))
            return false;
    }
    return true;
}

static bool read_section_notes(struct xen_image *image, const struct elf *elf, bool *found,
                               struct problem *problem)
{
    image->source = XEN_IMAGE_SECTION_NOTES;
    for (unsigned i = 0; i < elf->header.shnum; i++) {
        struct elf_section section = elf_section(elf, i);

        if (section.type == ELF_SHT_NOTE &&
            !read_notes(image, elf_section_bytes(elf, &section), found, problem))
            return false;
    }
    return true;
}

/* ---- the legacy string: "GUEST_OS=Mini-OS,XEN_VER=xen-3.0,VIRT_BASE=0x0,..." ---- */

/* Each legacy key stands for a note; a value is text in both. */
static const struct {
    const char *key;
    unsigned note;
} legacy_keys[] = {
    { "GUEST_OS", XEN_ELFNOTE_GUEST_OS },     { "GUEST_VER", XEN_ELFNOTE_GUEST_VERSION },
    { "XEN_VER", XEN_ELFNOTE_XEN_VERSION },   { "LOADER", XEN_ELFNOTE_LOADER },
    { "VIRT_BASE", XEN_ELFNOTE_VIRT_BASE },   { "VIRT_ENTRY", XEN_ELFNOTE_ENTRY },
    { "FEATURES", XEN_ELFNOTE_FEATURES },     { "ELF_PADDR_OFFSET", XEN_ELFNOTE_PADDR_OFFSET },
    { "PAE", XEN_ELFNOTE_PAE_MODE },          { "HYPERCALL_PAGE", XEN_ELFNOTE_HYPERCALL_PAGE },
    { "BSD_SYMTAB", XEN_ELFNOTE_BSD_SYMTAB },
};

static bool read_legacy_value(struct xen_image *image, unsigned note, struct slice value,
                              struct problem *problem)
{
    u64 *number = number_field(image, note);
    char *text = text_field(image, note);

    image->present |= (u32)BIT(note);
    if (number && !parse_number(value, number))
        return problem_text(problem, note_places[note], value, "__xen_guest has no number there",
                            REMEDY_BUILD);
    if (text)
        return read_text(value, text, sizeof(image->loader), note_places[note], problem);
    if (note == XEN_ELFNOTE_FEATURES)
        return read_features(image, value, problem);
    return true;
}

static bool read_legacy_string(struct xen_image *image, struct slice text, struct problem *problem)
{
    while (text.length) {
        struct slice value = slice_cut(&text, ',');
        struct slice key = slice_cut(&value, '=');

        for (size_t i = 0; i < ARRAY_SIZE(legacy_keys); i++)
            if (slice_equals(key, legacy_keys[i].key) &&
                !read_legacy_value(image, legacy_keys[i].note, value, problem))
                return false;
    }
    return true;
}

static bool read_legacy(struct xen_image *image, const struct elf *elf, bool *found,
                        struct problem *problem)
{
    struct elf_section section;

    image->source = XEN_IMAGE_LEGACY;
    if (!elf_find_section(elf, "__xen_guest", &section))
        return true;
    *found = true;
    return read_legacy_string(image, until_nul(elf_section_bytes(elf, &section)), problem);
}

/* ---- defaults and checks ---- */

/* Fills in what absent notes mean, and where the segments lie. */
static void finish(struct xen_image *image, const struct elf *elf)
{
    u64 first = UINT64_MAX, end = 0;

    if (!xen_image_has(image, XEN_ELFNOTE_ENTRY))
        image->entry = elf->header.entry;
    if (image->source == XEN_IMAGE_LEGACY) {
        /* Older hypervisors took p_paddr for virtual addresses, and here the page is a page *number*. */
        if (!xen_image_has(image, XEN_ELFNOTE_PADDR_OFFSET))
            image->paddr_offset = image->virt_base;
        image->hypercall_page = image->virt_base + (image->hypercall_page << PAGE_SHIFT);
    }
    for (unsigned i = 0; i < elf->header.phnum; i++) {
        struct elf_segment segment = elf_segment(elf, i);

        if (!elf_segment_loads(&segment))
            continue;
        first = min(first, segment.paddr);
        end = max(end, segment.paddr + segment.memsz);
    }
    image->virt_start = image->virt_base + xen_image_offset(image, first);
    image->virt_end = image->virt_base + xen_image_offset(image, end);
}

static bool check_kind(const struct xen_image *image, struct problem *problem)
{
    if (strncmp(image->xen_version, "xen-3.0", 7) != 0)
        return problem_text(problem, note_places[XEN_ELFNOTE_XEN_VERSION],
                            slice_of(image->xen_version),
                            "the interface that can be offered is xen-3.0", REMEDY_PV);
    if (strcmp(image->loader, "generic") != 0 && strcmp(image->guest_os, "linux") != 0)
        return problem_text(problem, note_places[XEN_ELFNOTE_LOADER], slice_of(image->loader),
                            "only images for the generic loader can be started", REMEDY_PV);
    if (image->features_required & FEATURES_IMPOSSIBLE)
        return problem_value(problem, note_places[XEN_ELFNOTE_FEATURES], image->features_required,
                             "the image requires auto_translated_physmap or supervisor_mode_kernel,"
                             " which PV guests don't have",
                             REMEDY_PV);
    return true;
}

static bool check_page(const struct xen_image *image, unsigned note, u64 va,
                       struct problem *problem)
{
    if (xen_image_has(image, note) && va % PAGE_SIZE)
        return problem_value(problem, note_places[note], va,
                             "the address must be a multiple of the page size", REMEDY_BUILD);
    return true;
}

static bool check_addresses(const struct xen_image *image, struct problem *problem)
{
    if (xen_image_has(image, XEN_ELFNOTE_PADDR_OFFSET) &&
        !xen_image_has(image, XEN_ELFNOTE_VIRT_BASE))
        return problem_value(problem, note_places[XEN_ELFNOTE_PADDR_OFFSET], image->paddr_offset,
                             "PADDR_OFFSET says nothing without VIRT_BASE", REMEDY_BUILD);
    if (!check_page(image, XEN_ELFNOTE_VIRT_BASE, image->virt_base, problem) ||
        !check_page(image, XEN_ELFNOTE_PADDR_OFFSET, image->paddr_offset, problem) ||
        !check_page(image, XEN_ELFNOTE_HYPERCALL_PAGE, image->hypercall_page, problem) ||
        !check_page(image, XEN_ELFNOTE_INIT_P2M, image->init_p2m, problem))
        return false;
    if (image->virt_start < image->virt_base || image->virt_end < image->virt_start)
        return problem_value(
            problem, note_places[XEN_ELFNOTE_VIRT_BASE], image->virt_base,
            "the segments' p_paddr, less PADDR_OFFSET, begin below it or wrap around",
            REMEDY_BUILD);
    if (image->entry < image->virt_start || image->entry >= image->virt_end)
        return problem_value(problem, note_places[XEN_ELFNOTE_ENTRY], image->entry,
                             "the entry lies outside of the image's segments", REMEDY_BUILD);
    if (xen_image_has(image, XEN_ELFNOTE_HYPERCALL_PAGE) &&
        (image->hypercall_page < image->virt_start || image->hypercall_page >= image->virt_end))
        return problem_value(problem, note_places[XEN_ELFNOTE_HYPERCALL_PAGE],
                             image->hypercall_page, "the page lies outside of the image's segments",
                             REMEDY_BUILD);
    return true;
}

bool xen_image_read(struct xen_image *image, const struct elf *elf, struct problem *problem)
{
    bool found = false;

    *image = (struct xen_image){ 0 };
    if (!read_segment_notes(image, elf, &found, problem) ||
        (!found && !read_section_notes(image, elf, &found, problem)) ||
        (!found && !read_legacy(image, elf, &found, problem)))
        return false;
    if (!found)
        return problem_plain(problem, "ELF notes",
                             "the image has neither notes of Xen's nor a section __xen_guest",
                             REMEDY_PV);
    finish(image, elf);
    return check_kind(image, problem) && check_addresses(image, problem);
}
