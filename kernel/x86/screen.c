/*
 * Text on the screen. A VGA text screen holds characters; in a framebuffer each is drawn from the
 * 8x8 font of x86/font.c, doubled in height.
 *
 * Scrolling reads no screen memory (that is slow, uncached memory): what is shown is kept in
 * `cells`, and only what differs is drawn.
 */
#include "x86/screen.h"

#include "lib/string.h"
#include "x86/font.h"

#define MAX_COLUMNS  128
#define MAX_ROWS     64
#define GLYPH_WIDTH  8
#define GLYPH_HEIGHT 16
#define ATTRIBUTE    0x0700 /* light grey on black */

/* All under the console's lock. */
static struct screen_config config;
static u8 *memory;   /* NULL: nothing is drawn */
static bool cleared; /* only when the first text comes: that costs time */
static u32 columns, rows, column, row;
static char cells[MAX_ROWS][MAX_COLUMNS];

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
    if (cells[y][x] == c)
        return;
    cells[y][x] = c;
    if (config.kind == SCREEN_TEXT)
        *(volatile u16 *)(memory + (u64)y * config.pitch + x * 2) = ATTRIBUTE | (u8)c;
    else
        draw_glyph(x, y, c);
}

static void scroll(void)
{
    for (u32 y = 0; y + 1 < rows; y++)
        for (u32 x = 0; x < columns; x++)
            draw(x, y, cells[y + 1][x]);
    for (u32 x = 0; x < columns; x++)
        draw(x, rows - 1, ' ');
}

static void new_line(void)
{
    column = 0;
    if (row + 1 < rows)
        row++;
    else
        scroll();
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

static void clear(void)
{
    for (u32 y = 0; y < rows; y++)
        for (u32 x = 0; x < columns; x++)
            draw(x, y, ' ');
    cleared = true;
}

static void put(char c)
{
    if (c == '\n') {
        new_line();
    } else if (c >= ' ' && c <= '~') {
        if (column == columns)
            new_line();
        draw(column++, row, c);
    }
}

void screen_write(const char *text, size_t length)
{
    if (!memory || !columns || !rows)
        return;
    if (!cleared)
        clear();
    for (size_t i = 0; i < length; i++)
        put(text[i]);
}
