/*
 * lib/printf.c against the C library's own snprintf: each line of the table is formatted by both, into every
 * buffer size from 0 to more than enough.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"
#include "lib/printf.h"
#include "lib/types.h"

/* The formats with odd flags are meant: gcc's warnings about them say nothing here. */
#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-truncation"
#pragma GCC diagnostic ignored "-Wformat-zero-length"
#pragma GCC diagnostic ignored "-Wformat-overflow"

#define CHECK_SAME(...)                                                                            \
    do {                                                                                           \
        char mine[128], libc[128];                                                                 \
        int whole = snprintf(libc, sizeof(libc), __VA_ARGS__);                                     \
        for (size_t size = 0; size <= (size_t)whole + 2; size++) {                                 \
            memset(mine, '#', sizeof(mine));                                                       \
            memset(libc, '#', sizeof(libc));                                                       \
            snprintf(libc, size, __VA_ARGS__);                                                     \
            ck_assert_int_eq(koan_snprintf(mine, size, __VA_ARGS__), whole);                       \
            ck_assert_mem_eq(mine, libc, sizeof(mine));                                            \
        }                                                                                          \
    } while (0)

START_TEST(test_integers)
{
    static const char *const formats[] = {
        "%d",   "%i",   "%u",   "%x",   "%X",     "%#x",    "%#X",    "%5d",
        "%-5d", "%05d", "%-5x", "%08x", "%#10x",  "%#010x", "%1u",    "%20u",
        "%hd",  "%hu",  "%hhx", "%hhd", "%02hhx", "%3d",    "%-20d|", "%-020d|"
    };
    static const int values[] = { 0, 1, -1, 9, 10, 42, -42, 99999, INT_MAX, INT_MIN };

    for (size_t f = 0; f < ARRAY_SIZE(formats); f++)
        for (size_t v = 0; v < ARRAY_SIZE(values); v++)
            CHECK_SAME(formats[f], values[v]);
}
END_TEST

START_TEST(test_long_integers)
{
    static const char *const formats[] = { "%ld",    "%lu",     "%lx",   "%lX",    "%lld",
                                           "%llu",   "%llx",    "%zu",   "%zx",    "%#lx",
                                           "%016lx", "%-18lx|", "%18ld", "%#018lx" };
    static const long values[] = { 0, 1, -1, LONG_MAX, LONG_MIN, 0x123456789abcdef };

    for (size_t f = 0; f < ARRAY_SIZE(formats); f++)
        for (size_t v = 0; v < ARRAY_SIZE(values); v++)
            CHECK_SAME(formats[f], values[v]);
}
END_TEST

START_TEST(test_text)
{
    static const char *const words[] = { "", "x", "xen", "a longer text, with blanks" };

    CHECK_SAME("");
    CHECK_SAME("no conversion");
    CHECK_SAME("100%%");
    CHECK_SAME("[%c%c]", 'a', '%');
    CHECK_SAME("[%3c|%-3c]", 'a', 'b');
    CHECK_SAME("[%*d|%*d|%-*d]", 5, 1, -5, 2, 5, 3);
    for (size_t w = 0; w < ARRAY_SIZE(words); w++) {
        CHECK_SAME("%s", words[w]);
        CHECK_SAME("[%10s|%-10s]", words[w], words[w]);
        CHECK_SAME("[%.3s|%10.2s|%-10.2s|%.0s|%.s]", words[w], words[w], words[w], words[w],
                   words[w]);
        CHECK_SAME("[%.*s|%.*s]", 2, words[w], -1, words[w]);
    }
}
END_TEST

START_TEST(test_precision_bounds_the_read)
{
    char unterminated[3] = { 'a', 'b', 'c' }, buf[16]; /* the sanitizer sees a read behind it */

    ck_assert_int_eq(koan_snprintf(buf, sizeof(buf), "%.3s", unterminated), 3);
    ck_assert_str_eq(buf, "abc");
}
END_TEST

START_TEST(test_own_rules)
{
    char buf[64];

    koan_snprintf(buf, sizeof(buf), "%p", (void *)0xffff818000000000);
    ck_assert_str_eq(buf, "0xffff818000000000");
    koan_snprintf(buf, sizeof(buf), "%p", NULL);
    ck_assert_str_eq(buf, "0x0000000000000000");
    char *none = NULL;
    koan_snprintf(buf, sizeof(buf), "%s", none);
    ck_assert_str_eq(buf, "(null)");
    koan_snprintf(buf, sizeof(buf), "%q and 50%");
    ck_assert_str_eq(buf, "%q and 50%");
}
END_TEST

void unit_add(TCase *tests)
{
    tcase_add_test(tests, test_integers);
    tcase_add_test(tests, test_long_integers);
    tcase_add_test(tests, test_text);
    tcase_add_test(tests, test_precision_bounds_the_read);
    tcase_add_test(tests, test_own_rules);
}
