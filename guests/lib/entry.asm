; Where the hypervisor enters a guest: start, exceptions, events, system calls; and the ways back.
;
; Entry contract: rsi = start_info, a small stack, events masked, no trap table. For an exception the hypervisor pushes (lowest
; address first) rcx, r11, an error code where hardware has one, rip, cs, rflags, rsp, ss, and comes here with the selectors of
; guest kernel mode. rcx and r11 are on the stack because the return path of the hypervisor (SYSRET) loses them.
;
; Every entry ends as one struct trap_frame (trap.h) and goes back by the iret hypercall, which sets rip, rflags, stack, mode and
; the event mask in one step.

%include "abi.inc"

extern guest_start, trap_dispatch, vcpu_own
global _start, hypercall_page, trap_table_entries, event_entry, failsafe_entry, syscall_entry
global entry_state, user_resume, user_leave, probe_call

; ---- ELF notes: what the domain builder must know ----

%macro NOTE_NUMBER 2                ; type, value
    dd 4, 8, %1
    db "Xen", 0
    dq %2
%endmacro

%macro NOTE_TEXT 2                  ; type, text
    dd 4, %%end - %%text, %1
    db "Xen", 0
%%text:
    db %2, 0
%%end:
    align 4, db 0
%endmacro

section .note.Xen alloc noexec nowrite align=4
    NOTE_TEXT   XEN_ELFNOTE_GUEST_OS, "koan-guest"
    NOTE_TEXT   XEN_ELFNOTE_XEN_VERSION, "xen-3.0"
    NOTE_TEXT   XEN_ELFNOTE_LOADER, "generic"
    NOTE_NUMBER XEN_ELFNOTE_VIRT_BASE, 0xffffffff80000000
    NOTE_NUMBER XEN_ELFNOTE_PADDR_OFFSET, 0
    NOTE_NUMBER XEN_ELFNOTE_ENTRY, _start
    NOTE_NUMBER XEN_ELFNOTE_HYPERCALL_PAGE, hypercall_page

; The hypervisor fills this page with call stubs. Until it has, a call there runs into ud2.
section .hypercall_page alloc exec progbits align=4096
hypercall_page:
    times 2048 db 0x0f, 0x0b

section .bss align=4096
boot_stack:
    resb 65536
boot_stack_top:
entry_state:                        ; struct entry_state in guest.h
    resq 24

section .text

_start:
    mov [entry_state + 0], rax
    mov [entry_state + 8], rbx
    mov [entry_state + 16], rcx
    mov [entry_state + 24], rdx
    mov [entry_state + 32], rdi
    mov [entry_state + 40], rbp
    mov [entry_state + 48], r8
    mov [entry_state + 56], r9
    mov [entry_state + 64], r10
    mov [entry_state + 72], r11
    mov [entry_state + 80], r12
    mov [entry_state + 88], r13
    mov [entry_state + 96], r14
    mov [entry_state + 104], r15
    mov [entry_state + 112], rsi
    mov [entry_state + 120], rsp
    pushfq
    pop qword [entry_state + 128]
    mov [entry_state + 136], cs
    mov [entry_state + 138], ss
    mov [entry_state + 140], ds
    mov [entry_state + 142], es
    mov [entry_state + 144], fs
    mov [entry_state + 146], gs
    lea rsp, [boot_stack_top]
    xor ebp, ebp
    cld
    mov rdi, rsi
    call guest_start
    ud2                             ; guest_start does not return

; ---- Entries ----

; The error code's place is free once it has been read: the iret hypercall wants its flags there.
%macro ENTRY_NO_ERROR 1             ; vector
    pop rcx
    pop r11
    push 0
    push rcx
    push r11
    push rax
    push %1
    jmp trap_common
%endmacro

%macro ENTRY_ERROR 1
    pop rcx
    pop r11
    push rcx
    push r11
    push rax
    push %1
    jmp trap_common
%endmacro

%assign vector 0
%rep 32
align 16
trap_%+ vector:
%if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21
    ENTRY_ERROR vector
%else
    ENTRY_NO_ERROR vector
%endif
%assign vector vector + 1
%endrep

align 16
trap_int80:                         ; a gate that tests open for `int 0x80`
    ENTRY_NO_ERROR 0x80
align 16
event_entry:
    ENTRY_NO_ERROR 256
align 16
syscall_entry:
    ENTRY_NO_ERROR 257
align 16
failsafe_entry:                     ; ds, es, fs, gs stand between r11 and rip
    pop rcx
    pop r11
    add rsp, 32
    push 0
    push rcx
    push r11
    push rax
    push 258
    jmp trap_common

trap_common:
    push rdi
    push rsi
    push rdx
    push r8
    push r9
    push r10
    push rbx
    push rbp
    push r12
    push r13
    push r14
    push r15
    cld
    mov rdi, rsp
    mov rbp, rsp
    and rsp, -16
    call trap_dispatch
    mov rsp, rbp
trap_return:
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbp
    pop rbx
    pop r10
    pop r9
    pop r8
    pop rdx
    pop rsi
    pop rdi
    add rsp, 8                      ; vector; what follows is struct iret_context
    mov qword [rsp + 24], 0         ; its flags
    mov eax, __HYPERVISOR_iret
    syscall
    ud2                             ; only a refused iret comes back, and then the domain has crashed

; ---- Guest user mode ----

; void user_resume(struct trap_frame *frame, u64 *rsp): go to where frame says; returns when user_leave is called with what is kept in *rsp.
user_resume:
    push rbx
    push rbp
    push r12
    push r13
    push r14
    push r15
    mov [rsi], rsp
    mov rsp, rdi
    jmp trap_return

; void user_leave(u64 rsp): called in a trap handler, returns from user_resume.
user_leave:
    mov rsp, rdi
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbp
    pop rbx
    ret

; ---- Probing ----

; u64 probe_call(void *function, u64 argument): call it; if it traps anywhere, trap_dispatch comes back here through probe_rsp and
; probe_rip, the first words of this vCPU's struct vcpu_own. Afterwards it may have landed from anywhere, so that is asked for again.
probe_call:
    push rbx
    push rbp
    push r12
    push r13
    push r14
    push r15
    sub rsp, 8
    mov rbx, rdi
    mov r12, rsi
    call vcpu_own
    mov [rax], rsp
    mov qword [rax + 8], .landed
    mov rdi, r12
    call rbx
.landed:
    mov rbx, rax
    call vcpu_own
    mov qword [rax + 8], 0
    mov rax, rbx
    add rsp, 8
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbp
    pop rbx
    ret

; ---- Addresses of the exception entries, for the trap table ----

section .rodata align=8
trap_table_entries:
%assign vector 0
%rep 32
    dq trap_%+ vector
%assign vector vector + 1
%endrep
    dq trap_int80
