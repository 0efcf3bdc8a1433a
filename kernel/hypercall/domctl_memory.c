/*
 * domctl on memory: how much a domain may have, what its frames are, its hypercall page, and the memory nodes, of which there is one.
 */
#include "hypercall/domctl.h"
#include "lib/hypercall_page.h"
#include "mm/memory.h"
#include "mm/type.h"

#define KB_PER_PAGE    (PAGE_SIZE / 1024)
#define FRAMES_AT_ONCE 1024 /* of getpageframeinfo3; Xen's limit */

/* Memory that a domain may have is kept for it: more than is free is refused. */
s64 domctl_max_mem(struct domctl_call *c)
{
    u64 pages = c->op.u.max_mem.max_memkb / KB_PER_PAGE;

    return memory_set_max(&c->d->mem, pages) ? 0 : refuse(-XEN_ENOMEM, pages);
}

static u64 frame_info(const struct domain *d, mfn_t mfn)
{
    const struct frame *f = frame_owned(mfn, d->mem.domid);

    if (!f || (f->flags & FRAME_SHARED))
        return XEN_DOMCTL_PFINFO_XTAB;
    u64 info = frame_is_table(f) && f->type_refs
                   ? (u64)(f->type - FRAME_L1 + 1) << XEN_DOMCTL_PFINFO_LTAB_SHIFT
                   : XEN_DOMCTL_PFINFO_NOTAB;
    return f->flags & FRAME_PINNED ? info | XEN_DOMCTL_PFINFO_LPINTAB : info;
}

s64 domctl_page_info(struct domctl_call *c)
{
    const struct xen_domctl_getpageframeinfo3 *args = &c->op.u.getpageframeinfo3;
    u64 mfn;

    if (args->num > FRAMES_AT_ONCE)
        return refuse(-XEN_E2BIG, args->num);
    for (u64 i = 0; i < args->num; i++) {
        u64 at = args->array + i * sizeof(u64);

        if (!get_guest_u64(&mfn, at) || !put_guest_u64(at, frame_info(c->d, MFN(mfn))))
            return refuse(-XEN_EFAULT, at);
    }
    return 0;
}

s64 domctl_hypercall_page(struct domctl_call *c)
{
    struct domain_memory *m = &c->d->mem;
    mfn_t mfn = MFN(c->op.u.hypercall_init.gmfn);

    if (!memory_enter(m))
        return -XEN_ERESTART;
    struct frame *f = frame_owned(mfn, m->domid);
    bool ok = f && !(f->flags & FRAME_SHARED) && writable_get(m, f);
    if (ok) {
        hypercall_page_fill(mfn_to_virt(mfn));
        writable_put(f);
    }
    memory_leave(m);
    return ok ? 0 : refuse(-XEN_EACCES, mfn.n);
}

/* ---- nodes: number 0 ---- */

s64 domctl_set_nodes(struct domctl_call *c)
{
    u64 nodes;
    s64 error = bitmap_from_guest(&c->op.u.nodeaffinity.nodemap, &nodes, 1);

    if (error)
        return error;
    return nodes & 1 ? 0 : refuse(-XEN_EINVAL, nodes);
}

s64 domctl_get_nodes(struct domctl_call *c)
{
    const u64 nodes = 1;

    return bitmap_to_guest(&c->op.u.nodeaffinity.nodemap, &nodes, 1);
}
