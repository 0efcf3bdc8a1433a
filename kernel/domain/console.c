/*
 * Guests' lines on the console, and the focus of the keyboard: see console.h.
 */
#include "domain/console.h"

#include "domain/console_ring.h"
#include "domain/domain.h"
#include "lib/debug.h"
#include "lib/string.h"
#include "mm/alloc.h"
#include "x86/console.h"

#define LINE_MAX   240  /* bytes of a line as printed; a longer one is broken */
#define INPUT_MAX  256  /* bytes typed and not yet read; a power of two, later ones are lost */
#define SHOW_AFTER 3    /* ticks after which an open line is shown */
#define ESCAPE_LEN 4    /* "\xNN" */
#define KEY_SWITCH 0x1d /* Ctrl-] */

/* All fields: lines_lock. One page of the hypervisor's for each domain. */
struct console_line {
    struct console_line *next; /* list of all, in order of creation */
    struct domain *domain;
    u32 length;           /* bytes in text[] */
    u32 shown;            /* how many of them are on the console already, in an open line */
    u32 age;              /* ticks since the last byte */
    bool held_cr;         /* a CR came last: it means nothing if LF follows */
    u32 in_head, in_tail; /* of input[], free-running: head is where the next byte goes */
    char text[LINE_MAX];
    u8 input[INPUT_MAX];
};
static_assert(sizeof(struct console_line) <= PAGE_SIZE, "one page");

static struct spinlock lines_lock = SPINLOCK_INIT(LOCK_LINES);
static struct console_line *lines; /* lines_lock */
static struct console_line *focus; /* lines_lock; NULL: the hypervisor's keys */

/* ---- output ---- */

static void end_line(struct console_line *line)
{
    const char *name = line->domain->name;

    if (likely(!line->shown)) {
        console_line(name, line->text, line->length);
    } else {
        line->text[line->length] = '\n'; /* there is room: see put_byte() */
        console_text(name, line->text + line->shown, line->length - line->shown + 1);
    }
    line->length = 0;
    line->shown = 0;
}

static void put_escaped(struct console_line *line, u8 c)
{
    static const char digits[] = "0123456789abcdef";
    char *at = line->text + line->length;

    at[0] = '\\';
    at[1] = 'x';
    at[2] = digits[c >> 4];
    at[3] = digits[c & 15];
    line->length += ESCAPE_LEN;
}

/*
 * What may go to a terminal as it is: printable ASCII, TAB, and all above 0x7f for UTF-8; but the
 * control characters that UTF-8 writes as c2 80 .. c2 9f are none of these.
 */
static bool is_plain(const struct console_line *line, u8 c)
{
    if (likely(c >= 0x20 && c < 0x7f))
        return true;
    if (c >= 0x80 && c < 0xa0)
        return !line->length || (u8)line->text[line->length - 1] != 0xc2;
    return c >= 0xa0 || c == '\t';
}

static void put_byte(struct console_line *line, u8 c)
{
    if (unlikely(line->length > LINE_MAX - ESCAPE_LEN - 1))
        end_line(line);
    if (likely(is_plain(line, c)))
        line->text[line->length++] = c;
    else
        put_escaped(line, c);
}

/*
 * Take the printable ASCII that the text begins with, as far as the line has room; returns how many
 * bytes. The hot part of all output.
 */
static ALWAYS_INLINE size_t put_plain(struct console_line *line, const char *text, size_t length)
{
    char *to = line->text + line->length;
    size_t room = LINE_MAX - ESCAPE_LEN - min(line->length, (u32)(LINE_MAX - ESCAPE_LEN));
    size_t n = 0;

    length = min(length, room);
    while (n < length && (u8)(text[n] - 0x20) < 0x5f) {
        to[n] = text[n];
        n++;
    }
    line->length += n;
    return n;
}

static void write_locked(struct console_line *line, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (unlikely(line->held_cr)) {
            line->held_cr = false;
            if (text[i] != '\n')
                put_byte(line, '\r');
        }
        i += put_plain(line, text + i, length - i);
        if (i == length)
            break;
        if (text[i] == '\n')
            end_line(line);
        else if (unlikely(text[i] == '\r'))
            line->held_cr = true;
        else
            put_byte(line, text[i]);
    }
    line->age = 0;
}

