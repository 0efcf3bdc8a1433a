/*
 * bzimage FILE: says where the compressed kernel inside a Linux bzImage is, on one line:
 *
 *     format offset length unpacked_size
 *
 * with format one of gzip, lz4, xz, elf, and the rest in decimal bytes. Unpacking is left to the standard
 * tools: koan-run cuts out those bytes and gives them to gzip, lz4 or xz. Exit status 2 and a line that says
 * why for anything else.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/bzimage.h"

enum { STATUS_BAD = 2 };

/* Reads the whole file; the caller frees the bytes. NULL and errno on failure. */
static void *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;

    char *data = NULL;
    long length = -1;
    if (fseek(file, 0, SEEK_END) == 0 && (length = ftell(file)) >= 0 &&
        fseek(file, 0, SEEK_SET) == 0)
        data = malloc((size_t)length + 1);
    if (data && fread(data, 1, (size_t)length, file) != (size_t)length) {
        free(data);
        data = NULL;
    }
    fclose(file);
    *size = (size_t)length;
    return data;
}

int main(int argc, char **argv)
{
    struct problem problem;
    struct bzimage image;
    char line[512];
    size_t size;

    if (argc != 2) {
        fprintf(stderr, "usage: bzimage FILE\n");
        return STATUS_BAD;
    }
    void *data = read_file(argv[1], &size);
    if (!data) {
        fprintf(stderr, "bzimage: %s: %s\n", argv[1], strerror(errno));
        return STATUS_BAD;
    }
    bool good = bzimage_read(&image, data, size, &problem);
    free(data);
    if (!good) {
        problem_format(&problem, line, sizeof(line));
        fprintf(stderr, "bzimage: %s: %s\n", argv[1], line);
        return STATUS_BAD;
    }
    printf("%s %lu %lu %lu\n", bzimage_format_name(image.format), image.offset, image.length,
           image.unpacked_size);
    return 0;
}
