/*
 * The console: see console.h. Characters go to each device in turn; devices that are not there
 * swallow them.
 */
#include "x86/console.h"

#include <stdarg.h>

#include "lib/panic.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "x86/clock.h"
#include "x86/lock.h"
#include "x86/screen.h"

#define PRINTK_MAX 512        /* longest text of one printk; the rest is cut */
#define SHOW_NS    10000000UL /* between two looks at what the screen lacks */

static struct spinlock console_lock = SPINLOCK_INIT(LOCK_CONSOLE);
static bool to_screen; /* r */
static const char
    *open_speaker; /* console_lock: who has begun a line and not ended it; NULL: nobody */

/* What was printed, for a toolstack to read. The indices run free. */
#define RING_SIZE 16384
static char ring[RING_SIZE];     /* console_lock */
static u32 ring_begin, ring_end; /* console_lock */

void console_init(const struct console_config *config)
{
    to_screen = config->screen;
    serial_init(&config->serial);
}

static void emit_to(bool screen, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n')
            serial_putc('\r');
        serial_putc(text[i]);
    }
    if (screen)
        screen_write(text, length);
}

/* The last of a long text are what counts; so nothing is longer than the ring here. */
static void keep(const char *text, size_t length)
{
    for (size_t n; length; text += n, length -= n) {
        u32 at = ring_end % RING_SIZE;

        n = min(length, (size_t)(RING_SIZE - at));
        memcpy(ring + at, text, n);
        ring_end += (u32)n;
    }
    if (ring_end - ring_begin > RING_SIZE)
        ring_begin = ring_end - RING_SIZE;
}

static void emit(const char *text, size_t length)
{
    keep(text, length);
    emit_to(to_screen, text, length);
}

void console_write(const char *text, size_t length)
{
    spin_lock(&console_lock);
    emit(text, length);
    spin_unlock(&console_lock);
}

/* To the screen, too, whatever `console=` says: the serial cable may not be there. */
void console_write_emergency(const char *text, size_t length)
{
    if (open_speaker) /* a line of a guest that was not ended */
        emit_to(true, "\n", 1);
    open_speaker = NULL;
    emit_to(true, text, length);
    screen_show_all();
}

/* Go on with the speaker's open line, or begin one. */
static void take_line(const char *speaker)
{
    if (open_speaker == speaker)
        return;
    if (open_speaker)
        emit("\n", 1);
    emit("(", 1);
    emit(speaker, strlen(speaker));
    emit(") ", 2);
    open_speaker = speaker;
}

static void speak(const char *speaker, const char *text, size_t length)
{
    if (!length)
        return;
    take_line(speaker);
    emit(text, length);
    if (text[length - 1] == '\n')
        open_speaker = NULL;
}

void console_line(const char *speaker, const char *text, size_t length)
{
    spin_lock(&console_lock);
    take_line(speaker);
    emit(text, length);
    emit("\n", 1);
    open_speaker = NULL;
    spin_unlock(&console_lock);
}

void console_text(const char *speaker, const char *text, size_t length)
{
    spin_lock(&console_lock);
    speak(speaker, text, length);
    spin_unlock(&console_lock);
}

/* Each line of the text gets the prefix; a text without an end of line leaves its line open for the
 * next printk. */
void printk(const char *fmt, ...)
{
    static const char koan[] = "koan";
    char text[PRINTK_MAX];
    va_list args;

    va_start(args, fmt);
    koan_vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);

    spin_lock(&console_lock);
    for (const char *rest = text; *rest;) {
        const char *end = strchr(rest, '\n');
        size_t length = end ? (size_t)(end + 1 - rest) : strlen(rest);

        speak(koan, rest, length);
        rest += length;
    }
    spin_unlock(&console_lock);
}

size_t console_ring_read(u32 *index, char *to, size_t size)
{
    spin_lock(&console_lock);
    if (ring_end - *index > ring_end - ring_begin)
        *index = ring_begin;
    size_t n = min(size, (size_t)(ring_end - *index));
    for (size_t i = 0; i < n; i++)
        to[i] = ring[(*index)++ % RING_SIZE];
    spin_unlock(&console_lock);
    return n;
}

u32 console_ring_oldest(void)
{
    return __atomic_load_n(&ring_begin, __ATOMIC_RELAXED);
}

void console_ring_clear(void)
{
    spin_lock(&console_lock);
    ring_begin = ring_end;
    spin_unlock(&console_lock);
}

void console_show(void)
{
    static u64 last; /* console_lock */
    u64 now = clock_ns();

    spin_lock(&console_lock);
    if (to_screen && now - last >= SHOW_NS) {
        last = now;
        screen_show();
    }
    spin_unlock(&console_lock);
}

void console_show_all(void)
{
    spin_lock(&console_lock);
    screen_show_all();
    spin_unlock(&console_lock);
}

int console_getc(void)
{
    return serial_poll();
}
