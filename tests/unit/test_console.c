/*
 * domain/console.c: what a guest may do to the console, and who gets what is typed. The console
 * itself is a log here: each whole line as "(name) text\n", each piece of an open line as
 * "[name:text]".
 */
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "mm/addr.h"

#include "domain/console.c"

u8 *host_memory;
static u64 pages_used;
static char keys[64]; /* what the hypervisor's own keys got */

mfn_t alloc_koan_page(void)
{
    return MFN(pages_used++);
}

void alloc_free_koan_page(mfn_t mfn)
{
    (void)mfn;
}

void console_line(const char *speaker, const char *text, size_t length)
{
    printk("(%s) %.*s\n", speaker, (int)length, text);
}

void console_text(const char *speaker, const char *text, size_t length)
{
    printk("[%s:%.*s]", speaker, (int)length, text);
}

/* What is typed stays in the queue here: there is no ring. */
void console_ring_input(u16 domid)
{
    (void)domid;
}

void debug_key(u8 key)
{
    char one[2] = { (char)key };

    strncat(keys, one, sizeof(keys) - strlen(keys) - 1);
}

static struct domain alpha, beta, mute;

static void setup(void)
{
    free(host_memory);
    host_memory = calloc(8, PAGE_SIZE);
    pages_used = 0;
    keys[0] = '\0';
    lines = NULL;
    focus = NULL;
    alpha = (struct domain){ .name = "alpha", .console_ok = true };
    beta = (struct domain){ .name = "beta", .console_ok = true };
    mute = (struct domain){ .name = "mute" };
    console_attach(&alpha);
    console_attach(&mute);
    console_attach(&beta);
    unit_log_clear();
}

struct output_case {
    const char *written, *printed;
};

static const struct output_case outputs[] = {
    { "", "" },
    { "no end", "" },
    { "a line\n", "(alpha) a line\n" },
    { "two\nlines\n", "(alpha) two\n(alpha) lines\n" },
    { "\n", "(alpha) \n" },
    { "crlf\r\n", "(alpha) crlf\n" },
    { "lone\rcr\n", "(alpha) lone\\x0dcr\n" },
    { "\r\r\n", "(alpha) \\x0d\n" },
    { "tab\there\n", "(alpha) tab\there\n" },
    { "\x1b[2J\n", "(alpha) \\x1b[2J\n" },
    { "\x01\x7f\x1f\n", "(alpha) \\x01\\x7f\\x1f\n" },
    { "gr\xc3\xbc\xc3\x9f\n", "(alpha) gr\xc3\xbc\xc3\x9f\n" },
    { "csi \xc2\x9b!\n", "(alpha) csi \xc2\\x9b!\n" }, /* a control character, as UTF-8 has it */
    { "\xe2\x82\xac\n", "(alpha) \xe2\x82\xac\n" },
};

START_TEST(test_output)
{
    const struct output_case *c = &outputs[_i];

    setup();
    console_guest_write(&alpha, c->written, strlen(c->written));
    ck_assert_str_eq(unit_log, c->printed);

    /* The same, a byte at a time. */
    setup();
    for (size_t i = 0; i < strlen(c->written); i++)
        console_guest_write(&alpha, c->written + i, 1);
    ck_assert_str_eq(unit_log, c->printed);
}
END_TEST

START_TEST(test_nul)
{
    setup();
    console_guest_write(&alpha, "a\0b\n", 4);
    ck_assert_str_eq(unit_log, "(alpha) a\\x00b\n");
}
END_TEST

/* Lines of two guests don't mix, whatever the order of the pieces. */
START_TEST(test_two_guests)
{
    setup();
    console_guest_write(&alpha, "one ", 4);
    console_guest_write(&beta, "(alpha) forged\nrest", 19);
    console_guest_write(&alpha, "two\n", 4);
    ck_assert_str_eq(unit_log, "(beta) (alpha) forged\n(alpha) one two\n");
    console_flush(&beta);
    ck_assert_str_eq(unit_log, "(beta) (alpha) forged\n(alpha) one two\n(beta) rest\n");
}
END_TEST

