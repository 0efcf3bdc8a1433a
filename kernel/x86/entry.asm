; The way into the hypervisor and out of it: SYSCALL, exceptions, interrupts, and the return to the guest.
;
; Every entry ends with a struct regs (x86/regs.h) on the stack. From a guest that is the top of the CPU's main stack, directly below
; struct cpu, so no entry has to look for its data. The guest's GS bases stay in the hardware throughout (x86/cpu.h says why).
; Exceptions from the guest enter with interrupts off (CR2 has to be read first); guest_trap() turns them on.
;
; Sources: SDM vol. 3 ch. 6 (interrupts), 5.8.8 (SYSCALL/SYSRET); the ABI's rules in domain/bounce.c.

%include "offsets.inc"

bits 64
default rel

extern hypercall_table, hypercall_unknown, trace_record
extern iret_entry, guest_trap, bounce_page_fault, guest_debug_lost, guest_syscall, exit_work, interrupt
extern hypervisor_exception, iret_fault, nmi_handler, machine_check_handler

FLAT_CS64 equ 0xe033
FLAT_SS   equ 0xe02b
FLAT_CS32 equ 0xe023

; rsp-relative offset of a field of struct cpu when the outermost struct regs is at rsp
%define CPU(field) REGS_SIZE + CPU_ %+ field

; LAB 1.4a: Bring every exception to one frame: an error code for each, the vector, and all registers.

; The first thing on the way of a vector: behind it the stack holds error code and vector as struct regs has them, each 32 bits wide. The
; CPU has pushed an error code for some vectors, as 64 bits (SDM vol. 3, table 6-1 and 6.13).
%macro PUSH_VECTOR 1
%if !(%1 == 8 || (%1 >= 10 && %1 <= 14) || %1 == 17 || %1 == 21 || %1 == 29 || %1 == 30)
    push 0
%endif
    mov dword [rsp + 4], %1
%endmacro

; The general registers, so that a struct regs (x86/regs.h) begins at rsp.
%macro PUSH_GPRS 0
    push rdi
    push rsi
    push rdx
    push rcx
    push rax
    push r8
    push r9
    push r10
    push r11
    push rbx
    push rbp
    push r12
    push r13
    push r14
    push r15
%endmacro

; And back again, all but the stack pointer: rsp is left at error code and vector.
%macro POP_GPRS 0
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbp
    pop rbx
    pop r11
    pop r10
    pop r9
    pop r8
    pop rax
    pop rcx
    pop rdx
    pop rsi
    pop rdi
%endmacro

; END LAB 1.4a

; The last look before a guest: interrupts go off, so that no work can come up between it and the guest. rbx = the vCPU; uses rcx.
%macro LOOK_FOR_WORK 1                  ; where to go when there is some
    cli
    cmp qword [rsp + CPU(work)], 0
    jne %1
    mov rcx, [rbx + CTX_info]
    cmp word [rcx], 1                   ; upcall pending, and not masked
    je %1
%endmacro

; A three-byte NOP that start-up turns into CLAC on a CPU with SMAP: the guest may come in with AC set.
%macro CLAC_SITE 0
%%site:
    db 0x0f, 0x1f, 0x00
    [section .clac_sites]
    dq %%site
    __?SECT?__
%endmacro

; A trace point (lib/trace.h): a five-byte NOP that becomes a jump to %1 when kind %2 is traced.
%macro TRACE_SITE 2
%ifndef KOAN_NO_TRACE
%%site:
    db 0x0f, 0x1f, 0x44, 0x00, 0x00
    [section .trace_sites]
    dq %%site, %1, %2
    __?SECT?__
%endif
%endmacro

section .trace_sites alloc noexec nowrite progbits
section .text

; SYSCALL from 64-bit code: a hypercall when the guest's kernel runs, else a system call for the guest's kernel.
; The arguments are already where C wants them, but for the fourth (rcx holds the return address).
;
; After a hypercall, the registers that C keeps for its callers (rbp, r12 to r15; rbx, which is the vCPU here) are not read back from
; struct regs: a handler must not change them there. It may change all others.
align 64
global syscall_entry
syscall_entry:
    cmp rax, HYPERCALL_iret             ; comes so often that it has a way of its own
    je iret_entry
global syscall_full
syscall_full:
    push FLAT_SS
    push qword [rsp + 8 + CPU_syscall_rsp]
    push r11
    push FLAT_CS64
    push rcx
    push -1                             ; VECTOR_SYSCALL, no error code
    PUSH_GPRS
    sti
    mov rbx, [rsp + CPU(current)]
    cmp qword [rbx + CTX_in_kernel], 0
    je guest_user_syscall
    TRACE_SITE syscall_traced, TRACE_HYPERCALL
syscall_dispatch:
    cmp rax, HYPERCALL_SLOTS
    jae unknown_hypercall
    mov rcx, r10
    lea r11, [hypercall_table]
    call [r11 + rax * 8]
