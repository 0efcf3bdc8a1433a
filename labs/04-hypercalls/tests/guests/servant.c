/*
 * A guest that does for the grader (../grants.py) what a domain has to do itself: hypercalls, and a look at an address. The order stands in its
 * mailbox; it carries it out, notes the answer and comes to a checkpoint. Two of them on one machine lend each other frames.
 *
 * in[0]: an order's number, 1 and up; in[1] to in[5]: a hypercall's number and arguments; in[6]: an address that is read before and after, or 0.
 * out[0]: the answer; out[1]: 1 if reading trapped after the call; out[2]: what was read.
 */
#include "grant.h"
#include "mailbox.h"
#include "memory.h"
#include "trap.h"

MAILBOX

#define PAGES 16

/* For the grader: frames to lend and addresses to map at. */
volatile struct servant {
    u64 table;            /* address of the grant table */
    u64 arguments;        /* a page for the calls' arguments */
    u64 mfn[PAGES];       /* pages with something in them */
    u64 place[PAGES];     /* addresses at which nothing is mapped */
    u64 place_pte[PAGES]; /* machine addresses of the entries that map these */
    u64 own_l1;           /* a frame of the guest's that is a page table */
} servant ALIGNED(1024);

static u64 done;

static void obey(void)
{
    u64 address = mailbox.in[6], value = 0;

    if (address)
        probe_read64(address, &value); /* the TLB knows it now */
    mailbox.out[0] =
        (u64)hypercall(mailbox.in[1], mailbox.in[2], mailbox.in[3], mailbox.in[4], 0, 0);
    value = 0;
    mailbox.out[1] = address && probe_read64(address, &value);
    mailbox.out[2] = value;
}

int main(void)
{
    mailbox_open();
    servant.table = (u64)grant_table(2);
    servant.arguments = (u64)page_alloc();
    for (u32 i = 0; i < PAGES; i++) {
        u64 *page = page_alloc(), *place = page_alloc();

        servant.mfn[i] = ptr_mfn(page);
        servant.place[i] = (u64)place;
        servant.place_pte[i] = ptr_maddr(pte_of((u64)place, 1));
        for (u32 word = 0; word < PAGE_SIZE / 8; word++)
            page[word] = next_random();
        if (update_va_mapping((u64)place, 0, UVMF_INVLPG))
            guest_panic("a page can't be unmapped");
    }
    servant.own_l1 = servant.place_pte[0] >> PAGE_SHIFT;
    checkpoint(1);
    for (;;) {
        while (mailbox.in[0] == done)
            yield();
        obey();
        done = mailbox.in[0];
        checkpoint(2);
    }
}
