/*
 * Building another domain through domctl, by the plan of lib/plan.h: what the hypervisor does for a boot module, done by a privileged
 * guest.
 *
 *     createdomain, max_vcpus, max_mem        a domain without contents
 *     populate_physmap                        its frames; the list of them is the p2m
 *     foreign mappings                        contents, page tables, start_info
 *     pin the L4, setvcpucontext              from here on the tables are checked and its first vCPU has registers
 *     unpausedomain                           (the caller's)
 */
#ifndef GUEST_BUILD_H
#define GUEST_BUILD_H

#include "guest.h"
#include "lib/plan.h"

struct build_request {
    const char *name;
    u16 domid; /* the id that it is to have; 0: any */
    u64 pages;
    u32 vcpus;
    const void *image; /* an ELF image */
    size_t image_size;
    const void *ramdisk;
    size_t ramdisk_size;
    const char *cmdline;
};

struct built_domain {
    u16 domid; /* 0: there is none */
    struct plan plan;
    u64 shared_info_mfn, console_mfn, xenstore_mfn;
    u32 console_port; /* the new domain's own; bound to by nobody yet */
};

/* Build it, up to where it can be unpaused. False: refused, with a line on the console; nothing is left of it. */
bool build_domain(const struct build_request *request, struct built_domain *d);

/* A domain without contents, of the id that *domid says; 0: of any; then it has the new one's, or 0. 0, or what domctl answered. */
s64 build_create(u16 *domid, u32 vcpus);

/* End a domain for good. 0, or what domctl answered. */
s64 build_destroy(u16 domid);

#endif
