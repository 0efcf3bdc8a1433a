/*
 * The options of Koan's command line that belong to debug/:
 *
 *   audit=end|tick|off   recount the frame table after each domain's end, or at every tick too
 *   trace=KIND,...       record events of these kinds (switch, type, domain, hypercall, exception,
 *                        event, wake) as well as refusals
 *   trace_pages=N        pages of events for each CPU, 128 records a page: 1 (as it is) to 500
 *   test=NAME            provoke a failure of the hypervisor on purpose, so that a test sees its report (selftest.c)
 */
#include "debug/options.h"

#include "debug/say.h"
#include "debug/trace.h"
#include "lib/debug.h"
#include "lib/string.h"

enum audit_mode audit_mode; /* r */
char selftest_name[24];     /* r */
static char problem[64];    /* r: a value that does not exist, "": none */

static bool audit_option(struct slice value)
{
    static const char *const names[] = {
        [AUDIT_OFF] = "off", [AUDIT_END] = "end", [AUDIT_TICK] = "tick"
    };

    for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
        if (slice_equals(value, names[i])) {
            audit_mode = i;
            return true;
        }
    }
    return false;
}

bool debug_option(struct slice key, struct slice value)
{
    bool good = true;

    if (slice_equals(key, "audit"))
        good = audit_option(value);
    else if (slice_equals(key, "trace"))
        good = trace_option(value);
    else if (slice_equals(key, "trace_pages"))
        good = trace_pages_option(value);
    else if (slice_equals(key, "test"))
        good = slice_copy(value, selftest_name, sizeof(selftest_name));
    else
        return false;
    if (!good && !problem[0]) /* the console is not open yet */
        koan_snprintf(problem, sizeof(problem), "option %.*s=%.*s: no such value", (int)key.length,
                      key.text, (int)value.length, value.text);
    return true;
}

void debug_init(void)
{
    if (problem[0])
        say("%s (kernel/debug/options.c lists them); ignored\n", problem);
    trace_init();
    if (audit_mode != AUDIT_OFF)
        audit_prepare();
}
