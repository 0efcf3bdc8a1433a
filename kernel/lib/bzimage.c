/* A bounded reader of Linux bzImages. See bzimage.h. */
#include "lib/bzimage.h"
#include "lib/string.h"

#define REMEDY_FILE   "check that the file is a whole Linux bzImage"
#define REMEDY_FORMAT "unpack the kernel to its ELF image yourself (Linux: scripts/extract-vmlinux)"

/* Offsets of the boot header's fields in the file. */
enum {
    BOOT_SETUP_SECTS = 0x1f1,
    BOOT_FLAG = 0x1fe,
    BOOT_MAGIC = 0x202,
    BOOT_VERSION = 0x206,
    BOOT_PAYLOAD_OFFSET = 0x248,
    BOOT_PAYLOAD_LENGTH = 0x24c,
    BOOT_HEADER_END = 0x250,
};

enum { BOOT_FLAG_VALUE = 0xaa55, BOOT_VERSION_WITH_PAYLOAD = 0x208, SECTOR = 512 };

/* Every format that Linux can be packed with, so that the unsupported ones are refused by name. */
static const struct format {
    const char *magic;
    size_t length;
    const char *name;
    bool supported;
    enum bzimage_format format;
} formats[] = {
    { "\x1f\x8b", 2, "gzip", true, BZIMAGE_GZIP },
    { "\x02\x21\x4c\x18", 4, "lz4", true, BZIMAGE_LZ4 },
    { "\xfd\x37zXZ\0", 6, "xz", true, BZIMAGE_XZ },
    { "\177ELF", 4, "elf", true, BZIMAGE_ELF },
    { "BZh", 3, "bzip2", false, 0 },
    { "\x5d\0\0", 3, "lzma", false, 0 },
    { "\x89LZO", 4, "lzo", false, 0 },
    { "\x28\xb5\x2f\xfd", 4, "zstd", false, 0 },
};

static u64 read_little(const u8 *data, size_t offset, size_t bytes)
{
    u64 value = 0;

    memcpy(&value, data + offset, bytes);
    return value;
}

const char *bzimage_format_name(enum bzimage_format format)
{
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
        if (formats[i].supported && formats[i].format == format)
            return formats[i].name;
    return "unknown";
}

bool bzimage_is_bzimage(const void *data, size_t size)
{
    return size >= BOOT_HEADER_END && memcmp((const u8 *)data + BOOT_MAGIC, "HdrS", 4) == 0;
}

static bool check_header(const u8 *data, size_t size, struct problem *problem)
{
    if (size < BOOT_HEADER_END)
        return problem_value(problem, "image size", size, "this is too short for a bzImage",
                             REMEDY_FILE);
    if (!bzimage_is_bzimage(data, size))
        return problem_value(problem, "boot header, magic", read_little(data, BOOT_MAGIC, 4),
                             "this is not a bzImage (\"HdrS\", 0x53726448)", REMEDY_FILE);
    if (read_little(data, BOOT_FLAG, 2) != BOOT_FLAG_VALUE)
        return problem_value(problem, "boot header, boot_flag", read_little(data, BOOT_FLAG, 2),
                             "a boot sector ends with 0xaa55", REMEDY_FILE);
    if (read_little(data, BOOT_VERSION, 2) < BOOT_VERSION_WITH_PAYLOAD)
        return problem_value(problem, "boot header, version", read_little(data, BOOT_VERSION, 2),
                             "the boot protocol is older than 2.08 and doesn't name the payload",
                             "use Linux 2.6.26 or later");
    return true;
}

/* Fills in offset and length of the whole payload. */
static bool find_payload(struct bzimage *out, const u8 *data, size_t size, struct problem *problem)
{
    u64 sectors =
        data[BOOT_SETUP_SECTS] ? data[BOOT_SETUP_SECTS] : 4; /* 0 means 4, for old times */

    out->offset = (1 + sectors) * SECTOR + read_little(data, BOOT_PAYLOAD_OFFSET, 4);
    out->length = read_little(data, BOOT_PAYLOAD_LENGTH, 4);
    if (out->offset > size)
        return problem_value(problem, "boot header, payload_offset", out->offset,
                             "the payload begins behind the end of the file", REMEDY_FILE);
    if (out->length > size - out->offset)
        return problem_value(problem, "boot header, payload_length", out->length,
                             "the payload reaches past the end of the file", REMEDY_FILE);
    if (out->length < 16)
        return problem_value(problem, "boot header, payload_length", out->length,
                             "that is too short for a compressed kernel", REMEDY_FILE);
    return true;
}

/* Which format the payload has; NULL for none of the table. length is at least 16. */
static const struct format *detect(const u8 *payload)
{
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
        if (memcmp(payload, formats[i].magic, formats[i].length) == 0)
            return &formats[i];
    return NULL;
}

bool bzimage_read(struct bzimage *out, const void *image, size_t size, struct problem *problem)
{
    const u8 *data = image;

    *out = (struct bzimage){ 0 };
    if (!check_header(data, size, problem) || !find_payload(out, data, size, problem))
        return false;
    const struct format *format = detect(data + out->offset);
    if (!format)
        return problem_value(problem, "payload, magic", read_little(data, out->offset, 4),
                             "the payload's compression is not known", REMEDY_FORMAT);
    if (!format->supported)
        return problem_text(problem, "payload, compression", slice_of(format->name),
                            "only gzip, lz4 and xz can be unpacked", REMEDY_FORMAT);
    out->format = format->format;
    out->unpacked_size = out->length;
    if (out->format == BZIMAGE_ELF)
        return true;
    /* gzip ends with the size by itself; behind the others, Linux's build adds it. */
    out->unpacked_size = read_little(data, out->offset + out->length - 4, 4);
    if (out->format != BZIMAGE_GZIP)
        out->length -= 4;
    return true;
}
