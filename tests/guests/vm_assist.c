/*
 * vm_assist: switches of the domain. The types that guests use are accepted on and off; a type or a command that does not exist is
 * refused.
 *
 * Linux turns on types 0, 2, 3 and 5 and ignores the answers. Source: VMASST_* in xen.h.
 */
#include "test.h"

TEST
{
    CHECK_RC(vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables), 0);
    CHECK_RC(vm_assist(VMASST_CMD_disable, VMASST_TYPE_writable_pagetables), 0);
    CHECK_RC(vm_assist(VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag), 0);
    CHECK_RC(vm_assist(VMASST_CMD_enable, VMASST_TYPE_architectural_iopl), 0);
    CHECK_RC(vm_assist(VMASST_CMD_disable, VMASST_TYPE_architectural_iopl), 0);
    CHECK_REFUSED(vm_assist(VMASST_CMD_enable, 63));
    CHECK_REFUSED(vm_assist(VMASST_CMD_enable, 64));
    CHECK_REFUSED(vm_assist(VMASST_CMD_enable, ~0U));
    CHECK_RC(vm_assist(7, VMASST_TYPE_writable_pagetables), -XEN_ENOSYS);
}