hypercall_done:
    LOOK_FOR_WORK hypercall_work
    cmp dword [rsp + REGS_vector], -1   ; the iret hypercall leaves by IRETQ
    jne hypercall_iret
    mov rcx, [rsp + REGS_rip]           ; SYSRET to a non-canonical address would fault in ring 0, with the guest's stack:
    movsx r11d, word [rsp + REGS_rip + 4]
    cmp r11d, [rsp + REGS_rip + 4]      ; bits 63 to 48 must be like bit 47
    jne hypercall_iret
    add rsp, REGS_rbx
    pop rbx
    pop r11
    pop r10
    pop r9
    pop r8
    add rsp, 16                         ; rax holds the result, rcx the return address
    pop rdx
    pop rsi
    pop rdi
    mov r11, [rsp + 24]
    mov rsp, [rsp + 32]
    o64 sysret

hypercall_iret:
    mov [rsp + REGS_rax], rax
    add rsp, REGS_rbx
    jmp exit_iret.rbx

hypercall_work:
    mov [rsp + REGS_rax], rax
    jmp work

; A trace point that is on: the number and the first argument of a hypercall, the vector and the rip of an exception.
syscall_traced:
    push rdi
    push rax
    push TRACE_HYPERCALL
    call trace_thunk
    add rsp, 24
    jmp syscall_dispatch
trap_traced:
    push qword [rdi + REGS_rip]
    mov eax, [rdi + REGS_vector]
    push rax
    push TRACE_EXCEPTION
    call trace_thunk
    add rsp, 24
    jmp trap_dispatch

; trace_record(kind, a, b): the three stand above the return address. Keeps all registers (flags not), from wherever it is called.
global trace_thunk
trace_thunk:
    PUSH_GPRS
    mov rdi, [rsp + 128]                ; fifteen registers and the return address
    mov rsi, [rsp + 136]
    mov rdx, [rsp + 144]
    mov rbp, rsp
    and rsp, -16
    call trace_record
    mov rsp, rbp
    POP_GPRS
    ret

unknown_hypercall:
    call hypercall_unknown
    jmp hypercall_done

guest_user_syscall:
    mov rdi, rsp
    mov rsi, rbx
    call guest_syscall
    jmp exit_to_guest

