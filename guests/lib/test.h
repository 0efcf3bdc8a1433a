/*
 * What a guest in tests/guests/ is written with. A test is one file:
 *
 *     TEST
 *     {
 *         CHECK_RC(mmuext_one(MMUEXT_UNPIN_TABLE, mfn), -XEN_EINVAL);
 *     }
 *
 * The first check that does not hold ends it as FAIL, with the place and the values; the end of the function is PASS. ERROR means
 * that the test could not be made (SETUP): that says nothing about the hypervisor. SKIP: it says nothing for this kind of domain.
 * CRASH announces that the hypervisor must now end the domain; what follows must not return.
 *
 * The verdict stands in a page of fixed layout, which the runner reads in the machine's memory, from outside. The line on the
 * console says where that page is: `RESULT <mfn, hex> <verdict> <name>: <text>`. With `nonce=HEX` on the command line the test
 * writes that number into the page and waits, giving the CPU away, until the runner has written it into `release`.
 */
#ifndef GUEST_TEST_H
#define GUEST_TEST_H

#include "guest.h"
#include "memory.h"
#include "trap.h"
#include "user.h"

#define TEST_MAGIC 0x747365546e616f4bUL /* "KoanTest" */

enum verdict {
    VERDICT_NONE = 0,
    VERDICT_PASS,
    VERDICT_FAIL,
    VERDICT_ERROR,
    VERDICT_SKIP,
    VERDICT_CRASH,
};

/* One page; tests/conformance.py knows this layout. */
struct test_result {
    u64 magic;   /* TEST_MAGIC */
    u64 id;      /* FNV-1a of the test's name */
    u64 nonce;   /* from the command line */
    u32 verdict; /* enum verdict */
    u32 pad;
    u64 answer;  /* whatever the test wants to tell */
    u64 release; /* written by the runner */
    char text[PAGE_SIZE - 56];
    u64 seal; /* of all before it, with the verdict in and nothing released (seal.h) */
};
static_assert(sizeof(struct test_result) == PAGE_SIZE, "one page");

extern struct test_result test_result;

#define TEST                                                                                       \
    const char test_file[] = __FILE__;                                                             \
    void test_body(void)
extern const char test_file[];
void test_body(void);

/* Ends the test, but for VERDICT_CRASH, which returns when the runner has seen it. */
void test_verdict(enum verdict verdict, const char *format, ...) PRINTF_LIKE(2, 3);
void test_fail(const char *format, ...) PRINTF_LIKE(1, 2) NORETURN;

#define TEST_PASS()       test_verdict(VERDICT_PASS, "ok")
#define TEST_FAIL(...)    test_fail(__VA_ARGS__)
#define TEST_ERROR(...)   test_verdict(VERDICT_ERROR, __VA_ARGS__)
#define TEST_SKIP(...)    test_verdict(VERDICT_SKIP, __VA_ARGS__)
#define EXPECT_CRASH(...) test_verdict(VERDICT_CRASH, __VA_ARGS__)

/* For behaviour that only an unprivileged domain shows; on Xen the builder makes one (side xen-domu of tests/conformance.py). */
#define UNPRIVILEGED_ONLY()                                                                        \
    do {                                                                                           \
        if (guest_is_privileged())                                                                 \
            TEST_SKIP("for unprivileged domains");                                                 \
    } while (0)

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            TEST_FAIL("%s:%d: not so: %s", __FILE_NAME__, __LINE__, #condition);                   \
    } while (0)

#define CHECK_EQ(expression, wanted)                                                               \
    do {                                                                                           \
        u64 check_got = (u64)(expression), check_wanted = (u64)(wanted);                           \
        if (check_got != check_wanted)                                                             \
            TEST_FAIL("%s:%d: %s is %#lx, not %#lx", __FILE_NAME__, __LINE__, #expression,         \
                      check_got, check_wanted);                                                    \
    } while (0)

/* The answer of a hypercall. */
#define CHECK_RC(call, wanted)                                                                     \
    do {                                                                                           \
        s64 check_got = (s64)(call), check_wanted = (s64)(wanted);                                 \
        if (check_got != check_wanted)                                                             \
            TEST_FAIL("%s:%d: %s answers %ld, not %ld", __FILE_NAME__, __LINE__, #call, check_got, \
                      check_wanted);                                                               \
    } while (0)

/* A hypercall that must be refused; the ABI leaves open with which of two or more errors. */
#define CHECK_REFUSED(call)                                                                        \
    do {                                                                                           \
        s64 check_got = (s64)(call);                                                               \
        if (check_got >= 0)                                                                        \
            TEST_FAIL("%s:%d: %s answers %ld: not refused", __FILE_NAME__, __LINE__, #call,        \
                      check_got);                                                                  \
    } while (0)

/* A probe (trap.h) must end in that exception. */
#define CHECK_TRAP(probe, wanted)                                                                  \
    do {                                                                                           \
        bool check_trapped = (probe);                                                              \
        if (!check_trapped || trap_last.vector != (wanted))                                        \
            TEST_FAIL("%s:%d: %s: trap %d, not %d", __FILE_NAME__, __LINE__, #probe,               \
                      check_trapped ? trap_last.vector : -1, (int)(wanted));                       \
    } while (0)

#define CHECK_NO_TRAP(probe)                                                                       \
    do {                                                                                           \
        if (probe)                                                                                 \
            TEST_FAIL("%s:%d: %s: trap %d error %#lx", __FILE_NAME__, __LINE__, #probe,            \
                      trap_last.vector, trap_last.error);                                          \
    } while (0)

#define SETUP(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            TEST_ERROR("%s:%d: cannot set up: %s", __FILE_NAME__, __LINE__, #condition);           \
    } while (0)

/* Can the page be mapped writable? Exactly when it is no table and no page of descriptors. Leaves it mapped as it was. */
bool page_can_be_written(void *page);

/* A frame that is not this domain's, but is RAM. (On Xen it may be one that Xen shares with it.) */
u64 foreign_mfn(void);

/* Does this run on Koan, by XENVER_extraversion? For the few places where it promises more than Xen does. */
bool on_koan(void);

#endif
