/*
 * Writable page tables: see ptwr.h. The rules are those of Xen 4.17: a naturally aligned store of 1
 * to 8 bytes, into a page that is mapped read-only and is an L1 table of the domain's own. What
 * else faults there goes to the guest, and so does an entry that is refused.
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
    pte_t *slot; /* the entry, through the direct map */
    u32 shift;   /* where in the entry the operand lies, bits */
    u64 mask;    /* its bits, in place */
};

/* The L1 table that va maps, read-only, through the direct map. NULL: it maps none. */
static ALWAYS_INLINE u8 *find_table(struct vcpu *v, u64 va)
{
    struct domain_memory *m = &v->domain->mem;

    if (unlikely(!guest_range_ok(va, 0)))
        return NULL;
    pte_t e = guest_walk(v->ctx.cr3_kernel, va);
    const struct frame *f =
        (e & (PTE_P | PTE_RW)) == PTE_P ? frame_owned(pte_mfn(e), m->domid) : NULL;
    return f && f->type == FRAME_L1 && f->type_refs ? mfn_to_virt(pte_mfn(e)) : NULL;
}

/* The opcodes of the two commonest stores. */
enum { OPCODE_XCHG = 0x87, OPCODE_MOV = 0x89 };

/*
 * By far the commonest stores, what a compiler makes of *entry = value and of taking an entry away: mov and xchg of a 64-bit register to
 * where a register points, without or with a short displacement. Returns its length; 0: it is
 * another one. Encoding: SDM vol. 2, tables 2-2 and 2-4.
 */
static ALWAYS_INLINE u32 decode_common(struct regs *regs, const u8 *bytes, u64 *address, u64 **reg)
{
    u8 rex = bytes[0], modrm = bytes[2];
    u32 rm = modrm & 7, mod = modrm >> 6;

    if ((rex & 0xf8) != 0x48 || (bytes[1] != OPCODE_MOV && bytes[1] != OPCODE_XCHG) || mod > 1 ||
        rm == 4 || (rm == 5 && !mod))
        return 0; /* REX.W is what counts; rm 4: more bytes; rm 5: relative to rip */
    *address = *guest_reg(regs, rm | (rex & 1) << 3) + (mod ? (s8)bytes[3] : 0);
    *reg = guest_reg(regs, (modrm >> 3 & 7) | (rex & 4) << 1);
    return mod ? 4 : 3;
}

/* The CPU's page walker may set bits in the entry meanwhile: they are in what the guest gets. */
static ALWAYS_INLINE s64 exchange(struct domain_memory *m, pte_t *slot, u64 *reg)
{
    pte_t seen = __atomic_load_n(slot, __ATOMIC_RELAXED);
    s64 error;

    do {
        error = update_l1_if(m, slot, &seen, *reg);
    } while (unlikely(error == -XEN_EAGAIN));
    if (likely(!error))
        *reg = seen;
    return error;
}

/* An address of an operand that this fault can be about: in the page that faulted, and aligned. */
static ALWAYS_INLINE bool fits(u64 address, u64 va, u32 size)
{
    return !((address ^ va) & PAGE_MASK) && !(address & (size - 1));
}

/* Decode any store; false if it is none to this page, or not one that we do. */
static bool decode(struct vcpu *v, const struct regs *regs, const u8 *bytes, size_t count, u64 va,
                   u8 *table, struct store *s)
{
    struct insn_bases bases;

    if (insn_decode(&s->insn, bytes, count) != INSN_OK || !insn_is_store(&s->insn))
        return false;
    guest_regs_gather(regs, s->numbered);
    bases.next_rip = regs->rip + s->insn.length;
    bases.fs = s->insn.address.segment == INSN_SEG_FS ? segbase_fs(v) : 0;
    bases.gs = s->insn.address.segment == INSN_SEG_GS ? segbase_gs_kernel(v) : 0;
    u64 address = insn_address(&s->insn, s->numbered, &bases);
    u32 size = s->insn.operand_size;
    if (!fits(address, va, size))
        return false;
    s->slot = (pte_t *)(table + (address & (PAGE_SIZE - sizeof(pte_t))));
    s->shift = (address & (sizeof(pte_t) - 1)) * 8;
    s->mask = (size == sizeof(pte_t) ? ~0UL : BIT(8 * size) - 1) << s->shift;
    return true;
}

/* The instruction compared, found a difference, and leaves memory as it is. */
static bool leaves_memory(const struct insn *insn, const struct insn_result *result)
{
    return insn->op == INSN_CMPXCHG && !(result->rflags & RFLAGS_ZF);
}

/*
 * Until the entry has not changed between the look at it and the store: the CPU's page walker sets
 * bits in it, too.
 */
static s64 carry_out(struct domain_memory *m, const struct regs *regs, const struct store *s,
                     struct insn_result *result)
{
    pte_t seen = __atomic_load_n(s->slot, __ATOMIC_RELAXED);
    s64 error;

    do {
        insn_execute_store(&s->insn, (seen & s->mask) >> s->shift, s->numbered, regs->rflags,
                           result);
        if (unlikely(leaves_memory(&s->insn, result)))
            return 0;
        pte_t e = (seen & ~s->mask) | (result->value << s->shift & s->mask);
        error = update_l1_if(m, s->slot, &seen, e);
    } while (unlikely(error == -XEN_EAGAIN));
    return error;
}

/* A store of any kind; 0 is the length of one that must not be. */
static NOINLINE u32 store_any(struct vcpu *v, struct regs *regs, const u8 *bytes, size_t count,
                              u64 va, u8 *table)
{
    struct store s;
    struct insn_result result;

    if (!decode(v, regs, bytes, count, va, table, &s) ||
        carry_out(&v->domain->mem, regs, &s, &result))
        return 0;
    regs->rflags = result.rflags;
    if (result.reg != INSN_NO_REG)
        *guest_reg(regs, result.reg) = result.reg_value;
    return s.insn.length;
}

/* Under the lock. The length of the instruction that has been carried out, or 0. */
static ALWAYS_INLINE u32 store(struct vcpu *v, struct regs *regs, u64 va)
{
    struct domain_memory *m = &v->domain->mem;
    u8 *table = find_table(v, va);
    u8 bytes[INSN_MAX];
    u64 address, *reg;

    if (!table)
        return 0;
    size_t count = emulate_fetch(bytes, regs->rip);
    u32 length = likely(count == INSN_MAX) ? decode_common(regs, bytes, &address, &reg) : 0;
    if (unlikely(!length))
        return store_any(v, regs, bytes, count, va, table);
    if (!fits(address, va, sizeof(pte_t)))
        return 0;
    pte_t *slot = (pte_t *)(table + (address & (PAGE_SIZE - 1)));
    s64 error =
        bytes[1] == OPCODE_XCHG ? exchange(m, slot, reg) : update_l1(m, m, slot, *reg, false);
    return error ? 0 : length;
}

enum ptwr_result ptwr_fault(struct vcpu *v, struct regs *regs, u64 va)
{
    struct domain_memory *m = &v->domain->mem;

    if (unlikely(!memory_enter(m)))
        return PTWR_DONE; /* when the pending work is done, the guest will execute it again */
    u32 length = store(v, regs, va);
    memory_leave(m);
    if (unlikely(!length))
        return PTWR_NOT_MINE;
    emulate_done(regs, length);
    return PTWR_DONE;
}
