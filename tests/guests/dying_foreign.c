/*
 * A toolstack ends while it has frames mapped of domains that have not begun, of some that it has destroyed, and of some that have shut down:
 * nothing of it stays.
 *
 * A frame of a dead domain goes back when the last who maps it has gone, whichever of the two ends first. What must come out right is
 * the recount of frames after the end. Source: domctl.h; the frame table's rules.
 */
#include "domctl.h"
#include "foreign.h"
#include "handmade.h"
#include "test.h"

#define EACH 3

static struct handmade h[EACH * 3];

static void check_kept(u64 i, enum handmade_stage stage, const u8 *code, size_t size)
{
    h[i] = (struct handmade){ .code = code, .code_size = size };
    CHECK_RC(handmade_make(&h[i], stage), 0);
    for (u32 page = 0; page < HANDMADE_PAGES; page++)
        if (foreign_keep((u32)i * HANDMADE_PAGES + page, h[i].domid, h[i].mfn[page]))
            CHECK(page != HANDMADE_L1 || stage < STAGE_PINNED); /* a table is nobody's to write */
}

TEST
{
    if (!guest_is_privileged())
        TEST_SKIP("for privileged domains");
    foreign_init();
    for (u64 i = 0; i < EACH; i++)
        check_kept(i, STAGE_READY, handmade_count, handmade_count_size);
    for (u64 i = EACH; i < EACH * 2; i++) {
        check_kept(i, STAGE_READY, handmade_count, handmade_count_size);
        u64 *data = foreign_keep(200, h[i].domid, h[i].mfn[HANDMADE_DATA]);
        CHECK(data);
        *data = i;
        CHECK_RC(domctl_plain(XEN_DOMCTL_destroydomain, h[i].domid), 0);
        CHECK_EQ(*data, i);
    }
    for (u64 i = EACH * 2; i < EACH * 3; i++)
        check_kept(i, STAGE_RUNNING, handmade_shutdown, handmade_shutdown_size);
    for (int i = 0; i < 100; i++)
        yield();
}
