/* Fuzzes the bzImage reader: whatever it accepts must lie within the file. */
#include "fuzz.h"
#include "lib/bzimage.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct problem problem;
    struct bzimage image;
    char line[256];

    if (!bzimage_read(&image, data, size, &problem)) {
        problem_format(&problem, line, sizeof(line));
        return 0;
    }
    FUZZ_REQUIRE(image.offset <= size && image.length <= size - image.offset);
    fuzz_touch(data + image.offset, image.length);
    FUZZ_REQUIRE(bzimage_format_name(image.format)[0] != 'u');
    return 0;
}
