/*
 * The audit: recount the whole frame table from scratch and compare.
 *
 * The frame table is what isolates the guests, so a difference is a bug of the hypervisor, whatever a guest did: after the lines that
 * name it, an audit that was asked for on the command line ends in a panic; one asked for by a key goes on, so that one can look further.
 */
#include "debug/audit.h"

#include <stdarg.h>

#include "debug/options.h"
#include "debug/say.h"
#include "debug/world.h"
#include "domain/domain.h"
#include "lib/debug.h"

#define MOST_LINES  30
#define TICKS_APART 10 /* audit=tick: ten times a second is plenty */

/* Written while the world stands still, or by who has stopped it. */
static u32 differences;
static u64 rounds; /* audits since start-up */

const char *frame_type_name(u32 type)
{
    static const char *const names[] = { "none", "L1", "L2", "L3", "L4", "segment", "writable" };

    return type < ARRAY_SIZE(names) ? names[type] : "unknown";
}

static const char *owner_name(char *buf, size_t size, u16 owner)
{
    if (owner == OWNER_FREE)
        return "free";
    if (owner == OWNER_KOAN)
        return "the hypervisor's";
    if (owner == OWNER_NONE)
        return "no RAM";
    if (owner == OWNER_LIMBO)
        return "given up, still mapped";
    koan_snprintf(buf, size, "domain %u's", owner);
    return buf;
}

static void differ(const char *where, const char *fmt, va_list args)
{
    char text[160];

    if (++differences > MOST_LINES)
        return;
    koan_vsnprintf(text, sizeof(text), fmt, args);
    say("audit: %s%s\n", where, text);
    if (differences == MOST_LINES)
        say("audit: more differences are counted, not shown\n");
}

void audit_differs(mfn_t mfn, const char *fmt, ...)
{
    char where[96], buf[24];
    va_list args;

    if (mfn_valid(mfn)) {
        const struct frame *f = mfn_to_frame(mfn);
        koan_snprintf(where, sizeof(where), "frame %#lx (%s, type %s, flags %#x): ", mfn.n,
                      owner_name(buf, sizeof(buf), f->owner), frame_type_name(f->type), f->flags);
    } else {
        koan_snprintf(where, sizeof(where), "frame %#lx (beyond the frame table): ", mfn.n);
    }
    va_start(args, fmt);
    differ(where, fmt, args);
    va_end(args);
}

void audit_differs_plain(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    differ("", fmt, args);
    va_end(args);
}

/* What a table says while it has to be said quietly when all is well. */
enum loudness { QUIET, LOUD };

static u32 audit(const char *label, enum loudness loudness)
{
    if (!recount_prepare()) {
        say("audit: %s: NOT DONE: no memory left for the recount (audit=end on the command line keeps it from the start)\n",
            label);
        return 1;
    }
    if (!world_stop()) {
        say("audit: %s: NOT DONE\n", label);
        return 1;
    }
    differences = 0;
    rounds++;
    watchdog_alive();
    recount_clear();
    audit_count();
    watchdog_alive();
    u64 frames = audit_check();
    watchdog_alive();
    u32 found = differences;
    world_go();
    if (found)
        say("audit: %s: %u DIFFERENCES (%lu frames)\n", label, found, frames);
    else if (loudness == LOUD)
        say("audit: %s: clean (%lu frames)\n", label, frames);
    return found;
}

bool audit_prepare(void)
{
    if (recount_prepare())
        return true;
    say("audit: no memory for the recount\n");
    return false;
}

u32 audit_all(void)
{
    return audit("all domains", LOUD);
}

static void must_be_clean(u32 found)
{
    if (found)
        panic("the frame table is wrong: the audit found %u differences", found);
}

/* Is anything left of a domain that has been torn down? */
static u32 leftovers(const struct domain *d)
{
    u64 left = 0;

    for (u64 n = 0; n < max_mfn; n++)
        left += frame_table[n].owner == d->id;
    if (left)
        say("audit: %s: %lu frames are still its own after its end\n", d->name, left);
    return left != 0;
}

void audit_after_domain(struct domain *d)
{
    if (audit_mode == AUDIT_OFF)
        return;
    u32 found = leftovers(d);
    must_be_clean(found + audit(d->name, LOUD));
}

void audit_tick(void)
{
    static u32 ticks; /* the boot CPU's */

    if (likely(audit_mode != AUDIT_TICK) || this_cpu()->id != 0 || ++ticks % TICKS_APART)
        return;
    must_be_clean(audit("tick", QUIET));
}
