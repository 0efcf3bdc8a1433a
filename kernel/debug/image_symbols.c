/*
 * A guest's function names: taken from its image's .symtab while the image is still there, kept in a few pages, each a small table.
 *
 * The image is hostile, and a symbol table is an aid only: what does not fit the file, has no name or is too much is left out, never an error. Names
 * are cut to SYMBOL_NAME and cleaned of what could play with a terminal. There is no order: a crash report may take its time to search.
 */
#include "debug/image_symbols.h"

#include "lib/debug.h"
#include "lib/elf.h"
#include "lib/string.h"
#include "mm/alloc.h"

struct named {
    u64 start;
    u64 size; /* 0: not known */
    char name[SYMBOL_NAME];
};

#define NAMED_PER_PAGE ((PAGE_SIZE - 16) / sizeof(struct named))
#define MOST_PAGES     64      /* 256 KiB for one image: about 4600 names */
#define MOST_DISTANCE  KIB(64) /* an address further behind a label without size isn't its code */

struct image_symbols {
    struct image_symbols *next;
    u64 count;
    struct named named[NAMED_PER_PAGE];
};
static_assert(sizeof(struct image_symbols) <= PAGE_SIZE, "one page each");

static struct image_symbols *new_page(struct image_symbols *before)
{
    mfn_t mfn = alloc_koan_page();

    if (mfn.n == INVALID_MFN.n)
        return NULL;
    struct image_symbols *page = mfn_to_virt(mfn);
    page->next = before;
    page->count = 0;
    return page;
}

/* The name at `offset` of the string table, printable characters only; false if there is none. */
static bool clean_name(char *to, struct slice strings, u64 offset)
{
    size_t i = 0;

    if (offset >= strings.length)
        return false;
    for (; i < SYMBOL_NAME - 1 && offset + i < strings.length && strings.text[offset + i]; i++) {
        char c = strings.text[offset + i];
        to[i] = c > ' ' && c < 0x7f ? c : '?';
    }
    to[i] = '\0';
    return i > 0;
}

/* Code only: functions, and labels without a type (assembly) in a section that holds code. */
static bool is_code(const struct elf *elf, const struct elf_symbol_entry *symbol)
{
    enum { NOTYPE = 0, FUNC = 2, SHF_EXECINSTR = 4 };
    u8 type = symbol->info & 15;

    if ((type != FUNC && type != NOTYPE) || !symbol->section ||
        symbol->section >= elf->header.shnum)
        return false;
    struct elf_section section = elf_section(elf, symbol->section);
    return section.flags & SHF_EXECINSTR;
}

/* The first page of the list, which may be a new one; NULL when there is no room for more. */
static struct image_symbols *add(struct image_symbols *list, u32 *pages, const struct named *named)
{
    struct image_symbols *page = list;

    if (!page || page->count == NAMED_PER_PAGE) {
        if (*pages == MOST_PAGES || !(page = new_page(list)))
            return NULL;
        ++*pages;
    }
    page->named[page->count++] = *named;
    return page;
}

static bool find_symtab(const struct elf *elf, struct slice *symbols, struct slice *strings)
{
    for (u32 i = 0; i < elf->header.shnum; i++) {
        struct elf_section section = elf_section(elf, i);

        if (section.type != ELF_SHT_SYMTAB || section.link >= elf->header.shnum)
            continue;
        struct elf_section names = elf_section(elf, section.link);
        *symbols = elf_section_bytes(elf, &section);
        *strings = elf_section_bytes(elf, &names);
        return true;
    }
    return false;
}

struct image_symbols *image_symbols_keep(const void *image, size_t length)
{
    struct problem problem;
    struct elf elf;
    struct slice symbols, strings;
    struct image_symbols *list = NULL;
    u32 pages = 0;

    if (!elf_is_elf(image, length) || !elf_open(&elf, image, length, &problem) ||
        !find_symtab(&elf, &symbols, &strings))
        return NULL;
    for (u64 at = 0; at + sizeof(struct elf_symbol_entry) <= symbols.length;
         at += sizeof(struct elf_symbol_entry)) {
        struct elf_symbol_entry symbol;
        struct named named;

        memcpy(&symbol, symbols.text + at, sizeof(symbol));
        if (!is_code(&elf, &symbol) || !clean_name(named.name, strings, symbol.name))
            continue;
        named.start = symbol.value;
        named.size = symbol.size;
        struct image_symbols *page = add(list, &pages, &named);
        if (!page)
            break;
        list = page;
    }
    return list;
}

void image_symbols_drop(struct image_symbols *symbols)
{
    while (symbols) {
        struct image_symbols *next = symbols->next;

        alloc_free_koan_page(virt_to_mfn(symbols));
        symbols = next;
    }
}

/* Does a's code begin further behind than b's, or at the same place with more said about it? */
static bool is_nearer(const struct named *a, const struct named *b)
{
    return !b || a->start > b->start || (a->start == b->start && a->size > b->size);
}

const char *image_symbols_find(const struct image_symbols *symbols, u64 address, u64 *offset)
{
    const struct named *best = NULL;

    for (; symbols; symbols = symbols->next)
        for (u64 i = 0; i < symbols->count; i++)
            if (symbols->named[i].start <= address && is_nearer(&symbols->named[i], best))
                best = &symbols->named[i];
    if (!best || address - best->start >= (best->size ? best->size : MOST_DISTANCE))
        return NULL;
    *offset = address - best->start;
    return best->name;
}
