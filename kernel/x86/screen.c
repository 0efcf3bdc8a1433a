/*
 * Text on the screen. A VGA text screen holds characters; in a framebuffer each is drawn from the
 * 8x8 font of x86/font.c, doubled in height.
 *
 * What is to be shown stands in `cells`, what is drawn in `shown`; only what differs is drawn, and
 * screen memory, which is slow, is never read. Writing is quick; drawing is not: in a framebuffer a
 * screenful of other characters takes some ten million instructions. So from the first screen_show()
 * on, which comes with the timer, drawing is left to it, a part at a time.
 */
#include "x86/screen.h"

#include "lib/string.h"
#include "x86/font.h"

#define MAX_COLUMNS  128
#define MAX_ROWS     64
#define GLYPH_WIDTH  8
#define GLYPH_HEIGHT 16
#define ATTRIBUTE    0x0700 /* light grey on black */

/* How many characters one screen_show() draws. */
#define PART_TEXT   4000
#define PART_PIXELS 128

/* All under the console's lock. */
static struct screen_config config;
static u8 *memory; /* NULL: nothing is drawn */
static bool begun; /* only when the first text comes: a screen that is not used stays as it is */
static bool later; /* screen_show() draws */
static bool dirty; /* cells and shown may differ */
static u32 columns, rows, column, row;
static u32 top; /* the row of `cells` that is shown first */
static char cells[MAX_ROWS][MAX_COLUMNS];
static char shown[MAX_ROWS][MAX_COLUMNS];

u64 screen_size(const struct screen_config *c)
{
    return (u64)c->pitch * c->height;
}

static void put_pixel(u8 *at, bool lit)
{
    for (u32 i = 0; i < config.bits / 8; i++)
        at[i] = lit ? 0xc0 : 0;
}

static void draw_glyph(u32 x, u32 y, char c)
{
    u8 *line =
        memory + (u64)y * GLYPH_HEIGHT * config.pitch + (u64)x * GLYPH_WIDTH * (config.bits / 8);

    for (u32 i = 0; i < GLYPH_HEIGHT; i++, line += config.pitch) {
        u8 bits = font_row(c, i / 2);

        for (u32 j = 0; j < GLYPH_WIDTH; j++)
            put_pixel(line + j * (config.bits / 8), bits & (0x80 >> j));
    }
}

static void draw(u32 x, u32 y, char c)
{
    shown[y][x] = c;
    if (config.kind == SCREEN_TEXT)
        *(volatile u16 *)(memory + (u64)y * config.pitch + x * 2) = ATTRIBUTE | (u8)c;
    else
        draw_glyph(x, y, c);
}

/* The row of `cells` that is to be seen in row y of the screen. */
static char *cells_at(u32 y)
{
    return cells[(top + y) % rows];
}

/* Draw what differs, at most so many characters. */
static void refresh(u32 most)
{
    for (u32 y = 0; y < rows; y++) {
        const char *wanted = cells_at(y);

        for (u32 x = 0; x < columns; x++) {
            if (shown[y][x] == wanted[x])
                continue;
            if (most-- == 0)
                return;
            draw(x, y, wanted[x]);
        }
    }
    dirty = false;
}

static void new_line(void)
{
    column = 0;
    if (row + 1 < rows) {
        row++;
        return;
    }
    top = (top + 1) % rows;
    memset(cells_at(row), ' ', columns);
}

void screen_init(const struct screen_config *c)
{
    bool pixels = c->kind == SCREEN_PIXELS;

    if (c->kind == SCREEN_NONE || (pixels && (c->bits % 8 || c->bits > 32)) ||
        c->pitch < (u64)c->width * (pixels ? c->bits / 8 : 2))
        return;
    config = *c;
    columns = min(pixels ? c->width / GLYPH_WIDTH : c->width, (u32)MAX_COLUMNS);
    rows = min(pixels ? c->height / GLYPH_HEIGHT : c->height, (u32)MAX_ROWS);
}

void screen_move(void *where)
{
    memory = where;
}

static void begin(void)
{
    memset(cells, ' ', sizeof(cells));
    begun = true;
}

static void put(char c)
{
    if (c == '\n') {
        new_line();
    } else if (c >= ' ' && c <= '~') {
        if (column == columns)
            new_line();
        cells_at(row)[column++] = c;
    }
}

void screen_write(const char *text, size_t length)
{
    if (!memory || !columns || !rows)
        return;
    if (!begun)
        begin();
    for (size_t i = 0; i < length; i++)
        put(text[i]);
    dirty = true;
    if (!later)
        refresh(~0U);
}

void screen_show(void)
{
    later = true;
    if (memory && dirty)
        refresh(config.kind == SCREEN_TEXT ? PART_TEXT : PART_PIXELS);
}

void screen_show_all(void)
{
    if (memory && dirty)
        refresh(~0U);
}
