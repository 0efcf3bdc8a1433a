/*
 * lib/string.c: strlcpy as compiled here, and the freestanding routines, which are compiled a second time in
 * this file under other names and compared with the C library's.
 */
#include <string.h>

#include "unit.h"

/* The freestanding versions, under names of their own. */
#undef KOAN_HOST
#define memcpy  own_memcpy
#define memmove own_memmove
#define memset  own_memset
#define memcmp  own_memcmp
#define strlen  own_strlen
#define strnlen own_strnlen
#define strcmp  own_strcmp
#define strncmp own_strncmp
#define strchr  own_strchr
#define strlcpy own_strlcpy
#include "lib/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strlcpy

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

static void fill(u8 *buf, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf[i] = (u8)(i * 37 + 11);
}

START_TEST(test_copy_every_length_and_offset)
{
    u8 mine[96], libc[96];

    for (size_t to = 0; to < 24; to++) {
        for (size_t from = 0; from < 24; from++) {
            for (size_t n = 0; n < 48; n++) {
                fill(mine, sizeof(mine));
                fill(libc, sizeof(libc));
                ck_assert_ptr_eq(own_memmove(mine + to, mine + from, n), mine + to);
                memmove(libc + to, libc + from, n);
                ck_assert_mem_eq(mine, libc, sizeof(mine));
            }
        }
    }
}
END_TEST

START_TEST(test_memcpy_touches_nothing_else)
{
    u8 from[64], to[64];

    for (size_t n = 0; n <= 40; n++) {
        fill(from, sizeof(from));
        memset(to, 0xee, sizeof(to));
        ck_assert_ptr_eq(own_memcpy(to + 3, from + 5, n), to + 3);
        ck_assert(memcmp(to + 3, from + 5, n) == 0);
        ck_assert_uint_eq(to[2], 0xee);
        ck_assert_uint_eq(to[3 + n], 0xee);
    }
}
END_TEST

START_TEST(test_memset)
{
    u8 buf[64];

    for (size_t n = 0; n <= 40; n++) {
        memset(buf, 0xee, sizeof(buf));
        ck_assert_ptr_eq(own_memset(buf + 1, 0x1a5, n), buf + 1); /* only the low byte counts */
        for (size_t i = 0; i < sizeof(buf); i++)
            ck_assert_uint_eq(buf[i], i >= 1 && i < 1 + n ? 0xa5 : 0xee);
    }
}
END_TEST

START_TEST(test_comparisons)
{
    static const char *const words[] = { "", "a", "ab", "abc", "abd", "b", "\x80", "a\xff" };

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        const char *a = words[i];

        ck_assert_uint_eq(own_strlen(a), strlen(a));
        ck_assert_ptr_eq(own_strchr(a, 'b'), strchr(a, 'b'));
        ck_assert_ptr_eq(own_strchr(a, 0), strchr(a, 0));
        for (size_t j = 0; j < ARRAY_SIZE(words); j++) {
            const char *b = words[j];
            size_t shorter = min(strlen(a), strlen(b));

            ck_assert_int_eq(sign(own_strcmp(a, b)), sign(strcmp(a, b)));
            ck_assert_int_eq(sign(own_memcmp(a, b, shorter)), sign(memcmp(a, b, shorter)));
            for (size_t n = 0; n < 5; n++)
                ck_assert_int_eq(sign(own_strncmp(a, b, n)), sign(strncmp(a, b, n)));
        }
        for (size_t n = 0; n < 5; n++)
            ck_assert_uint_eq(own_strnlen(a, n), strnlen(a, n));
    }
}
END_TEST

START_TEST(test_strlcpy_cuts_and_ends)
{
    char buf[6] = "zzzzz";

    ck_assert_uint_eq(own_strlcpy(buf, "abc", sizeof(buf)), 3);
    ck_assert_str_eq(buf, "abc");
    ck_assert_uint_eq(own_strlcpy(buf, "abcde", sizeof(buf)), 5);
    ck_assert_str_eq(buf, "abcde");
    ck_assert_uint_eq(own_strlcpy(buf, "abcdefgh", sizeof(buf)), 8);
    ck_assert_str_eq(buf, "abcde");
    ck_assert_uint_eq(own_strlcpy(buf, "abc", 1), 3);
    ck_assert_str_eq(buf, "");
}
END_TEST

void unit_add(TCase *tests)
{
    tcase_add_test(tests, test_copy_every_length_and_offset);
    tcase_add_test(tests, test_memcpy_touches_nothing_else);
    tcase_add_test(tests, test_memset);
    tcase_add_test(tests, test_comparisons);
    tcase_add_test(tests, test_strlcpy_cuts_and_ends);
}
