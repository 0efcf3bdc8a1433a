/*
 * Conformance of kernel/abi: every number, size and offset in our headers against Xen's own. Prints the rows that differ and
 * `N passed, N failed`.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct row {
    const char *name;
    uint64_t value;
    uint64_t size;
    const char *text;
};

extern const struct row abi_ours[], abi_theirs[];
extern const size_t abi_ours_rows, abi_theirs_rows;

static bool same(const struct row *a, const struct row *b)
{
    if (strcmp(a->name, b->name) != 0 || a->value != b->value || a->size != b->size)
        return false;
    return a->text && b->text ? strcmp(a->text, b->text) == 0 : a->text == b->text;
}

static void print_row(const char *whose, const struct row *row)
{
    printf("    %-6s value %#" PRIx64 " size %" PRIu64, whose, row->value, row->size);
    printf(row->text ? " \"%s\"\n" : "%s\n", row->text ? row->text : "");
}

int main(void)
{
    size_t failed = 0;

    if (abi_ours_rows != abi_theirs_rows || abi_ours_rows < 500) {
        printf("the tables have %zu and %zu rows\n0 passed, 1 failed\n", abi_ours_rows,
               abi_theirs_rows);
        return 1;
    }
    for (size_t i = 0; i < abi_ours_rows; i++) {
        if (same(&abi_ours[i], &abi_theirs[i]))
            continue;
        failed++;
        printf("%s differs:\n", abi_ours[i].name);
        print_row("ours", &abi_ours[i]);
        print_row("Xen's", &abi_theirs[i]);
    }
    printf("%zu passed, %zu failed\n", abi_ours_rows - failed, failed);
    return failed != 0;
}
