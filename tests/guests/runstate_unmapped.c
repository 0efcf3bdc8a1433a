/*
 * A runstate area that the guest unmaps after it was registered, or that never was mapped, or that lies in the hypervisor.
 *
 * The hypervisor writes there whenever it starts the vCPU. That must fail quietly, and must never hit the hypervisor's own memory.
 */
#include "test.h"

TEST
{
    u8 *page = page_alloc();
    struct vcpu_register_runstate_memory_area where = { .addr.p = (u64)page };

    CHECK_RC(vcpu_op(VCPUOP_register_runstate_memory_area, 0, &where), 0);
    page_readonly(page);
    for (int i = 0; i < 10; i++)
        yield();
    page_unmap(page);
    for (int i = 0; i < 10; i++)
        yield();

    static const u64 bad[] = { 0x123456789000, HYPERVISOR_VIRT_START + GIB(2 * 1024),
                               0x0000800000000000, HYPERVISOR_VIRT_END - 8 };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        where.addr.p = bad[i];
        vcpu_op(VCPUOP_register_runstate_memory_area, 0, &where); /* refused or not */
        for (int k = 0; k < 10; k++)
            yield();
    }
    CHECK(xen_version(XENVER_version, NULL) > 0);
}
