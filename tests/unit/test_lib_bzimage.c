/* lib/bzimage.c: boot headers made by hand, one table of payloads and one of refusals. */
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "lib/bzimage.h"

/* 2 set-up sectors: the protected-mode part begins at 0x600; the payload 0x80 behind that. */
enum { SIZE = 0x800, PAYLOAD = 0x680, PAYLOAD_LENGTH = 0x100 };

static u8 *make(size_t size)
{
    u8 *file = calloc(1, size);
    u16 flag = 0xaa55, version = 0x020f;
    u32 offset = PAYLOAD - 0x600, length = PAYLOAD_LENGTH, unpacked = 0x12345678;

    file[0x1f1] = 2;
    memcpy(file + 0x1fe, &flag, 2);
    memcpy(file + 0x202, "HdrS", 4);
    memcpy(file + 0x206, &version, 2);
    memcpy(file + 0x248, &offset, 4);
    memcpy(file + 0x24c, &length, 4);
    memcpy(file + PAYLOAD, "\x1f\x8b", 2);
    memcpy(file + PAYLOAD + PAYLOAD_LENGTH - 4, &unpacked, 4);
    return file;
}

static const struct {
    const char *magic;
    size_t magic_length;
    const char *name; /* NULL: refused */
    u64 length, unpacked;
    const char *value; /* of the refusal */
} payloads[] = {
    { "\x1f\x8b\x08", 3, "gzip", PAYLOAD_LENGTH, 0x12345678, NULL },
    { "\x02\x21\x4c\x18", 4, "lz4", PAYLOAD_LENGTH - 4, 0x12345678, NULL },
    { "\xfd"
      "7zXZ\0",
      6, "xz", PAYLOAD_LENGTH - 4, 0x12345678, NULL },
    { "\177ELF\2", 5, "elf", PAYLOAD_LENGTH, PAYLOAD_LENGTH, NULL },
    { "BZh91AY", 7, NULL, 0, 0, "\"bzip2\"" },
    { "\x5d\0\0\0\4", 5, NULL, 0, 0, "\"lzma\"" },
    { "\x89LZO\0", 5, NULL, 0, 0, "\"lzo\"" },
    { "\x28\xb5\x2f\xfd", 4, NULL, 0, 0, "\"zstd\"" },
    { "what", 4, NULL, 0, 0, "0x74616877" },
};

START_TEST(test_payloads)
{
    u8 *file = make(SIZE);
    struct problem problem;
    struct bzimage out;

    memcpy(file + PAYLOAD, payloads[_i].magic, payloads[_i].magic_length);
    ck_assert(bzimage_is_bzimage(file, SIZE));
    bool good = bzimage_read(&out, file, SIZE, &problem);
    ck_assert_int_eq(good, payloads[_i].name != NULL);
    if (good) {
        ck_assert_str_eq(bzimage_format_name(out.format), payloads[_i].name);
        ck_assert_uint_eq(out.offset, PAYLOAD);
        ck_assert_uint_eq(out.length, payloads[_i].length);
        ck_assert_uint_eq(out.unpacked_size, payloads[_i].unpacked);
    } else {
        ck_assert_str_eq(problem.value, payloads[_i].value);
    }
    free(file);
}
END_TEST

static const struct {
    size_t offset, bytes;
    u64 value;
    const char *place;
} spoils[] = {
    { 0x202, 4, 0, "boot header, magic" },
    { 0x1fe, 2, 0x55aa, "boot header, boot_flag" },
    { 0x206, 2, 0x0207, "boot header, version" },
    { 0x248, 4, 0xffffffff, "boot header, payload_offset" },
    { 0x248, 4, SIZE - 0x600 + 1, "boot header, payload_offset" },
    { 0x248, 4, SIZE - 0x600, "boot header, payload_length" },
    { 0x24c, 4, 0xffffffff, "boot header, payload_length" },
    { 0x24c, 4, SIZE - PAYLOAD + 1, "boot header, payload_length" },
    { 0x24c, 4, 15, "boot header, payload_length" },
    { 0x24c, 4, 0, "boot header, payload_length" },
    { 0x1f1, 1, 255, "boot header, payload_offset" },
};

START_TEST(test_refusals)
{
    u8 *file = make(SIZE);
    struct problem problem;
    struct bzimage out;

    memcpy(file + spoils[_i].offset, &spoils[_i].value, spoils[_i].bytes);
    ck_assert(!bzimage_read(&out, file, SIZE, &problem));
    ck_assert_str_eq(problem.place, spoils[_i].place);
    free(file);
}
END_TEST

/* A payload that ends with the file is whole; one byte less is not. */
START_TEST(test_every_length)
{
    u8 *file = make(SIZE);
    struct problem problem;
    struct bzimage out;

    for (size_t cut = 0; cut < SIZE; cut++) {
        u8 *part = malloc(cut);

        if (cut)
            memcpy(part, file, cut);
        ck_assert_int_eq(bzimage_read(&out, part, cut, &problem), cut >= PAYLOAD + PAYLOAD_LENGTH);
        free(part);
    }
    free(file);
}
END_TEST

/* setup_sects 0 means 4 (boot protocol, "setup_sects"). */
START_TEST(test_no_sectors_means_four)
{
    u8 *file = make(0x1000);
    struct problem problem;
    struct bzimage out;

    file[0x1f1] = 0;
    memcpy(file + 0xa80, "\x1f\x8b", 2);
    ck_assert(bzimage_read(&out, file, 0x1000, &problem));
    ck_assert_uint_eq(out.offset, 5 * 512 + 0x80);
    free(file);
}
END_TEST

void unit_add(TCase *tests)
{
    tcase_add_loop_test(tests, test_payloads, 0, ARRAY_SIZE(payloads));
    tcase_add_loop_test(tests, test_refusals, 0, ARRAY_SIZE(spoils));
    tcase_add_test(tests, test_every_length);
    tcase_add_test(tests, test_no_sectors_means_four);
}
