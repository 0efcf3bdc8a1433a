; SYSCALL lands here, on the guest's stack pointer, in the stub page of the CPU's own block: the page is the same machine frame
; in every block and finds its block relative to its own address (x86/cpu.h). The 32-bit form (CSTAR) is 64 bytes further on.
;
; A file of its own, with one section, because NASM describes a file's code to the debugger as one piece.

%include "offsets.inc"

bits 64
default rel

extern syscall_entry, syscall32_entry

section .text.stub exec align=4096
global syscall_stub_page
syscall_stub_page:
    mov [rel syscall_stub_page + CPU_BLOCK - CPU_SIZE + CPU_syscall_rsp], rsp
    lea rsp, [rel syscall_stub_page + CPU_BLOCK - CPU_SIZE]
    jmp [rel .target]
.target:
    dq syscall_entry
    times 64 - ($ - syscall_stub_page) int3
    mov [rel syscall_stub_page + CPU_BLOCK - CPU_SIZE + CPU_syscall_rsp], rsp
    lea rsp, [rel syscall_stub_page + CPU_BLOCK - CPU_SIZE]
    jmp [rel .target32]
.target32:
    dq syscall32_entry
    times 4096 - ($ - syscall_stub_page) int3
