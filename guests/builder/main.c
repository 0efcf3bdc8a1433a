/*
 * The builder: make all domains, let them run, and stay until the last has ended. See builder.h.
 *
 * No domain runs before all are built, so that two that work together find each other.
 */
#include "builder.h"
#include "domctl.h"
#include "foreign.h"
#include "handmade.h"
#include "memory.h"

struct ward wards[ARCHIVE_DOMAINS];
u64 nr_wards;

static u16 crowd[1024];

static bool a_guest_crashed, an_image_was_refused;

static const char *reason_text(u32 reason)
{
    static const char *const texts[] = { "powered off", "asked for a reboot", "suspended",
                                         "crashed", "was ended by its watchdog" };

    return reason < ARRAY_SIZE(texts) ? texts[reason] : "shut down for a reason without a name";
}

static void make(struct ward *w, const struct archive *a)
{
    const struct archive_domain *s = w->source;
    struct build_request request = {
        .name = s->name,
        .domid = (u16)s->domid,
        .pages = s->pages,
        .vcpus = s->vcpus,
        .image = (const u8 *)a + s->image_offset,
        .image_size = s->image_size,
        .ramdisk = (const u8 *)a + s->ramdisk_offset,
        .ramdisk_size = s->ramdisk_size,
        .cmdline = s->cmdline,
    };

    if (!build_domain(&request, &w->built)) {
        an_image_was_refused = true;
        return;
    }
    if (!console_connect(w))
        guest_panic("the console of %s cannot be connected", s->name);
    print("builder: %s: domain %u, %lu MiB, %u vCPUs, entry at 0x%lx\n", s->name, w->built.domid,
          s->pages >> 8, s->vcpus, w->built.plan.entry);
}

static void destroy(struct ward *w)
{
    console_disconnect(w);
    s64 rc = build_destroy(w->built.domid);
    if (rc)
        guest_panic("%s cannot be destroyed: %ld", w->source->name, (long)rc);
    print("builder: %s is gone\n", w->source->name);
    w->built.domid = 0;
}

/* Has it ended? Then print the rest of what it wrote, say why, and take it away. */
static void look_after(struct ward *w)
{
    struct xen_domctl op = { .cmd = XEN_DOMCTL_getdomaininfo, .domain = w->built.domid };
    s64 rc = domctl(&op);

    if (rc || op.domain != w->built.domid)
        guest_panic("%s has gone away by itself: %ld", w->source->name, (long)rc);
    u32 flags = op.u.getdomaininfo.flags;
    if (!(flags & XEN_DOMINF_shutdown))
        return;
    while (console_serve(w))
        ;
    console_finish(w);
    u32 reason = flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
    print("builder: %s %s\n", w->source->name, reason_text(reason));
    a_guest_crashed |= reason == SHUTDOWN_crash || reason == SHUTDOWN_watchdog;
    destroy(w);
}

/* One round; false when nobody is left. */
static bool serve(void)
{
    bool any = false;

    console_take_input();
    for (u64 i = 0; i < nr_wards; i++) {
        struct ward *w = &wards[i];

        if (!w->built.domid)
            continue;
        if (!console_serve(w))
            console_show_open(w);
        look_after(w);
        any |= w->built.domid != 0;
    }
    return any;
}

/* `crowd=N` on the command line: so many domains that sleep all the time, for measurements of what their number costs the others. They have
 * gone to sleep when this is back. */
static u64 make_crowd(void)
{
    u64 number = cmdline_number("crowd", 0);

    number = number < ARRAY_SIZE(crowd) ? number : ARRAY_SIZE(crowd);
    for (u64 i = 0; i < number; i++) {
        struct handmade h = { .code = handmade_sleep, .code_size = handmade_sleep_size };
        s64 rc = handmade_make(&h, STAGE_RUNNING);

        if (rc)
            guest_panic("domain %lu of the crowd: %ld", i, (long)rc);
        crowd[i] = h.domid;
        yield();
    }
    print("builder: %lu domains sleep\n", number);
    return number;
}

int main(void)
{
    const struct archive *a = archive_open();

    if (!guest_is_privileged())
        guest_panic("not privileged: start me with koan-run --domu");
    foreign_init();
    events_init();
    nr_wards = a->count;
    for (u64 i = 0; i < nr_wards; i++) {
        wards[i].source = &a->domains[i];
        wards[i].slot = (unsigned int)i;
        make(&wards[i], a);
    }
    u64 sleepers = make_crowd();
    for (u64 i = 0; i < nr_wards; i++)
        if (wards[i].built.domid)
            domctl_plain(XEN_DOMCTL_unpausedomain, wards[i].built.domid);
    while (serve())
        events_wait();
    for (u64 i = 0; i < sleepers; i++)
        build_destroy(crowd[i]);
    print("builder: all domains have ended: %s\n", a_guest_crashed ? "a guest crashed"
                                                   : an_image_was_refused
                                                       ? "an image was refused"
                                                       : "all shut down cleanly");
    guest_shutdown(SHUTDOWN_reboot);
}
