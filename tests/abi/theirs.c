/*
 * The table of the ABI as Xen's own public headers (Debian's libxen-dev) have it: newest interface, with the parts for tools,
 * among which are the calls of privileged domains.
 */
#include <stdint.h>

/* Some error numbers never leave the hypervisor, and only it sees them. */
#define __XEN__ 1
#include <xen/errno.h>
#undef __XEN__

#define __XEN_TOOLS__ 1
#include <xen/xen.h>
#include <xen/arch-x86/cpuid.h>
#include <xen/arch-x86/xen-mca.h>
#include <xen/callback.h>
#include <xen/domctl.h>
#include <xen/elfnote.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/io/console.h>
#include <xen/io/xs_wire.h>
#include <xen/memory.h>
#include <xen/nmi.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#define ABI_TABLE      abi_theirs
#define ABI_TABLE_ROWS abi_theirs_rows
#include "table.h"
