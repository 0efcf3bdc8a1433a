/* Fuzzes the reader of command lines: it must come to an end, and stay within the line. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "lib/parse.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    char *line = malloc(size + 1);
    const char *cursor = line;
    struct option option;
    u64 number;
    bool yes;

    memcpy(line, data, size);
    line[size] = '\0';
    for (const char *before = cursor; option_next(&cursor, &option); before = cursor) {
        FUZZ_REQUIRE(cursor > before && cursor <= line + size);
        fuzz_touch(option.key.text, option.key.length);
        fuzz_touch(option.value.text, option.value.length);
        parse_size(option.value, &number);
        parse_bool(&option, &yes);
    }
    FUZZ_REQUIRE(cursor <= line + size);
    free(line);
    return 0;
}
