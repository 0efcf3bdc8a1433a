/*
 * What every unit test includes: Check, and the one function that a test file must define.
 *
 * A file test_NAME.c is a program of its own: main.c here, the stubs, and the kernel sources that
 * UNIT_NAME_SRCS in build.mk lists, all under the address and undefined-behaviour sanitizers. Expected
 * values come from the ABI's documents, from the C library or from the CPU, never from the code under test.
 */
#ifndef KOAN_TESTS_UNIT_H
#define KOAN_TESTS_UNIT_H

#include <check.h>

/* Adds the file's tests: one tcase_add_test(tests, name) a line. */
void unit_add(TCase *tests);

/*
 * Where panic() and assert_failed() land. A test that wants to see one says UNIT_EXPECT_PANIC(statement);
 * any other panic fails the test, with its message.
 */
#include <setjmp.h>
extern jmp_buf unit_panic_return;
extern int unit_panic_expected;

#define UNIT_EXPECT_PANIC(statement)                                                               \
    do {                                                                                           \
        if (setjmp(unit_panic_return) == 0) {                                                      \
            unit_panic_expected = 1;                                                               \
            statement;                                                                             \
            unit_panic_expected = 0;                                                               \
            ck_abort_msg("no panic from: %s", #statement);                                         \
        }                                                                                          \
        unit_panic_expected = 0;                                                                   \
    } while (0)

/* What printk printed since the last unit_log_clear(), cut at its buffer's end. */
extern char unit_log[16384];
void unit_log_clear(void);

#endif
