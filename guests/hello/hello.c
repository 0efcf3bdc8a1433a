/*
 * The smallest guest: says what it found when it started, and ends.
 */
#include "guest.h"
#include "memory.h"

int main(void)
{
    u64 version = (u64)xen_version(XENVER_version, NULL);

    print("Hello! A guest of %lu pages (%lu MiB) on Xen ABI %lu.%lu, %s.\n", start_info->nr_pages,
          start_info->nr_pages >> 8, version >> 16, version & 0xffff,
          guest_is_privileged() ? "privileged" : "unprivileged");
    print("magic %s, flags %#x, command line \"%s\"\n", start_info->magic, start_info->flags,
          (const char *)start_info->cmd_line);
    print("first L4 at %#lx (machine frame %#lx), %lu page tables; pages left: %lu\n",
          start_info->pt_base, current_l4(), start_info->nr_pt_frames, pages_left());
    print("The system time is %lu ns.\n", shared_info->vcpu_info[0].time.system_time);
    return 0;
}
