/*
 * A domain's grant table: its frames can be asked for, mapped writable, and grow up to a limit; version 1 is what there is.
 *
 * Linux asks for the version and the size and can do without either; PV GRUB asks for one frame, Mini-OS for four. The frames belong to the
 * hypervisor, so the guest may map them, but can't make page tables of them or give them up. Source: GNTTABOP_* in grant_table.h.
 */
#include "grant.h"
#include "test.h"

static s64 setup(u32 frames, u64 *list, s16 *status)
{
    struct gnttab_setup_table op = { .dom = DOMID_SELF,
                                     .nr_frames = frames,
                                     .frame_list = (u64)list };
    s64 rc = grant_table_op(GNTTABOP_setup_table, &op, 1);

    *status = op.status;
    return rc;
}

static void check_frames(void)
{
    u64 frames[4] = { 0 }, again[4] = { 0 };
    s16 status;

    CHECK_RC(setup(1, frames, &status), 0);
    CHECK_RC(status, GNTST_okay);
    CHECK(frames[0] != 0);
    CHECK_RC(setup(4, again, &status), 0);
    CHECK_RC(status, GNTST_okay);
    CHECK_EQ(again[0], frames[0]);
    for (int i = 0; i < 4; i++) {
        map(SCRATCH_VA + i * PAGE_SIZE, again[i], PTE_RW_PAGE);
        CHECK_NO_TRAP(probe_write64(SCRATCH_VA + i * PAGE_SIZE + 64, 0));
        CHECK_REFUSED(mmuext_one(MMUEXT_PIN_L1_TABLE, again[i]));
    }
    CHECK_RC(setup(0, NULL, &status), 0);
    CHECK_RC(status, GNTST_okay);
    CHECK_RC(setup(1, (u64 *)0x123456789000, &status), 0);
    CHECK_RC(status, GNTST_bad_virt_addr);
}

static void check_size(void)
{
    struct gnttab_query_size size = { .dom = DOMID_SELF };
    s16 status;

    CHECK_RC(grant_table_op(GNTTABOP_query_size, &size, 1), 0);
    CHECK_RC(size.status, GNTST_okay);
    CHECK(size.nr_frames >= 4 && size.max_nr_frames >= size.nr_frames);
    CHECK_RC(setup(size.max_nr_frames + 1, NULL, &status), 0);
    CHECK_RC(status, GNTST_general_error);
    size.dom = 0x7000;
    CHECK_RC(grant_table_op(GNTTABOP_query_size, &size, 1), 0);
    CHECK_RC(size.status, GNTST_bad_domain);
}

static void check_version(void)
{
    struct gnttab_set_version set = { .version = 1 };
    struct gnttab_get_version get = { .dom = DOMID_SELF };

    CHECK_RC(grant_table_op(GNTTABOP_set_version, &set, 1), 0);
    CHECK_EQ(set.version, 1);
    CHECK_RC(grant_table_op(GNTTABOP_get_version, &get, 1), 0);
    CHECK_EQ(get.version, 1);
    set.version = 7;
    CHECK_RC(grant_table_op(GNTTABOP_set_version, &set, 1), -XEN_EINVAL);
    get.dom = 0x7000;
    CHECK_RC(grant_table_op(GNTTABOP_get_version, &get, 1), -XEN_ESRCH);
}

static void check_arguments(void)
{
    struct gnttab_query_size size[2] = { { .dom = DOMID_SELF }, { .dom = DOMID_SELF } };

    CHECK_RC(grant_table_op(GNTTABOP_query_size, size, 2), -XEN_EINVAL);
    CHECK_RC(grant_table_op(GNTTABOP_setup_table, size, 0), -XEN_EINVAL);
    CHECK_RC(grant_table_op(GNTTABOP_query_size, (void *)0x123456789000, 1), -XEN_EFAULT);
    CHECK_RC(grant_table_op(GNTTABOP_map_grant_ref, (void *)0x123456789000, 1), -XEN_EFAULT);
    CHECK_RC(grant_table_op(GNTTABOP_map_grant_ref, NULL, 0), 0);
    CHECK_RC(grant_table_op(GNTTABOP_copy, size, 0x80000000), -XEN_EINVAL);
    CHECK_RC(grant_table_op(100, size, 1), -XEN_ENOSYS);
}

TEST
{
    check_frames();
    check_size();
    check_version();
    check_arguments();
}
