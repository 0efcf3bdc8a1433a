/*
 * Two domains that share a page and two event ports. `lender` offers a port and lends a page of random words; `borrower` binds the
 * port, maps the page, puts the answer in the place of each word and sends an event. The grader carries numbers between the two
 * by their mailboxes, and computes the answers itself.
 *
 * lender   in[0]: the other's domain id + 1                out[0]: port, [1]: grant + 1, [2]: the page's frame, [3]: a page not lent
 * borrower in[0]: the other's domain id + 1, [1]: port, [2]: grant + 1, [3]: a factor
 *                                                          out[4]: the address at which the grant is mapped
 * both     out[8..]: results of calls, in the order below; checkpoints 1 (ready to lend; mapped and answered) and 2 (done)
 */
#include "event.h"
#include "grant.h"
#include "mailbox.h"
#include "memory.h"

MAILBOX

#define WORDS (PAGE_SIZE / 8)

static u32 results;

static s64 result(s64 value)
{
    mailbox.out[8 + results++] = (u64)value;
    return value;
}

static void wait_for(u32 port)
{
    while (!event_clear(port)) {
        mailbox.progress++;
        yield();
    }
}

static void lender(void)
{
    domid_t other = (domid_t)(mailbox_wait(0) - 1);
    u64 *lent = page_alloc(), *kept = page_alloc();
    s64 port = result(event_alloc_unbound(other));
    grant_ref_t ref = grant_access(other, ptr_mfn(lent), GRANT_WRITABLE);

    for (u32 i = 0; i < WORDS; i++)
        lent[i] = next_random(), kept[i] = ~lent[i];
    mailbox.out[1] = ref + 1;
    mailbox.out[2] = ptr_mfn(lent);
    mailbox.out[3] = ptr_mfn(kept);
    mailbox.out[0] = (u64)port;
    checkpoint(1);
    wait_for((u32)port);
    result(grant_end(ref));        /* 0: the other has it mapped */
    result(event_send((u32)port)); /* go on */
    wait_for((u32)port);
    result(grant_end(ref)); /* 1: it has let go */
    checkpoint(2);
}

static void borrower(void)
{
    domid_t other = (domid_t)(mailbox_wait(0) - 1);
    u32 remote = (u32)mailbox_wait(1);
    grant_ref_t ref = (grant_ref_t)(mailbox_wait(2) - 1);
    u64 factor = mailbox_wait(3), *place = page_alloc();
    grant_handle_t handle = 0, none;
    s64 port = result(event_bind_interdomain(other, remote));

    event_clear((u32)port); /* binding raises it once, in case the other end was quicker */
    /* Nothing may be mapped there: who maps over something has to flush it. */
    if (update_va_mapping((u64)place, 0, UVMF_INVLPG))
        guest_panic("a page can't be unmapped");
    mailbox.out[4] = (u64)place;
    result(grant_map_at((u64)place, other, ref, GNTMAP_host_map, &handle));
    result(grant_map_at((u64)place, other, ref + 1, GNTMAP_host_map, &none)); /* not lent */
    for (u32 i = 0; i < WORDS; i++)
        place[i] = place[i] * factor + i;
    checkpoint(1);
    result(event_send((u32)port));
    wait_for((u32)port);
    result(grant_unmap_at((u64)place, handle));
    result(event_send((u32)port));
    checkpoint(2);
}

int main(void)
{
    mailbox_open();
    if (cmdline_has("lender"))
        lender();
    else
        borrower();
    for (;;)
        yield();
}
