/*
 * Pinning: a table of any level is validated and keeps its type until it is unpinned, even if nothing refers to it.
 *
 * A pin is one type reference. While it stands the page cannot be mapped writable; afterwards it can again. A second pin of the
 * same page and an unpin without a pin are errors: they would let a guest drop a reference that is somebody else's.
 * Source: MMUEXT_PIN_L*_TABLE and MMUEXT_UNPIN_TABLE in xen.h; the checklist: "double pin or unpin of an unpinned frame -EINVAL".
 */
#include "test.h"

static void pin_and_unpin(u32 op)
{
    void *page = table_alloc();
    u64 mfn = ptr_mfn(page);

    CHECK(page_can_be_written(page));
    CHECK_RC(mmuext_one(op, mfn), 0);
    CHECK(!page_can_be_written(page));
    CHECK_RC(mmuext_one(op, mfn), -XEN_EINVAL);
    CHECK_RC(mmuext_one(MMUEXT_UNPIN_TABLE, mfn), 0);
    CHECK(page_can_be_written(page));
    CHECK_RC(mmuext_one(MMUEXT_UNPIN_TABLE, mfn), -XEN_EINVAL);
    CHECK(page_can_be_written(page));
}

TEST
{
    for (u32 op = MMUEXT_PIN_L1_TABLE; op <= MMUEXT_PIN_L4_TABLE; op++)
        pin_and_unpin(op);
}
