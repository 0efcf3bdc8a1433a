/*
 * Reading the table of domains, see archive.h.
 */
#include "archive.h"

static bool within(u64 offset, u64 size, u64 whole)
{
    return offset <= whole && size <= whole - offset;
}

static bool domain_ok(const struct archive_domain *d, u64 whole)
{
    return strnlen(d->name, sizeof(d->name)) < sizeof(d->name) &&
           strnlen(d->cmdline, sizeof(d->cmdline)) < sizeof(d->cmdline) &&
           within(d->image_offset, d->image_size, whole) &&
           within(d->ramdisk_offset, d->ramdisk_size, whole);
}

const struct archive *archive_open(void)
{
    const struct archive *a = (const struct archive *)start_info->mod_start;
    u64 size = start_info->mod_len;

    if (size < sizeof(*a) || (start_info->flags & SIF_MOD_START_PFN))
        guest_panic("no ramdisk: start me with koan-run --domu");
    if (a->magic != ARCHIVE_MAGIC || a->count > ARCHIVE_DOMAINS ||
        !within(sizeof(*a), a->count * sizeof(a->domains[0]), size))
        guest_panic("the ramdisk is no table of domains");
    for (u64 i = 0; i < a->count; i++)
        if (!domain_ok(&a->domains[i], size))
            guest_panic("domain %lu of the ramdisk is out of bounds", (unsigned long)i);
    return a;
}