/* However long a line, nothing is lost, and each piece carries the name. */
START_TEST(test_long_line)
{
    char line[1000], *at = unit_log;
    size_t total = 0;

    setup();
    memset(line, 'x', sizeof(line));
    line[500] = '\x02';
    line[999] = '\n';
    console_guest_write(&alpha, line, sizeof(line));
    while (*at) {
        ck_assert_int_eq(strncmp(at, "(alpha) ", 8), 0);
        char *end = strchr(at, '\n');
        ck_assert_ptr_nonnull(end);
        ck_assert_int_le(end - at, 8 + 240);
        total += (size_t)(end - at - 8);
        at = end + 1;
    }
    ck_assert_uint_eq(total, 998 + 4);
    ck_assert_ptr_nonnull(strstr(unit_log, "x\\x02x"));
}
END_TEST

static void ticks(unsigned n)
{
    while (n--)
        console_tick();
}

START_TEST(test_prompt)
{
    setup();
    console_guest_write(&alpha, "> ", 2);
    ck_assert_str_eq(unit_log, "");
    ticks(10);
    ck_assert_str_eq(unit_log, "[alpha:> ]");
    ticks(10); /* once is enough */
    ck_assert_str_eq(unit_log, "[alpha:> ]");
    console_guest_write(&alpha, "l", 1);
    ticks(10);
    console_guest_write(&alpha, "s\n", 2);
    ck_assert_str_eq(unit_log, "[alpha:> ][alpha:l][alpha:s\n]");
    console_guest_write(&alpha, "next\n", 5);
    ck_assert_str_eq(unit_log, "[alpha:> ][alpha:l][alpha:s\n](alpha) next\n");
}
END_TEST

static void type(const char *text)
{
    while (*text)
        console_input((u8)*text++);
}

static void check_read(struct domain *d, const char *wanted)
{
    char got[512] = { 0 };
    size_t n = console_guest_read(d, (u8 *)got, sizeof(got) - 1);

    ck_assert_str_eq(got, wanted);
    ck_assert_uint_eq(n, strlen(wanted));
}

START_TEST(test_focus)
{
    setup();
    type("ab");
    check_read(&beta, "");
    check_read(&alpha, "ab");
    check_read(&alpha, "");
    type("\x1d"); /* past the one that has no console */
    ck_assert_str_eq(unit_log, "input goes to beta\n");
    type("cd");
    check_read(&mute, "");
    check_read(&alpha, "");
    check_read(&beta, "cd");
    type("\x1dh\x1d");
    ck_assert_str_eq(keys, "h");
    type("e");
    check_read(&alpha, "e");
}
END_TEST

START_TEST(test_input_overflow)
{
    char got[600];
    u8 one;

    setup();
    for (unsigned i = 0; i < 500; i++)
        console_input((u8)('a' + i % 26));
    size_t n = console_guest_read(&alpha, (u8 *)got, sizeof(got));
    ck_assert_uint_ge(n, 128);
    for (size_t i = 0; i < n; i++) /* the first ones are there, in order */
        ck_assert_int_eq(got[i], (int)('a' + i % 26));
    type("z");
    ck_assert_uint_eq(console_guest_read(&alpha, &one, 1), 1);
    ck_assert_int_eq(one, 'z');
}
END_TEST

START_TEST(test_forget)
{
    setup();
    console_guest_write(&alpha, "last words", 10);
    console_forget(&alpha);
    ck_assert_str_eq(unit_log, "(alpha) last words\ninput goes to beta\n");
    type("x");
    check_read(&beta, "x");
    console_guest_write(&alpha, "ghost\n", 6);
    check_read(&alpha, "");
    console_forget(&beta);
    type("k");
    ck_assert_str_eq(keys, "k");
    console_forget(&mute);
    type("\x1dl");
    ck_assert_str_eq(keys, "kl");
}
END_TEST

void unit_add(TCase *tests)
{
    tcase_add_loop_test(tests, test_output, 0, ARRAY_SIZE(outputs));
    tcase_add_test(tests, test_nul);
    tcase_add_test(tests, test_two_guests);
    tcase_add_test(tests, test_long_line);
    tcase_add_test(tests, test_prompt);
    tcase_add_test(tests, test_focus);
    tcase_add_test(tests, test_input_overflow);
    tcase_add_test(tests, test_forget);
}
