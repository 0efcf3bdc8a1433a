/*
 * Grants: the guest lends a page to itself, maps and unmaps it, and copies it both ways. So the rows are the same on
 * Xen, where the guest is dom0 and there is no second domain.
 */
#include "bench.h"
#include "grant.h"

#define GRANTS 32 /* in the long lists */

#define GRANTS_VA (SCRATCH_VA + 0x10000000)

static struct gnttab_map_grant_ref map_ops[GRANTS];
static struct gnttab_unmap_grant_ref unmap_ops[GRANTS];
static struct gnttab_copy copy_in, copy_out;

static void list_prepare(u64 n)
{
    MUST(grant_table_op(GNTTABOP_map_grant_ref, map_ops, n) == 0);
    for (u64 i = 0; i < n; i++)
        unmap_ops[i].handle = map_ops[i].handle;
    MUST(grant_table_op(GNTTABOP_unmap_grant_ref, unmap_ops, n) == 0);
    for (u64 i = 0; i < n; i++)
        MUST(map_ops[i].status == GNTST_okay && unmap_ops[i].status == GNTST_okay);
}

/* Pages that are mapped nowhere else, at places of their own. */
void grants_prepare(void)
{
    domid_t self = grant_own_domid();

    for (u64 i = 0; i < GRANTS; i++) {
        u64 va = GRANTS_VA + i * PAGE_SIZE, mfn = pfn_mfn(pfn_alloc());

        map(va, mfn, PTE_RW_PAGE);
        MUST(update_va_mapping(va, 0, UVMF_INVLPG) == 0);
        map_ops[i] = (struct gnttab_map_grant_ref){ .host_addr = va,
                                                    .flags = GNTMAP_host_map,
                                                    .ref = grant_access(self, mfn, GRANT_WRITABLE),
                                                    .dom = self };
        unmap_ops[i].host_addr = va;
    }
    list_prepare(1);
    list_prepare(GRANTS);
}

/* The handle is the one that was free last. */
SHARED_BATCH(grant_map_unmap,
             call3(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, (u64)map_ops, 1);
             unmap_ops[0].handle = map_ops[0].handle;
             call3(__HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, (u64)unmap_ops, 1))

SHARED_BATCH(grant_map_unmap_32,
             call3(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, (u64)map_ops, GRANTS);
             for (u64 i = 0; i < GRANTS; i++) unmap_ops[i].handle = map_ops[i].handle;
             call3(__HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, (u64)unmap_ops, GRANTS))

/* A page, from a grant into one's own and back. */
void grant_copy_prepare(void)
{
    domid_t self = grant_own_domid();
    u64 mfn = ptr_mfn(page_alloc());
    grant_ref_t ref = grant_access(self, ptr_mfn(page_alloc()), GRANT_WRITABLE);

    copy_in = (struct gnttab_copy){ .source = { .u.ref = ref, .domid = self },
                                    .dest = { .u.gmfn = mfn, .domid = DOMID_SELF },
                                    .len = PAGE_SIZE,
                                    .flags = GNTCOPY_source_gref };
    copy_out = (struct gnttab_copy){ .source = { .u.gmfn = mfn, .domid = DOMID_SELF },
                                     .dest = { .u.ref = ref, .domid = self },
                                     .len = PAGE_SIZE,
                                     .flags = GNTCOPY_dest_gref };
    MUST(grant_table_op(GNTTABOP_copy, &copy_in, 1) == 0 && copy_in.status == GNTST_okay);
    MUST(grant_table_op(GNTTABOP_copy, &copy_out, 1) == 0 && copy_out.status == GNTST_okay);
}

SHARED_BATCH(grant_copy_in, call3(__HYPERVISOR_grant_table_op, GNTTABOP_copy, (u64)&copy_in, 1))

SHARED_BATCH(grant_copy_out, call3(__HYPERVISOR_grant_table_op, GNTTABOP_copy, (u64)&copy_out, 1))
