; The short way of the iret hypercall, which every exception, event and system call of a guest ends
; with.
;
; SYSCALL with number 23 comes here from entry.asm, before anything has been saved: rsp = struct
; cpu, interrupts off, rcx and r11 as SYSCALL left them, rsp of the guest in cpu->syscall_rsp. The
; guest's frame (struct iret_context: rax, r11, rcx, flags, rip, cs, rflags, rsp, ss) is moved to
; where IRETQ wants it; rax, rcx and r11, which come from the frame at last, are all the registers
; that are needed. Whatever is not as usual, a fault on the frame included, goes .slow: the way of
; every other hypercall, to hc_iret() in hypercall/iret.c, which has the rules and does all of it
; again. What is done here must be what is done there.

%include "offsets.inc"

bits 64
default rel

extern syscall_full, guest_iretq, tlb_flush_clock

FRAME_rax    equ 0                      ; struct iret_context
FRAME_r11    equ 8
FRAME_rcx    equ 16
FRAME_flags  equ 24
FRAME_rip    equ 32
FRAME_cs     equ 40
FRAME_rflags equ 48
FRAME_rsp    equ 56
FRAME_ss     equ 64

IRET_WORDS equ 5 * 8                    ; what IRETQ takes: rip, cs, rflags, rsp, ss
%define PUSHED_cs     8
%define PUSHED_rflags 16

; An instruction that reads the guest's frame: a fault there goes the slow way.
%macro GUEST 1+
%%insn:
    %1
    [section __ex_table]
    dq %%insn, iret_entry.slow
    __?SECT?__
%endmacro

; Three-byte NOPs, on a CPU with SMAP STAC and CLAC (x86/extable.h).
%macro SMAP_SITE 1
%%site:
    db 0x0f, 0x1f, 0x00
    [section %1]
    dq %%site
    __?SECT?__
%endmacro

section __ex_table alloc noexec nowrite progbits
section .stac_sites alloc noexec nowrite progbits
section .clac_sites alloc noexec nowrite progbits
section .text

align 64
global iret_entry
iret_entry:
    mov [rsp + CPU_syscall_rcx], rcx
    mov [rsp + CPU_syscall_r11], r11
    mov rcx, [rsp + CPU_syscall_rsp]
    mov r11, rcx                        ; guest_address_ok(): of what begins below, the start faults
    shr r11, HYP_VA_SHIFT
    cmp r11d, HYP_VA_START >> HYP_VA_SHIFT
    je .slow
    mov rax, [rsp + CPU_current]
    cmp qword [rax + CTX_in_kernel], 1  ; in user mode 23 is a system call like any other; in an NMI handler it is more
    jne .slow
    cmp qword [rsp + CPU_work], 0
    jne .slow

    SMAP_SITE .stac_sites
    GUEST push qword [rcx + FRAME_ss]
    or qword [rsp], 3
    GUEST push qword [rcx + FRAME_rsp]
    GUEST mov r11, [rcx + FRAME_rflags]
    mov rax, [rax + CTX_info]
    bt r11, RFLAGS_IF_BIT               ; the guest's interrupt flag is its upcall mask, inverted
    setnc [rax + 1]
    and r11d, RFLAGS_GUEST
    or r11d, RFLAGS_ALWAYS
    push r11
    GUEST push qword [rcx + FRAME_cs]
    GUEST push qword [rcx + FRAME_rip]
    cmp word [rax], 1                   ; an upcall is pending, and not masked any more
    je .slow
    GUEST mov r11, [rcx + FRAME_flags]
    mov al, [rsp + PUSHED_cs]
    and al, 3
    jnz .to_user
    test r11d, VGCF_in_syscall
    jnz .slow

    or qword [rsp + PUSHED_cs], 3
    GUEST mov rax, [rcx + FRAME_rax]
    GUEST mov r11, [rcx + FRAME_r11]
    GUEST mov rcx, [rcx + FRAME_rcx]
    SMAP_SITE .clac_sites
    jmp guest_iretq

; guest_mode_to_user(): the frame is read to its end before the page tables change.
.to_user:
    cmp al, 3
    jne .slow
    mov rax, [rsp + IRET_WORDS + CPU_current]
    cmp qword [rax + CTX_cr3_user], 0
    je .slow
    test r11d, VGCF_in_syscall
    jnz .in_syscall
    GUEST push qword [rcx + FRAME_rcx]
    GUEST push qword [rcx + FRAME_r11]
.switch:
    GUEST push qword [rcx + FRAME_rax]
    SMAP_SITE .clac_sites
    swapgs
    mov qword [rax + CTX_in_kernel], 0
    mov r11, [rax + CTX_cr3_user]
    mov eax, 1                          ; tlb_load_cr3()
    lock xadd [tlb_flush_clock], rax
    inc rax
    mov [rsp + 3 * 8 + IRET_WORDS + CPU_cr3], r11
    mov cr3, r11
    mov [rsp + 3 * 8 + IRET_WORDS + CPU_flush_clock], rax
    inc qword [rsp + 3 * 8 + IRET_WORDS + CPU_stat_cr3_loads]
    pop rax
    pop r11
    pop rcx
    jmp guest_iretq

.in_syscall:                            ; as after SYSRET: rcx = rip, r11 = rflags
    push qword [rsp]
    push qword [rsp + 8 + PUSHED_rflags]
    jmp .switch

.slow:
    SMAP_SITE .clac_sites
    or rsp, CPU_BLOCK - 1
    sub rsp, CPU_SIZE - 1
    mov rcx, [rsp + CPU_syscall_rcx]
    mov r11, [rsp + CPU_syscall_r11]
    mov eax, HYPERCALL_iret
    jmp syscall_full
