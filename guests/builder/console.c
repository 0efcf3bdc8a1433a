/*
 * Consoles of the domains: the backend of the console ring (Xen's public io/console.h). Out: lines with the domain's name before them. In:
 * what is typed goes to the first domain that lives.
 */
#include "abi/io.h"
#include "builder.h"
#include "domctl.h"
#include "foreign.h"

#define ESCAPE_LEN 4  /* "\xNN" */
#define SHOW_AFTER 10 /* rounds after which an open line is shown */

static struct ward *open; /* whose unfinished line stands on the screen */

bool console_connect(struct ward *w)
{
    struct evtchn_bind_interdomain bind = { .remote_dom = w->built.domid,
                                            .remote_port = w->built.console_port };

    w->ring = foreign_keep(w->slot, w->built.domid, w->built.console_mfn);
    if (!w->ring)
        return false;
    s64 rc =
        hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, (u64)&bind, 0, 0, 0);
    w->port = rc ? 0 : bind.local_port;
    return rc == 0;
}

void console_disconnect(struct ward *w)
{
    struct evtchn_close close = { .port = w->port };

    if (w->port)
        hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_close, (u64)&close, 0, 0, 0);
    if (w->ring)
        foreign_drop(w->slot);
    w->port = 0;
    w->ring = NULL;
}

static void notify(const struct ward *w)
{
    struct evtchn_send send = { .port = w->port };

    hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (u64)&send, 0, 0, 0);
}

/* ---- output ---- */

/* Another's unfinished line is broken off before anything else is printed. */
static void begin_output(struct ward *w)
{
    if (open && open != w) {
        print("\n");
        open->shown = 0;
    }
    open = NULL;
}

static void end_line(struct ward *w)
{
    begin_output(w);
    if (w->shown)
        print("%.*s\n", (int)(w->length - w->shown), w->line + w->shown);
    else
        print("(%s) %.*s\n", w->source->name, (int)w->length, w->line);
    w->length = 0;
    w->shown = 0;
}

/* Printable ASCII, TAB and what UTF-8 is made of, without the control characters that it writes as c2 80 .. c2 9f. */
static bool is_plain(const struct ward *w, u8 c)
{
    if (c >= 0x80 && c < 0xa0)
        return w->length && (u8)w->line[w->length - 1] != 0xc2;
    return c == '\t' || (c >= 0x20 && c != 0x7f);
}

static void put_byte(struct ward *w, u8 c)
{
    static const char digits[] = "0123456789abcdef";

    if (c == '\n') {
        end_line(w);
        return;
    }
    if (c == '\r')
        return;
    if (w->length > LINE_MAX - ESCAPE_LEN)
        end_line(w);
    if (is_plain(w, c)) {
        w->line[w->length++] = (char)c;
        return;
    }
    char escaped[ESCAPE_LEN] = { '\\', 'x', digits[c >> 4], digits[c & 15] };
    memcpy(w->line + w->length, escaped, ESCAPE_LEN);
    w->length += ESCAPE_LEN;
}

/* The ring is the domain's to write: a producer that runs ahead of the buffer is taken as "full". */
bool console_serve(struct ward *w)
{
    u32 cons = w->ring->out_cons;
    u32 prod = __atomic_load_n(&w->ring->out_prod, __ATOMIC_ACQUIRE);

    if (cons == prod)
        return false;
    if (prod - cons > sizeof(w->ring->out))
        cons = prod - (u32)sizeof(w->ring->out);
    while (cons != prod)
        put_byte(w, *(volatile u8 *)&w->ring->out[cons++ & (sizeof(w->ring->out) - 1)]);
    __atomic_store_n(&w->ring->out_cons, cons, __ATOMIC_RELEASE);
    w->age = 0;
    notify(w);
    return true;
}

void console_show_open(struct ward *w)
{
    if (w->shown == w->length || ++w->age < SHOW_AFTER)
        return;
    begin_output(w);
    if (w->shown)
        print("%.*s", (int)(w->length - w->shown), w->line + w->shown);
    else
        print("(%s) %.*s", w->source->name, (int)w->length, w->line);
    w->shown = w->length;
    open = w;
}

void console_finish(struct ward *w)
{
    if (w->length)
        end_line(w);
}

/* ---- input ---- */

static struct ward *listener(void)
{
    for (u64 i = 0; i < nr_wards; i++)
        if (wards[i].ring)
            return &wards[i];
    return NULL;
}

void console_take_input(void)
{
    struct ward *w = listener();
    char typed[64];

    if (!w)
        return;
    u32 prod = w->ring->in_prod;
    u32 room =
        (u32)sizeof(w->ring->in) - (prod - __atomic_load_n(&w->ring->in_cons, __ATOMIC_ACQUIRE));
    if (room == 0 || room > sizeof(w->ring->in))
        return;
    s64 n = console_io(CONSOLEIO_read, min((u64)room, sizeof(typed)), typed);
    if (n <= 0)
        return;
    for (s64 i = 0; i < n; i++)
        w->ring->in[prod++ & (sizeof(w->ring->in) - 1)] = typed[i];
    __atomic_store_n(&w->ring->in_prod, prod, __ATOMIC_RELEASE);
    notify(w);
}
