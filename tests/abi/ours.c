/* The table of the ABI as Koan's headers have it. */
#include "abi/arch-x86_64.h"
#include "abi/callback.h"
#include "abi/domctl.h"
#include "abi/elfnote.h"
#include "abi/errno.h"
#include "abi/event_channel.h"
#include "abi/grant_table.h"
#include "abi/io.h"
#include "abi/memory.h"
#include "abi/mmu.h"
#include "abi/physdev.h"
#include "abi/platform.h"
#include "abi/sched.h"
#include "abi/sysctl.h"
#include "abi/vcpu.h"
#include "abi/version.h"
#include "abi/xen.h"

#define ABI_TABLE      abi_ours
#define ABI_TABLE_ROWS abi_ours_rows
#include "table.h"
