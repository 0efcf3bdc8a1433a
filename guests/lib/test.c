/*
 * Verdicts of test guests, see test.h.
 */
#include <stdarg.h>

#include "abi/version.h"
#include "seal.h"
#include "test.h"

struct test_result test_result ALIGNED(PAGE_SIZE);

static const char *const VERDICTS[] = { "NONE", "PASS", "FAIL", "ERROR", "SKIP", "CRASH" };

/* "tests/guests/pin.c" is the test "pin". */
static const char *test_name(void)
{
    static char name[64];
    const char *base = test_file;

    for (const char *p = test_file; *p; p++)
        if (*p == '/')
            base = p + 1;
    strlcpy(name, base, sizeof(name));
    char *dot = strchr(name, '.');
    if (dot)
        *dot = '\0';
    return name;
}

static u64 fnv1a(const char *text)
{
    u64 hash = 0xcbf29ce484222325UL;

    for (; *text; text++)
        hash = (hash ^ (u8)*text) * 0x100000001b3UL;
    return hash;
}

/* Write text first and the verdict last: the runner may look at any moment. */
static void publish(enum verdict verdict, const char *format, va_list args)
{
    u64 nonce = cmdline_hex("nonce", 0);

    koan_vsnprintf(test_result.text, sizeof(test_result.text), format, args);
    test_result.id = fnv1a(test_name());
    test_result.nonce = nonce;
    test_result.magic = TEST_MAGIC;
    __atomic_store_n(&test_result.verdict, verdict, __ATOMIC_RELEASE);
    test_result.seal = seal(&test_result, offsetof(struct test_result, seal));
    print("RESULT %lx %s %s: %s\n", ptr_mfn(&test_result), VERDICTS[verdict], test_name(),
          test_result.text);
    while (nonce && __atomic_load_n(&test_result.release, __ATOMIC_ACQUIRE) != test_result.nonce)
        yield();
    test_result.release = 0;
}

void test_verdict(enum verdict verdict, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    publish(verdict, format, args);
    va_end(args);
    if (verdict != VERDICT_CRASH)
        guest_end();
}

void test_fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    publish(VERDICT_FAIL, format, args);
    va_end(args);
    guest_end();
}

int main(void)
{
    test_body();
    TEST_PASS();
    return 0;
}

bool page_can_be_written(void *page)
{
    u64 pte = *pte_of((u64)page, 1);

    if (update_va_mapping((u64)page, pte_make(ptr_mfn(page), PTE_RW_PAGE), UVMF_INVLPG))
        return false;
    if (update_va_mapping((u64)page, pte, UVMF_INVLPG))
        guest_panic("a mapping could not be put back");
    return true;
}

bool on_koan(void)
{
    char version[16] = "";

    if (hypercall(__HYPERVISOR_xen_version, XENVER_extraversion, (u64)version, 0, 0, 0) < 0)
        TEST_ERROR("no answer to XENVER_extraversion");
    return version[3] == 'k'; /* ".0-koan" */
}

/* The frames around ours belong to others or to nobody; frames of ours have a pfn that leads back to them. */
u64 foreign_mfn(void)
{
    for (u64 mfn = ptr_mfn(&test_result); mfn > 256; mfn--) {
        u64 pfn;

        if (probe_read64(MACH2PHYS_VIRT_START + 8 * mfn, &pfn))
            continue;
        if (pfn >= start_info->nr_pages || pfn_mfn(pfn) != mfn)
            return mfn;
    }
    TEST_ERROR("no frame of another domain found");
    return 0;
}
