/*
 * Domains from boot modules.
 *
 *     module2 FILE name=NAME [mem=64M] [vcpus=1] [ramdisk=NAME2] [privileged=yes] [console=no]
 *             [weight=256] [cap=0] [cpus=0-1,3] -- guest command line
 *     module2 FILE name=NAME2 kind=ramdisk
 *
 * weight= is its share of the CPUs beside other domains', cap= the percent of one CPU that it gets at most (100: one CPU; 0: no limit),
 * cpus= where it may run; for bvt also warp=, warp_limit= and unwarp_limit=, in milliseconds.
 *
 * Names are keys: the file's name does not get here. A line that can't be used is named with what is wrong in it; the other domains
 * start all the same.
 */
#include "boot/modules.h"
#include "domain/build.h"
#include "domain/end.h"
#include "domain/reap.h"
#include "domain/sched.h"
#include "lib/panic.h"
#include "lib/parse.h"
#include "lib/string.h"
#include "mm/addr.h"

#define DEFAULT_MEMORY MIB(64)
#define MS_NS          1000000UL

struct module_options {
    bool quiet; /* complaints are only made the first time that a line is read */
    char name[NAME_LEN];
    char ramdisk[NAME_LEN];
    u64 memory;
    u64 vcpus;
    bool is_ramdisk, privileged, console;
    struct sched_params sched;
    struct cpumask cpus;
    const char *cmdline;
};

static bool bad(const struct module_options *m, const struct option *o, const char *what)
{
    if (m->quiet)
        return false;
    printk("module %s: refused: option %.*s=%.*s: %s\n", m->name[0] ? m->name : "without a name",
           (int)o->key.length, o->key.text, (int)o->value.length, o->value.text, what);
    return false;
}

static bool read_kind(struct module_options *m, const struct option *o)
{
    m->is_ramdisk = option_value_is(o, "ramdisk");
    return m->is_ramdisk || option_value_is(o, "guest") ||
           bad(m, o, "the kinds are guest and ramdisk");
}

/* 0-1,3 */
static bool read_cpus(struct slice text, struct cpumask *mask)
{
    *mask = (struct cpumask){ 0 };
    if (!text.length)
        return false;
    while (text.length) {
        struct slice range = slice_cut(&text, ',');
        struct slice from = slice_cut(&range, '-');
        u64 first, last;

        if (!parse_number(from, &first))
            return false;
        last = first;
        if (range.length && !parse_number(range, &last))
            return false;
        if (first > last || last >= NR_CPUS)
            return false;
        for (u64 i = first; i <= last; i++)
            cpumask_set(mask, (u32)i);
    }
    return true;
}

static bool read_number(const struct option *o, u64 least, u64 most, u64 *out)
{
    return parse_number(o->value, out) && *out >= least && *out <= most;
}

/* The options of scheduling; *known says whether it is one. */
static bool read_sched_option(struct module_options *m, const struct option *o, bool *known)
{
    struct {
        const char *name;
        u64 *ns;
    } const times[] = { { "warp", &m->sched.warp },
                        { "warp_limit", &m->sched.warp_limit },
                        { "unwarp_limit", &m->sched.unwarp_limit } };
    u64 number = 0;

    *known = true;
    if (option_is(o, "weight")) {
        bool ok = read_number(o, 1, SCHED_WEIGHT_MAX, &number);
        m->sched.weight = (u32)number;
        return ok || bad(m, o, "a weight is a number from 1 to 65535");
    }
    if (option_is(o, "cap")) {
        bool ok = read_number(o, 0, SCHED_CAP_MAX, &number);
        m->sched.cap = (u32)number;
        return ok || bad(m, o, "a cap is a number of percents of a CPU, 0 for none");
    }
    if (option_is(o, "cpus"))
        return read_cpus(o->value, &m->cpus) || bad(m, o, "CPUs are wanted, such as 0-1,3");
    for (u32 i = 0; i < ARRAY_SIZE(times); i++) {
        if (!option_is(o, times[i].name))
            continue;
        bool ok = read_number(o, 0, SCHED_TIME_MAX / MS_NS, &number);
        *times[i].ns = number * MS_NS;
        return ok || bad(m, o, "a time is a number of milliseconds");
    }
    *known = false;
    return true;
}

static bool read_option(struct module_options *m, const struct option *o)
{
    bool known;

    if (o->problem)
        return bad(m, o, o->problem);
    if (option_is(o, "name"))
        return (o->value.length && slice_copy(o->value, m->name, sizeof(m->name))) ||
               bad(m, o, "a name has 1 to 31 characters");
    if (option_is(o, "ramdisk"))
        return slice_copy(o->value, m->ramdisk, sizeof(m->ramdisk)) ||
               bad(m, o, "a name has 1 to 31 characters");
    if (option_is(o, "kind"))
        return read_kind(m, o);
    if (option_is(o, "mem"))
        return (parse_size(o->value, &m->memory) && m->memory >= MIB(1) &&
                m->memory < DIRECTMAP_MAX) ||
               bad(m, o, "a size is wanted, such as 64M, at least 1M");
    if (option_is(o, "vcpus"))
        return (parse_number(o->value, &m->vcpus) && m->vcpus >= 1 && m->vcpus <= MAX_VCPUS) ||
               bad(m, o, "1 to 32 vCPUs");
    if (option_is(o, "privileged"))
        return parse_bool(o, &m->privileged) || bad(m, o, "yes or no");
    if (option_is(o, "console"))
        return parse_bool(o, &m->console) || bad(m, o, "yes or no");
    if (!read_sched_option(m, o, &known))
        return false;
    return known ||
           bad(m, o,
               "no such option; there are name, kind, mem, vcpus, ramdisk, privileged, console, weight, cap, cpus, warp, warp_limit, unwarp_limit");
}

