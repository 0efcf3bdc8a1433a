/*
 * Makes ELF images by hand for the tests of the readers: header, segments, notes, sections.
 *
 * The finished image stands in a heap block of exactly its size, so that the sanitizer sees a read behind it.
 */
#ifndef KOAN_TESTS_UNIT_IMAGE_H
#define KOAN_TESTS_UNIT_IMAGE_H

#include "lib/elf.h"

enum { IMAGE_SEGMENTS = 8, IMAGE_SECTIONS = 8, IMAGE_MAX = 16384 };

struct image {
    struct elf_header header;
    struct elf_segment segments[IMAGE_SEGMENTS];
    struct elf_section sections[IMAGE_SECTIONS];
    char section_names[256];
    size_t section_names_size;
    u8 data[IMAGE_MAX];
    size_t data_size;
    u8 notes[2048];
    size_t notes_size;
};

/* An x86-64 program without segments; one empty section, as the format asks for. */
void image_begin(struct image *image, u64 entry);

/* A PT_LOAD segment of memsz bytes, filesz of them (all 0xab) in the file. Returns it, for tests that spoil it. */
struct elf_segment *image_load(struct image *image, u64 paddr, u64 filesz, u64 memsz);

/* A segment or a section with these bytes. image_section returns the section's number. */
struct elf_segment *image_segment(struct image *image, u32 type, const void *bytes, size_t size);
unsigned image_section(struct image *image, const char *name, u32 type, const void *bytes,
                       size_t size);

/* Collects notes; image_notes makes a PT_NOTE segment (or an SHT_NOTE section) of those collected. */
void image_note(struct image *image, const char *owner, u32 type, const void *desc, u32 size);
void image_note_number(struct image *image, u32 type, u64 value);
void image_note_text(struct image *image, u32 type, const char *text);
void image_notes(struct image *image, bool as_section);

/* The image in a block of its own, to be freed. */
u8 *image_finish(struct image *image, size_t *size);

/* The notes that any PV image has: XEN_VERSION, LOADER, VIRT_BASE, ENTRY. */
void image_usual_notes(struct image *image, u64 virt_base, u64 entry);

#endif