void console_guest_write(struct domain *d, const char *text, size_t length)
{
    if (!d->console)
        return;
    spin_lock(&lines_lock);
    write_locked(d->console, text, length);
    spin_unlock(&lines_lock);
}

static void show_open_line(struct console_line *line)
{
    console_text(line->domain->name, line->text + line->shown, line->length - line->shown);
    line->shown = line->length;
}

void console_tick(void)
{
    spin_lock(&lines_lock);
    for (struct console_line *line = lines; line; line = line->next)
        if (line->shown < line->length && ++line->age >= SHOW_AFTER)
            show_open_line(line);
    spin_unlock(&lines_lock);
}

void console_flush(struct domain *d)
{
    if (!d->console)
        return;
    spin_lock(&lines_lock);
    if (d->console->length)
        end_line(d->console);
    spin_unlock(&lines_lock);
}

/* ---- the list ---- */

static bool may_have_focus(const struct domain *d)
{
    return d->console_ok || d->console_ring.served;
}

void console_attach(struct domain *d)
{
    mfn_t page = alloc_koan_page();

    if (page.n == INVALID_MFN.n)
        return; /* a domain without a console runs all the same */
    struct console_line *line = mfn_to_virt(page);
    line->domain = d;

    spin_lock(&lines_lock);
    struct console_line **link = &lines;
    while (*link)
        link = &(*link)->next;
    *link = line;
    d->console = line;
    spin_unlock(&lines_lock);
    console_offer_focus(d);
}

void console_offer_focus(struct domain *d)
{
    spin_lock(&lines_lock);
    if (d->console && lines == d->console && may_have_focus(d))
        focus = d->console;
    spin_unlock(&lines_lock);
}

/*
 * The next line after this one (NULL: the first) that may have the focus; NULL at the end, which is
 * the hypervisor's turn.
 */
static struct console_line *next_focus(struct console_line *line)
{
    do
        line = line ? line->next : lines;
    while (line && !may_have_focus(line->domain));
    return line;
}

static void move_focus(struct console_line *to)
{
    focus = to;
    if (to) {
        to->shown = 0; /* its prompt is shown again */
        printk("input goes to %s\n", to->domain->name);
    } else {
        printk("input goes to the hypervisor: h for help\n");
    }
}

void console_forget(struct domain *d)
{
    struct console_line *line = d->console;

    if (!line)
        return;
    console_flush(d);
    spin_lock(&lines_lock);
    struct console_line **link = &lines;
    while (*link != line)
        link = &(*link)->next;
    *link = line->next;
    if (focus == line) {
        focus = NULL;
        if (lines)
            move_focus(next_focus(NULL));
    }
    d->console = NULL;
    spin_unlock(&lines_lock);
    alloc_free_koan_page(virt_to_mfn(line));
}

/* ---- input ---- */

static void type_to(struct console_line *line, u8 byte)
{
    if (line->in_head - line->in_tail < INPUT_MAX)
        line->input[line->in_head++ % INPUT_MAX] = byte;
}

void console_input(u8 byte)
{
    spin_lock(&lines_lock);
    struct console_line *to = byte == KEY_SWITCH ? NULL : focus;
    u16 domid = to ? to->domain->id : DOMID_INVALID;
    bool for_hypervisor = !focus && byte != KEY_SWITCH;
    if (byte == KEY_SWITCH)
        move_focus(next_focus(focus));
    else if (to)
        type_to(to, byte);
    spin_unlock(&lines_lock);
    if (for_hypervisor)
        debug_key(byte);
    else if (to)
        console_ring_input(domid);
}

size_t console_guest_read(struct domain *d, u8 *to, size_t size)
{
    struct console_line *line = d->console;
    size_t n = 0;

    if (!line)
        return 0;
    spin_lock(&lines_lock);
    while (n < size && line->in_tail != line->in_head)
        to[n++] = line->input[line->in_tail++ % INPUT_MAX];
    spin_unlock(&lines_lock);
    return n;
}
