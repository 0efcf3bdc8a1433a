/* lib/parse.c: option lists and numbers, as tables of text and what must be read from it. */
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "lib/parse.h"

struct list_case {
    const char *line;
    const char *read; /* "key", "key=value" or "key=value!" (a problem) parted by ';' */
    const char *rest; /* where the cursor stands afterwards */
};

static const struct list_case lists[] = {
    { "", "", "" },
    { "   \t ", "", "" },
    { "a", "a", "" },
    { " a  b ", "a;b", "" },
    { "name=hello mem=64M", "name=hello;mem=64M", "" },
    { "name=x -- console=hvc0 -- y", "name=x", "console=hvc0 -- y" },
    { "name=x --", "name=x", "" },
    { "--x a --b", "--x;a;--b", "" },
    { "-- x=1", "", "x=1" },
    { "a=\"b c\" d", "a=b c;d", "" },
    { "a=\"\" b=", "a=;b=", "" },
    { "a=\"--\" -- z", "a=--", "z" },
    { "a=b=c", "a=b=c", "" },
    { "a=b\"c d", "a=b\"c;d", "" },
    { "a=\"b", "a=b!", "" },
    { "a=\"", "a=!", "" },
    { "a=\"b\"c d", "a=b!;d", "" },
    { "=x", "=x!", "" },
    { "\ta=1\r\nb=2\n", "a=1;b=2", "" },
};

START_TEST(test_lists)
{
    const struct list_case *c = &lists[_i];
    char *line = strdup(c->line); /* on the heap: the sanitizer guards its end */
    const char *cursor = line;
    char read[128] = "";
    struct option option;

    while (option_next(&cursor, &option)) {
        if (read[0])
            strcat(read, ";");
        strncat(read, option.key.text, option.key.length);
        if (option.has_value)
            strcat(read, "=");
        strncat(read, option.value.text, option.value.length);
        if (option.problem)
            strcat(read, "!");
    }
    ck_assert_str_eq(read, c->read);
    ck_assert_str_eq(cursor, c->rest);
    free(line);
}
END_TEST

struct number_case {
    const char *text;
    int valid;
    u64 value;
};

static const struct number_case numbers[] = {
    { "0", 1, 0 },
    { "42", 1, 42 },
    { "007", 1, 7 },
    { "0x10", 1, 16 },
    { "0XfF", 1, 255 },
    { "18446744073709551615", 1, UINT64_MAX },
    { "0xffffffffffffffff", 1, UINT64_MAX },
    { "18446744073709551616", 0, 0 },
    { "0x10000000000000000", 0, 0 },
    { "99999999999999999999999", 0, 0 },
    { "", 0, 0 },
    { "0x", 0, 0 },
    { "-1", 0, 0 },
    { "+1", 0, 0 },
    { "1 ", 0, 0 },
    { "12a", 0, 0 },
    { "0xg", 0, 0 },
    { "x", 0, 0 },
};

static const struct number_case sizes[] = {
    { "64M", 1, 64UL << 20 },
    { "1k", 1, 1024 },
    { "2G", 1, 2UL << 30 },
    { "4096", 1, 4096 },
    { "0x10m", 1, 16UL << 20 },
    { "17179869183G", 1, 17179869183UL << 30 },
    { "17179869184G", 0, 0 }, /* 2^34 * 2^30 is one too large */
    { "M", 0, 0 },
    { "", 0, 0 },
    { "1MM", 0, 0 },
    { "1T", 0, 0 },
};

static void check_number(bool (*parse)(struct slice, u64 *), const struct number_case *c)
{
    u64 value = 0xdead;
    bool valid = parse(slice_of(c->text), &value);

    ck_assert_msg(valid == c->valid, "'%s': valid %d", c->text, valid);
    ck_assert_msg(value == (valid ? c->value : 0xdead), "'%s': %lu", c->text, value);
}

START_TEST(test_numbers)
{
    check_number(parse_number, &numbers[_i]);
}
END_TEST

START_TEST(test_sizes)
{
    check_number(parse_size, &sizes[_i]);
}
END_TEST

START_TEST(test_bool)
{
    const char *cursor = "a a=yes a=1 a=no a=off a=maybe a=";
    const int wanted[] = { 1, 1, 1, 0, 0, -1, -1 };
    struct option option;

    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
        bool value;

        ck_assert(option_next(&cursor, &option));
        ck_assert(option_is(&option, "a") && !option_is(&option, "ab") && !option_is(&option, ""));
        ck_assert_int_eq(parse_bool(&option, &value) ? (int)value : -1, wanted[i]);
    }
}
END_TEST

START_TEST(test_slices)
{
    struct slice rest = slice_of("115200,8n1,,x");
    static const char *const parts[] = { "115200", "8n1", "", "x", "" };
    char buf[4];

    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        ck_assert(slice_equals(slice_cut(&rest, ','), parts[i]));
    ck_assert(slice_copy(slice_of("abc"), buf, sizeof(buf)));
    ck_assert_str_eq(buf, "abc");
    ck_assert(!slice_copy(slice_of("wxyz"), buf, sizeof(buf)));
    ck_assert_str_eq(buf, "wxy");
}
END_TEST

void unit_add(TCase *tests)
{
    tcase_add_loop_test(tests, test_lists, 0, ARRAY_SIZE(lists));
    tcase_add_loop_test(tests, test_numbers, 0, ARRAY_SIZE(numbers));
    tcase_add_loop_test(tests, test_sizes, 0, ARRAY_SIZE(sizes));
    tcase_add_test(tests, test_bool);
    tcase_add_test(tests, test_slices);
}
