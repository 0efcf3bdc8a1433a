/*
 * The Multiboot2 boot information (Multiboot2 specification 2.0, 3.4 to 3.6): a list of tags, each
 * with type and size.
 *
 * Firmware and loaders get it wrong, and a fuzzer feeds it garbage: each tag is checked against the
 * end of the data, each text must end in NUL inside its tag, and the memory map may be unsorted and
 * overlapping. A tag that is no good is skipped.
 */
#include "boot/multiboot2.h"

#include "lib/string.h"

enum tag_type {
    TAG_END = 0,
    TAG_COMMAND_LINE = 1,
    TAG_LOADER = 2,
    TAG_MODULE = 3,
    TAG_MEMORY_MAP = 6,
    TAG_FRAMEBUFFER = 8,
    TAG_ACPI_OLD = 14, /* RSDP of ACPI 1.0 */
    TAG_ACPI_NEW = 15, /* of ACPI 2.0 and later: wins */
};

struct tag {
    u32 type;
    u32 size; /* with this head; the next tag begins at the next multiple of 8 */
};

struct tag_module {
    struct tag tag;
    u32 start, end;
    char command_line[];
};

struct tag_memory_map {
    struct tag tag;
    u32 entry_size;
    u32 entry_version;
};

struct memory_entry {
    u64 base, length;
    u32 type;
    u32 reserved;
};
#define MEMORY_USABLE 1

struct tag_framebuffer {
    struct tag tag;
    u64 address;
    u32 pitch, width, height;
    u8 bits;
    u8 type; /* 0 palette, 1 direct colour, 2 text */
    u16 reserved;
};
#define FRAMEBUFFER_DIRECT 1
#define FRAMEBUFFER_TEXT   2

#define ADDRESS_MAX (1UL << 52) /* no PC has memory above */

/* The text that begins at `offset` in the tag, or "" if it isn't one. */
static const char *tag_text(const struct tag *tag, size_t offset)
{
    const char *text = (const char *)tag + offset;

    if (tag->size <= offset || strnlen(text, tag->size - offset) == tag->size - offset)
        return "";
    return text;
}

static void read_module(const struct tag *tag, struct boot_info *out)
{
    const struct tag_module *t = (const struct tag_module *)tag;

    if (tag->size < sizeof(*t))
        return;
    if (t->start >= t->end || out->nr_modules == BOOT_MODULES_MAX) {
        out->modules_lost++;
        return;
    }
    out->modules[out->nr_modules++] = (struct boot_module){
        .start = t->start,
        .end = t->end,
        .command_line = tag_text(tag, sizeof(*t)),
    };
}

/* LAB 1.1: From the loader's map: whole pages of usable RAM that are nothing else as well. */

/* Entry i of the map, made harmless: inside the address space, start before end. False behind the
 * last one. */
static bool memory_entry(const struct tag *tag, u32 i, struct memory_entry *entry)
{
    const struct tag_memory_map *t = (const struct tag_memory_map *)tag;
    u64 offset = sizeof(*t) + (u64)i * t->entry_size;

    if (offset + sizeof(*entry) > tag->size)
        return false;
    memcpy(entry, (const char *)tag + offset, sizeof(*entry));
    entry->base = min(entry->base, ADDRESS_MAX);
    entry->length = min(entry->length, ADDRESS_MAX - entry->base);
    return true;
}

/* What is usable and not also something else. Usable ranges shrink to whole pages, the others grow
 * to them. */
static void read_memory_map(const struct tag *tag, struct boot_info *out)
{
    const struct tag_memory_map *t = (const struct tag_memory_map *)tag;
    struct memory_entry e;

    if (tag->size < sizeof(*t) || t->entry_size < sizeof(e))
        return;
    for (u32 i = 0; memory_entry(tag, i, &e); i++)
        if (e.type == MEMORY_USABLE)
            ranges_add(&out->ram, ROUND_UP(e.base, PAGE_SIZE),
                       ROUND_DOWN(e.base + e.length, PAGE_SIZE));
    for (u32 i = 0; memory_entry(tag, i, &e); i++)
        if (e.type != MEMORY_USABLE && e.length > 0)
            ranges_subtract(&out->ram, ROUND_DOWN(e.base, PAGE_SIZE),
                            ROUND_UP(e.base + e.length, PAGE_SIZE));
}

/* END LAB 1.1 */

static void read_framebuffer(const struct tag *tag, struct boot_info *out)
{
    struct tag_framebuffer t;

    if (tag->size < sizeof(t))
        return;
    memcpy(&t, tag, sizeof(t));
    out->screen = (struct screen_config){
        .kind = t.type == FRAMEBUFFER_TEXT     ? SCREEN_TEXT
                : t.type == FRAMEBUFFER_DIRECT ? SCREEN_PIXELS
                                               : SCREEN_NONE,
        .address = t.address,
        .pitch = t.pitch,
        .width = t.width,
        .height = t.height,
        .bits = t.bits,
    };
}

static void read_rsdp(const struct tag *tag, struct boot_info *out)
{
    if (tag->type == TAG_ACPI_OLD && out->rsdp)
        return;
    out->rsdp = tag + 1;
    out->rsdp_length = tag->size - sizeof(*tag);
}

static void read_tag(const struct tag *tag, struct boot_info *out)
{
    switch (tag->type) {
    case TAG_COMMAND_LINE:
        out->command_line = tag_text(tag, sizeof(*tag));
        break;
    case TAG_LOADER:
        out->loader = tag_text(tag, sizeof(*tag));
        break;
    case TAG_MODULE:
        read_module(tag, out);
        break;
    case TAG_MEMORY_MAP:
        read_memory_map(tag, out);
        break;
    case TAG_FRAMEBUFFER:
        read_framebuffer(tag, out);
        break;
    case TAG_ACPI_OLD:
    case TAG_ACPI_NEW:
        read_rsdp(tag, out);
        break;
    }
}

const char *multiboot2_parse(const void *data, size_t size, struct boot_info *out)
{
    u32 total; /* the head: total size, a reserved word; then the tags */
    size_t offset = 8;

    memset(out, 0, sizeof(*out));
    out->command_line = out->loader = "";
    if (size < 8)
        return "the boot information is shorter than its head";
    memcpy(&total, data, sizeof(total));
    if (total > size)
        return "the boot information says that it is longer than it is";

    while (offset + sizeof(struct tag) <= total) {
        const struct tag *tag = (const struct tag *)((const char *)data + offset);

        if (tag->type == TAG_END)
            return out->ram.count ? NULL : "the boot information holds no memory map";
        if (tag->size < sizeof(*tag) || tag->size > total - offset)
            return "a tag of the boot information reaches beyond its end";
        read_tag(tag, out);
        offset += ROUND_UP((size_t)tag->size, 8);
    }
    return "the boot information has no end tag";
}
