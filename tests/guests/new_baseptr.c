/*
 * NEW_BASEPTR: the guest kernel's own switch of address spaces. The new L4 is validated if it was not, and held as long as it is in
 * use; a page that is no L4 is refused and the old one stays.
 *
 * GRUB's way is shown too: pin the new one, switch, unpin the old one, in one call of three operations.
 */
#include "test.h"

TEST
{
    u64 *old = (u64 *)start_info->pt_base, *fresh = page_alloc();
    struct mmuext_op list[3];

    CHECK_REFUSED(mmuext_one(MMUEXT_NEW_BASEPTR, ptr_mfn(fresh))); /* mapped writable */
    fresh[511] = old[511];
    page_readonly(fresh);
    CHECK_RC(switch_l4(ptr_mfn(fresh)), 0);
    CHECK(!page_can_be_written(fresh)); /* not pinned, but in use */
    CHECK_REFUSED(mmuext_one(MMUEXT_UNPIN_TABLE, ptr_mfn(fresh)));
    CHECK_RC(switch_l4(ptr_mfn(old)), 0);
    CHECK(page_can_be_written(fresh));

    list[0] = (struct mmuext_op){ .cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = ptr_mfn(fresh) };
    list[1] = (struct mmuext_op){ .cmd = MMUEXT_NEW_BASEPTR, .arg1.mfn = ptr_mfn(fresh) };
    list[2] = (struct mmuext_op){ .cmd = MMUEXT_UNPIN_TABLE, .arg1.mfn = ptr_mfn(old) };
    CHECK_RC(mmuext_op(list, 3, NULL, DOMID_SELF), 0);
    CHECK_RC(switch_l4(ptr_mfn(fresh)), 0); /* to where we are: fine */
    CHECK(page_can_be_written(old));
    CHECK_NO_TRAP(probe_read64((u64)&test_result, NULL));
}
