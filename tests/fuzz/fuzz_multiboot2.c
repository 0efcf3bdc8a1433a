/*
 * Fuzzes the reader of what the boot loader left: memory map, modules, texts. The ranges of memory must come out
 * sorted and apart, texts must end inside the data.
 */
#include <string.h>

#include "fuzz.h"
#include "boot/multiboot2.h"
#include "lib/parse.h"

static void check_text(const char *text)
{
    const char *cursor = text;
    struct option option;

    fuzz_touch(text, strlen(text) + 1);
    while (option_next(&cursor, &option))
        fuzz_touch(option.value.text, option.value.length);
    fuzz_touch(cursor, strlen(cursor) + 1);
}

static void check_ram(const struct range_list *ram)
{
    FUZZ_REQUIRE(ram->count <= RANGES_MAX);
    for (u32 i = 0; i < ram->count; i++) {
        FUZZ_REQUIRE(ram->range[i].start < ram->range[i].end);
        FUZZ_REQUIRE((ram->range[i].start | ram->range[i].end) % PAGE_SIZE == 0);
        FUZZ_REQUIRE(i == 0 || ram->range[i - 1].end < ram->range[i].start);
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct boot_info info;

    if (multiboot2_parse(data, size, &info))
        return 0;
    check_ram(&info.ram);
    check_text(info.command_line);
    check_text(info.loader);
    FUZZ_REQUIRE(info.nr_modules <= BOOT_MODULES_MAX);
    for (u32 i = 0; i < info.nr_modules; i++) {
        FUZZ_REQUIRE(info.modules[i].start < info.modules[i].end);
        check_text(info.modules[i].command_line);
    }
    if (info.rsdp)
        fuzz_touch(info.rsdp, info.rsdp_length);
    return 0;
}
