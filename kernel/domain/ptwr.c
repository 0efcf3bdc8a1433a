/*
 * Writable page tables: see ptwr.h. The rules are those of Xen 4.17: a naturally aligned store of 1 to 8 bytes, into a page that is mapped
 * read-only and is an L1 table of the domain's own. What else faults there goes to the guest, and so does an entry that is refused.
 */
#include "domain/ptwr.h"

#include "abi/errno.h"
#include "domain/emulate.h"
#include "domain/guest_regs.h"
#include "domain/guest_walk.h"
#include "domain/segbase.h"
#include "mm/update.h"

/* A store into a table that is being carried out. */
struct store {
    struct insn insn;
    u64 numbered[INSN_REGS];
    u64 slot;  /* machine address of the entry */
    u32 shift; /* where in the entry the operand lies, bits */
    u64 mask;  /* its bits, in place */
};

/* The L1 table that va maps, read-only. 0, -XEN_ERESTART, or -XEN_EINVAL: it is none. */
static s64 find_table(struct vcpu *v, u64 va, mfn_t *table)
{
    struct domain_memory *m = &v->domain->mem;

    if (unlikely(!guest_range_ok(va, 0)))
        return -XEN_EINVAL;
    if (unlikely(!memory_enter(m)))
        return -XEN_ERESTART;
    pte_t e = guest_walk(v->ctx.cr3_kernel, va);
    const struct frame *f =
        (e & (PTE_P | PTE_RW)) == PTE_P ? frame_owned(pte_mfn(e), m->domid) : NULL;
    bool found = f && f->type == FRAME_L1 && f->type_refs;
    memory_leave(m);
    *table = pte_mfn(e);
    return found ? 0 : -XEN_EINVAL;
}

/* Decode the instruction at rip; false if it is no store to this page, or not one that we do. */
static bool decode(struct vcpu *v, const struct regs *regs, u64 va, mfn_t table, struct store *s)
{
    u8 bytes[INSN_MAX];
    struct insn_bases bases;
    size_t count = emulate_fetch(bytes, regs->rip);

    if (insn_decode(&s->insn, bytes, count) != INSN_OK || !insn_is_store(&s->insn))
        return false;
    guest_regs_gather(regs, s->numbered);
    bases.next_rip = regs->rip + s->insn.length;
    bases.fs = s->insn.address.segment == INSN_SEG_FS ? segbase_fs(v) : 0;
    bases.gs = s->insn.address.segment == INSN_SEG_GS ? segbase_gs_kernel(v) : 0;
    u64 address = insn_address(&s->insn, s->numbered, &bases);
    u32 size = s->insn.operand_size;
    if (((address ^ va) & PAGE_MASK) || (address & (size - 1)))
        return false;
    s->slot = table.n << PAGE_SHIFT | (address & (PAGE_SIZE - sizeof(pte_t)));
    s->shift = (address & (sizeof(pte_t) - 1)) * 8;
    s->mask = (size == sizeof(pte_t) ? ~0UL : BIT(8 * size) - 1) << s->shift;
    return true;
}

/* The instruction compared, found a difference, and leaves memory as it is. */
static bool leaves_memory(const struct insn *insn, const struct insn_result *result)
{
    return insn->op == INSN_CMPXCHG && !(result->rflags & RFLAGS_ZF);
}

/* Until the entry has not changed between the look at it and the store: the CPU's page walker sets bits in it, too. */
static s64 carry_out(struct vcpu *v, const struct regs *regs, const struct store *s,
                     struct insn_result *result)
{
    pte_t *slot = (pte_t *)((u8 *)mfn_to_virt(MFN(s->slot >> PAGE_SHIFT)) + s->slot % PAGE_SIZE);
    pte_t seen = __atomic_load_n(slot, __ATOMIC_RELAXED);
    s64 error;

    do {
        insn_execute_store(&s->insn, (seen & s->mask) >> s->shift, s->numbered, regs->rflags,
                           result);
        if (unlikely(leaves_memory(&s->insn, result)))
            return 0;
        pte_t e = (seen & ~s->mask) | (result->value << s->shift & s->mask);
        error = update_l1_store(&v->domain->mem, s->slot, &seen, e);
    } while (unlikely(error == -XEN_EAGAIN) && !work_pending());
    return unlikely(error == -XEN_EAGAIN) ? -XEN_ERESTART : error;
}

enum ptwr_result ptwr_fault(struct vcpu *v, struct regs *regs, u64 va)
{
    struct store s;
    struct insn_result result;
    mfn_t table;
    s64 error = find_table(v, va, &table);

    if (!error && !decode(v, regs, va, table, &s))
        return PTWR_NOT_MINE;
    if (!error)
        error = carry_out(v, regs, &s, &result);
    if (unlikely(error))
        return error == -XEN_ERESTART ? PTWR_DONE : PTWR_NOT_MINE;
    regs->rflags = result.rflags;
    if (result.reg != INSN_NO_REG)
        *guest_reg(regs, result.reg) = result.reg_value;
    emulate_done(v, regs, s.insn.length);
    return PTWR_DONE;
}
