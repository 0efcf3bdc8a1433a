/*
 * Frames given back and taken again, with secrets in them. Kind 5: the frame must be the domain's no more; 6: it must be the domain's
 * and, as it has just come, hold zeros; 7: it is the domain's and holds the value in its first word. Kind 3: a page beyond the reservation.
 */
#include "grader.h"

GRADER_GUEST

#define PAGES 48

static u64 *page[PAGES];
static bool gone[PAGES];

static void give_back(u32 i)
{
    u64 mfn = ptr_mfn(page[i]);
    struct xen_memory_reservation r = { .extent_start = (u64)&mfn,
                                        .nr_extents = 1,
                                        .domid = DOMID_SELF };

    page_unmap(page[i]);
    if (memory_op(XENMEM_decrease_reservation, &r) != 1)
        note(9, mfn, 5);
    gone[i] = true;
    note(5, mfn, 0);
}

/* All that was given back has been taken again, so there is no more. */
static void beyond(void)
{
    u64 frame = va_pfn(page[0]);
    struct xen_memory_reservation r = { .extent_start = (u64)&frame,
                                        .nr_extents = 1,
                                        .domid = DOMID_SELF };

    if (memory_op(XENMEM_populate_physmap, &r) == 1)
        note(3, frame, 8);
}

int main(void)
{
    u64 left;

    seed = hex_word("seed");
    notes.nonce = hex_word("nonce");
    for (u32 i = 0; i < PAGES; i++) {
        page[i] = page_alloc();
        for (u32 word = 0; word < 512; word++)
            page[i][word] = next_random(&seed);
    }
    for (left = 16 + below(&seed, 24); left > 0; left--) {
        u32 i = (u32)below(&seed, PAGES);

        if (!gone[i])
            give_back(i);
    }
    for (u32 i = 0; i < PAGES; i++)
        if (!gone[i])
            note(7, ptr_mfn(page[i]), page[i][0]);
    checkpoint(1);
    notes.count = 0;
    for (u32 i = 0; i < PAGES; i++) {
        u64 frame = va_pfn(page[i]);
        struct xen_memory_reservation r = { .extent_start = (u64)&frame,
                                            .nr_extents = 1,
                                            .domid = DOMID_SELF };

        if (!gone[i])
            continue;
        if (memory_op(XENMEM_populate_physmap, &r) != 1)
            note(9, frame, 6);
        else
            note(6, frame, 0);
    }
    beyond();
    checkpoint(2);
    return 0;
}