/* Characters of names end up on the console and in options: keep them plain. */
static bool name_ok(const char *name)
{
    for (const char *c = name; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
              *c == '-' || *c == '_' || *c == '.'))
            return false;
    return name[0] && strcmp(name, "koan");
}

static bool read_options(const struct boot_module *module, struct module_options *m, bool quiet)
{
    const char *cursor = module->command_line;
    struct option o;

    *m = (struct module_options){ .quiet = quiet,
                                  .memory = DEFAULT_MEMORY,
                                  .vcpus = 1,
                                  .console = true,
                                  .sched.weight = SCHED_WEIGHT };
    while (option_next(&cursor, &o))
        if (!read_option(m, &o))
            return false;
    while (*cursor == ' ')
        cursor++;
    m->cmdline = cursor;
    if (name_ok(m->name))
        return true;
    if (quiet)
        return false;
    printk(
        "module \"%s\": refused: name= is missing or has other characters than letters, digits, '-', '_' and '.', or is \"koan\"\n",
        m->name);
    return false;
}

static const void *module_bytes(const struct boot_module *m, size_t *size)
{
    *size = m->end - m->start;
    return (const void *)(DIRECTMAP_VA + m->start);
}

static const struct boot_module *find_ramdisk(const struct boot_info *info, const char *name)
{
    struct module_options m;

    for (u32 i = 0; i < info->nr_modules; i++)
        if (read_options(&info->modules[i], &m, true) && m.is_ramdisk && !strcmp(m.name, name))
            return &info->modules[i];
    return NULL;
}

/*
 * GRUB puts a backslash before each quote and backslash that it hands on: take them away. A longer line than a guest can get stays too
 * long, so that the plan refuses it.
 */
static const char *guest_cmdline(const struct boot_info *info, const char *text)
{
    static char line[MAX_GUEST_CMDLINE + 1];
    size_t length = 0;

    if (strncmp(info->loader, "GRUB", 4))
        return text;
    for (; *text && length < sizeof(line) - 1; text++) {
        if (text[0] == '\\' && (text[1] == '\'' || text[1] == '"' || text[1] == '\\'))
            text++;
        line[length++] = *text;
    }
    line[length] = 0;
    return line;
}

/* CPUs that the machine hasn't got are a mistake that the domain needn't pay for. */
static void set_scheduling(struct domain *d, const struct module_options *m)
{
    static const struct cpumask none;

    sched_set_params(d, &m->sched);
    if (!memcmp(&m->cpus, &none, sizeof(none)))
        return;
    for (u32 i = 0; i < d->max_vcpus; i++) {
        if (!sched_set_affinity(d->vcpus[i], &m->cpus)) {
            printk("%s: there is none of the CPUs in cpus=: it may run on all\n", d->name);
            return;
        }
    }
}

static struct domain *start_module(const struct boot_info *info, const struct boot_module *module,
                                   const struct module_options *m)
{
    static bool initial_taken;
    struct build_input in = { .cmdline = guest_cmdline(info, m->cmdline) };

    strlcpy(in.config.name, m->name, sizeof(in.config.name));
    in.config.pages = m->memory >> PAGE_SHIFT;
    in.config.vcpus = (u32)m->vcpus;
    in.config.privileged = m->privileged;
    in.config.initial = m->privileged && !initial_taken;
    in.config.console_ok = m->console;
    in.image = module_bytes(module, &in.image_size);
    if (m->ramdisk[0]) {
        const struct boot_module *r = find_ramdisk(info, m->ramdisk);
        if (!r) {
            printk("%s: refused: ramdisk=%s, and no module of that name has kind=ramdisk\n",
                   m->name, m->ramdisk);
            end_note(END_REFUSED);
            return NULL;
        }
        in.ramdisk = module_bytes(r, &in.ramdisk_size);
    }
    struct domain *d = domain_build(&in);
    if (d && in.config.initial)
        initial_taken = true;
    if (d)
        set_scheduling(d, m);
    return d;
}

/* An earlier guest of the same name: consoles and options could not tell them apart. */
static bool name_taken(struct domain **started, u32 n, const char *name)
{
    for (u32 i = 0; i < n; i++)
        if (!strcmp(started[i]->name, name))
            return true;
    return false;
}

u32 modules_start(const struct boot_info *info)
{
    struct domain *started[BOOT_MODULES_MAX];
    struct module_options m;
    u32 n = 0;

    if (info->modules_lost) {
        printk("boot modules left out: %u (%u can be used, and none that is empty)\n",
               info->modules_lost, BOOT_MODULES_MAX);
        end_note(END_REFUSED);
    }
    for (u32 i = 0; i < info->nr_modules; i++) {
        if (!read_options(&info->modules[i], &m, false)) {
            end_note(END_REFUSED);
            continue;
        }
        if (m.is_ramdisk)
            continue;
        if (name_taken(started, n, m.name)) {
            printk("%s: refused: there is a domain of that name already\n", m.name);
            end_note(END_REFUSED);
            continue;
        }
        struct domain *d = start_module(info, &info->modules[i], &m);
        if (d)
            started[n++] = d;
    }
    if (!domain_next(NULL)) { /* none was even begun, so no end of one will end the machine */
        printk("no boot module is a guest that can run: give one with `module2 FILE name=NAME`\n");
        end_machine();
    }
    reap_begin();
    for (u32 i = 0; i < n; i++)
        sched_wake(started[i]->vcpus[0], WAIT_DOWN);
    return n;
}