; SYSCALL from 32-bit code (AMD; on Intel it is #UD): only guest user code can be there.
align 16
global syscall32_entry
syscall32_entry:
    push FLAT_SS
    push qword [rsp + 8 + CPU_syscall_rsp]
    push r11
    push FLAT_CS32
    push rcx
    push 0
    PUSH_GPRS
    sti
    mov rdi, rsp
    mov rsi, [rsp + CPU(current)]
    call guest_syscall
    jmp exit_to_guest

; ---------------------------------------------------------------------------------------------------------------------------
; Exceptions and interrupts. A stub for each vector makes the frame uniform.

%macro STUB 2                           ; vector, common part
align 16
trap_stub_%1:
    PUSH_VECTOR %1
    jmp %2
%endmacro

STUB 0, trap_common
STUB 1, debug_common
STUB 2, ist_common
%assign v 3
%rep 5
STUB v, trap_common
%assign v v + 1
%endrep
STUB 8, ist_common
%assign v 9
%rep 5
STUB v, trap_common
%assign v v + 1
%endrep
STUB 14, page_fault_common
%assign v 15
%rep 3
STUB v, trap_common
%assign v v + 1
%endrep
STUB 18, ist_common
%assign v 19
%rep 13
STUB v, trap_common
%assign v v + 1
%endrep
%rep 224
STUB v, irq_common
%assign v v + 1
%endrep

section .rodata
align 8
global trap_stub_table
trap_stub_table:
%assign v 0
%rep 256
    dq trap_stub_ %+ v
%assign v v + 1
%endrep

section .text
align 64
trap_common:
    PUSH_GPRS
    cld
    CLAC_SITE
    mov rdi, rsp
    test byte [rsp + REGS_cs], 3
    jz from_hypervisor
    TRACE_SITE trap_traced, TRACE_EXCEPTION
trap_dispatch:
    mov rsi, [rsp + CPU(current)]
    call guest_trap
    ; falls through

; Leave to the guest with the registers at rsp. IRETQ gives back whatever the guest was interrupted with.
global exit_to_guest
exit_to_guest:
    mov rbx, [rsp + CPU(current)]
    LOOK_FOR_WORK work
exit_iret:
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbp
.rbx:
    pop rbx
    pop r11
    pop r10
    pop r9
    pop r8
    pop rax
    pop rcx
    pop rdx
    pop rsi
    pop rdi
    add rsp, 8
global guest_iretq
guest_iretq:                            ; may fault on the guest's selectors: iret_fault() sees this address
    iretq

work:
    sti
    mov rdi, rsp
    call exit_work
    jmp exit_to_guest

; A page fault of a guest's user goes to the guest's kernel, whatever its reason. It comes so often that it doesn't go through
; guest_trap(), and what C keeps for its callers is not read back: a bounce doesn't change it.
align 64
page_fault_common:
    PUSH_GPRS
    cld
    CLAC_SITE
    mov rdi, rsp
    test byte [rsp + REGS_cs], 3
    jz from_hypervisor
    TRACE_SITE trap_traced, TRACE_EXCEPTION
    mov rbx, [rsp + CPU(current)]
    cmp qword [rbx + CTX_in_kernel], 0
    jne trap_dispatch
    mov ecx, [rsp + REGS_error_code]
    test cl, PF_USER
    jz trap_dispatch                    ; what the CPU itself reads, for a segment register
    mov rsi, rdi
    mov rdi, rbx
    mov rdx, cr2
    sti
    call bounce_page_fault
    LOOK_FOR_WORK work
    add rsp, REGS_rbx
    jmp exit_iret.rbx

align 16
irq_common:
    PUSH_GPRS
    cld
    CLAC_SITE
    mov rdi, rsp
    mov rbx, rsp
    call interrupt
    test byte [rbx + REGS_cs], 3
    jnz exit_to_guest
    jmp resume_hypervisor

; A fault in the hypervisor: in code that expects it (exception table), at the return to the guest, or a bug.
from_hypervisor:
    lea rax, [guest_iretq]
    cmp [rsp + REGS_rip], rax
    je iret_failed
    call hypervisor_exception
resume_hypervisor:
    POP_GPRS
    add rsp, 8
    iretq
iret_failed:
    call iret_fault                     ; rebuilds the guest's registers where they were; returns their address
    mov rsp, rax
    jmp exit_to_guest

; #DB has a stack of its own: MOV SS with a watched operand, followed by SYSCALL, raises it on the guest's stack pointer in ring 0.
; From the guest it goes on, on the main stack, like any other exception.
debug_common:
    PUSH_GPRS
    cld
    CLAC_SITE
    mov rdi, rsp
    test byte [rsp + REGS_cs], 3
    jz .in_hypervisor
    lea rdx, [guest_trap]
.to_main_stack:
    mov rsi, rsp
    mov rdi, rsp
    or rdi, CPU_BLOCK - 1
    lea rdi, [rdi + 1 - CPU_SIZE - REGS_SIZE]
    mov rbx, rdi
    mov ecx, REGS_SIZE / 8
    rep movsq
    mov rsp, rbx
    mov rdi, rbx
    mov rsi, [rsp + CPU(current)]
    call rdx
    jmp exit_to_guest

; A second #DB before the first instruction of the stub (QEMU: a data breakpoint and a single step at one instruction; others: MOV SS
; with a watched operand, then INT1) has put its frame over that of the first. Only a guest can have been there: the hypervisor
; never single-steps. Where it was is lost.
.in_hypervisor:
    lea rax, [trap_stub_1]
    cmp [rsp + REGS_rip], rax
    je .lost
    call hypervisor_exception
    jmp resume_hypervisor
.lost:
    xor eax, eax
    mov [rsp + REGS_rip], rax
    mov [rsp + REGS_rsp], rax
    mov qword [rsp + REGS_cs], FLAT_CS64
    mov qword [rsp + REGS_ss], FLAT_SS
    lea rdx, [guest_debug_lost]
    jmp .to_main_stack

; NMI, double fault, machine check: each on its own stack, from anywhere; no way out through exit_to_guest.
ist_common:
    PUSH_GPRS
    cld
    CLAC_SITE
    mov rdi, rsp
    cmp dword [rsp + REGS_vector], 2
    jne .fatal
    call nmi_handler
    jmp resume_hypervisor
.fatal:
    cmp dword [rsp + REGS_vector], 18
    je .machine_check
    call hypervisor_exception           ; double fault: no entry covers it, so it panics
    jmp resume_hypervisor
.machine_check:
    call machine_check_handler

; ---------------------------------------------------------------------------------------------------------------------------

; NORETURN void leave_to_guest(void): the registers have been put at guest_regs(); forget the stack below and leave.
global leave_to_guest
leave_to_guest:
    mov rax, rsp
    or rax, CPU_BLOCK - 1
    lea rsp, [rax + 1 - CPU_SIZE - REGS_SIZE]
    jmp exit_to_guest

; NORETURN void run_on_empty_stack(void (*f)(void)): forget the stack and run f, which must not return. The place of the outermost
; struct regs stays free.
global run_on_empty_stack
run_on_empty_stack:
    mov rax, rsp
    or rax, CPU_BLOCK - 1
    lea rsp, [rax + 1 - CPU_SIZE - REGS_SIZE]
    xor ebp, ebp
    call rdi
    ud2
