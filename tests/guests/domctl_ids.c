/*
 * Domain ids: a toolstack may ask for one; it is refused while a domain has it, and as long as a frame of that domain is mapped by somebody
 * else, for such a frame is still accounted to its owner. Then the id may be had again. A hypervisor that gives it away earlier takes the old
 * domain's frames for the new one's; one that never gives it away again ends with its 32,752th domain.
 *
 * Xen: common/domctl.c, createdomain: EEXIST while the id is known; a domain stays known until its last page is free.
 */
#include "build.h"
#include "domctl.h"
#include "foreign.h"
#include "handmade.h"
#include "test.h"

#define ID   0x5a5a
#define LAST (DOMID_FIRST_RESERVED - 1)

static s64 make(struct handmade *h, u16 domid, enum handmade_stage last)
{
    *h = (struct handmade){ .domid = domid,
                            .code = handmade_shutdown,
                            .code_size = handmade_shutdown_size };
    return handmade_make(h, last);
}

static void check_again(u16 domid)
{
    struct handmade h, second;

    for (int i = 0; i < 3; i++) {
        CHECK_RC(make(&h, domid, STAGE_READY), 0);
        CHECK_EQ(h.domid, domid);
        CHECK_RC(make(&second, domid, STAGE_CREATED), -XEN_EEXIST);
        CHECK_RC(build_destroy(domid), 0);
    }
}

/* The frame that stays is the data page; the new domain of the same id must not be charged for it. */
static void check_frame_kept(void)
{
    struct handmade h, second;

    CHECK_RC(make(&h, ID, STAGE_READY), 0);
    u64 *data = foreign_keep(0, ID, h.mfn[HANDMADE_DATA]);
    CHECK(data);
    *data = 0x600d;
    CHECK_RC(domctl_plain(XEN_DOMCTL_destroydomain, ID), 0);
    CHECK_RC(make(&second, ID, STAGE_CREATED), -XEN_EEXIST);
    CHECK_EQ(*data, 0x600d);
    foreign_drop(0);
    CHECK_RC(make(&second, ID, STAGE_READY), 0);
    struct xen_domctl info = { .cmd = XEN_DOMCTL_getdomaininfo, .domain = ID };
    CHECK_RC(domctl(&info), 0);
    CHECK_EQ(info.u.getdomaininfo.tot_pages, HANDMADE_PAGES);
    CHECK_RC(build_destroy(ID), 0);
}

/* Ids that nobody asked for: each is another than the one before, so an old id in a grant or a port names nobody for long. */
static void check_any(void)
{
    struct handmade h;
    u16 before = 0;

    for (int i = 0; i < 5; i++) {
        CHECK_RC(make(&h, 0, STAGE_CREATED), 0);
        CHECK(h.domid != before && h.domid && h.domid != ID);
        before = h.domid;
        CHECK_RC(build_destroy(h.domid), 0);
    }
}

TEST
{
    struct handmade h;

    if (!guest_is_privileged())
        TEST_SKIP("for privileged domains");
    foreign_init();
    check_again(ID);
    check_again(LAST);
    CHECK(make(&h, DOMID_FIRST_RESERVED, STAGE_CREATED) != 0 || h.domid < DOMID_FIRST_RESERVED);
    if (h.domid)
        CHECK_RC(build_destroy(h.domid), 0);
    check_frame_kept();
    check_any();
    for (u32 i = 0; i < (cmdline_has("all") ? 33000 : 0); i++) { /* more than there are ids */
        CHECK_RC(make(&h, 0, STAGE_CREATED), 0);
        CHECK_RC(build_destroy(h.domid), 0);
    }
}
