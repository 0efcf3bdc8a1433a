/* Makes ELF images by hand. See image.h. */
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "image.h"
#include "abi/elfnote.h"

enum { HEADERS = sizeof(struct elf_header) + IMAGE_SEGMENTS * sizeof(struct elf_segment) };

void image_begin(struct image *image, u64 entry)
{
    memset(image, 0, sizeof(*image));
    memcpy(image->header.ident, "\177ELF\2\1\1", 7);
    image->header.type = 2;
    image->header.machine = 62;
    image->header.version = 1;
    image->header.entry = entry;
    image->header.ehsize = sizeof(struct elf_header);
    image->header.phoff = sizeof(struct elf_header);
    image->header.phentsize = sizeof(struct elf_segment);
    image->header.shentsize = sizeof(struct elf_section);
    image->header.shnum = 1;
    image->section_names_size = 1;
}

static u64 append(struct image *image, const void *bytes, size_t size)
{
    u64 offset = HEADERS + image->data_size;

    ck_assert_uint_le(image->data_size + size, sizeof(image->data));
    memcpy(image->data + image->data_size, bytes, size);
    image->data_size += size;
    return offset;
}

struct elf_segment *image_segment(struct image *image, u32 type, const void *bytes, size_t size)
{
    struct elf_segment *segment = &image->segments[image->header.phnum++];

    ck_assert_uint_le(image->header.phnum, IMAGE_SEGMENTS);
    segment->type = type;
    segment->flags = 7;
    segment->offset = append(image, bytes, size);
    segment->filesz = segment->memsz = size;
    return segment;
}

struct elf_segment *image_load(struct image *image, u64 paddr, u64 filesz, u64 memsz)
{
    u8 bytes[IMAGE_MAX];

    memset(bytes, 0xab, sizeof(bytes));
    struct elf_segment *segment = image_segment(image, ELF_PT_LOAD, bytes, filesz);
    segment->paddr = paddr;
    segment->vaddr = 0; /* nobody may look at it */
    segment->memsz = memsz;
    return segment;
}

unsigned image_section(struct image *image, const char *name, u32 type, const void *bytes,
                       size_t size)
{
    struct elf_section *section = &image->sections[image->header.shnum++];

    ck_assert_uint_le(image->header.shnum, IMAGE_SECTIONS - 1);
    section->name = (u32)image->section_names_size;
    strcpy(image->section_names + image->section_names_size, name);
    image->section_names_size += strlen(name) + 1;
    section->type = type;
    section->offset = append(image, bytes, size);
    section->size = size;
    return image->header.shnum - 1u;
}

static void add_note_bytes(struct image *image, const void *bytes, size_t size)
{
    ck_assert_uint_le(image->notes_size + size + 3, sizeof(image->notes));
    memcpy(image->notes + image->notes_size, bytes, size);
    image->notes_size = (image->notes_size + size + 3) & ~3UL;
}

void image_note(struct image *image, const char *owner, u32 type, const void *desc, u32 size)
{
    u32 words[3] = { (u32)strlen(owner) + 1, size, type };

    add_note_bytes(image, words, sizeof(words));
    add_note_bytes(image, owner, words[0]);
    add_note_bytes(image, desc, size);
}

void image_note_number(struct image *image, u32 type, u64 value)
{
    image_note(image, "Xen", type, &value, sizeof(value));
}

void image_note_text(struct image *image, u32 type, const char *text)
{
    image_note(image, "Xen", type, text, (u32)strlen(text) + 1);
}

void image_notes(struct image *image, bool as_section)
{
    if (as_section)
        image_section(image, ".notes", ELF_SHT_NOTE, image->notes, image->notes_size);
    else
        image_segment(image, ELF_PT_NOTE, image->notes, image->notes_size);
    image->notes_size = 0;
}

void image_usual_notes(struct image *image, u64 virt_base, u64 entry)
{
    image_note_text(image, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
    image_note_text(image, XEN_ELFNOTE_LOADER, "generic");
    image_note_number(image, XEN_ELFNOTE_VIRT_BASE, virt_base);
    image_note_number(image, XEN_ELFNOTE_ENTRY, entry);
}

u8 *image_finish(struct image *image, size_t *size)
{
    unsigned names = image->header.shnum++;
    struct elf_section *section = &image->sections[names];

    section->type = 3;
    section->size = image->section_names_size;
    section->offset = append(image, image->section_names, image->section_names_size);
    image->header.shstrndx = (u16)names;
    image->header.shoff = append(image, image->sections, image->header.shnum * sizeof(*section));

    *size = HEADERS + image->data_size;
    u8 *out = malloc(*size);
    memcpy(out, &image->header, sizeof(image->header));
    memcpy(out + sizeof(image->header), image->segments, sizeof(image->segments));
    memcpy(out + HEADERS, image->data, image->data_size);
    return out;
}
