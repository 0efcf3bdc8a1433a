/*
 * Building a domain from an image in memory: lib/plan.h says what, this carries it out.
 */
#ifndef KOAN_DOMAIN_BUILD_H
#define KOAN_DOMAIN_BUILD_H

#include "domain/domain.h"

struct build_input {
    struct domain_config config;
    const void *image;
    size_t image_size;
    const void *ramdisk; /* NULL: none */
    size_t ramdisk_size;
    const char *cmdline; /* the guest's */
};

/*
 * Make a domain that is ready to run (sched_wake(its first vCPU, WAIT_DOWN) starts it). A refused image gets a line that names the image, the place in it, the value and the remedy;
 * then NULL is returned and nothing is left behind, but that the end of the run counts it as refused.
 */
struct domain *domain_build(const struct build_input *in);

#endif
