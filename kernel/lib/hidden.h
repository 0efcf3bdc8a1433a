/*
 * Included before everything else in the hypervisor (kernel/build.mk): no declaration is of
 * something in another program, so none goes through a global offset table. -fvisibility=hidden
 * says that of definitions only.
 */
#pragma GCC visibility push(hidden)
