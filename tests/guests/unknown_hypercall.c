/*
 * A number that no hypercall has is answered by -ENOSYS, and nothing else happens.
 *
 * Numbers between the known ones, beyond the table and with bits in the upper half of rax: the whole register counts, so
 * 2^32 + 17 is not xen_version. Source: the list of numbers in xen.h; the errors in the checklist of the ABI.
 */
#include "test.h"

TEST
{
    CHECK_RC(hypercall(11, 1, 2, 3, 4, 5), -XEN_ENOSYS);
    CHECK_RC(hypercall(43, 0, 0, 0, 0, 0), -XEN_ENOSYS);
    CHECK_RC(hypercall(63, 0, 0, 0, 0, 0), -XEN_ENOSYS);
    CHECK_RC(hypercall(64, 0, 0, 0, 0, 0), -XEN_ENOSYS);
    CHECK_RC(hypercall(0x1000, 0, 0, 0, 0, 0), -XEN_ENOSYS);
    CHECK_RC(hypercall(0xffffffff, 0, 0, 0, 0, 0), -XEN_ENOSYS);
    CHECK_RC(hypercall(~0UL, 0, 0, 0, 0, 0), -XEN_ENOSYS);
    CHECK_RC(hypercall((1UL << 32) + __HYPERVISOR_xen_version, XENVER_version, 0, 0, 0, 0),
             -XEN_ENOSYS);
    CHECK(xen_version(XENVER_version, NULL) > 0);
}
