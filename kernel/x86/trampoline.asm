; Where the other CPUs begin: in real mode, in a page below 1 MiB that x86/smp.c has copied this code to.
;
; A start-up interrupt with vector V starts a CPU at V000:0000 (SDM vol. 3, 8.4.4). It goes straight to long mode on the boot CPU's first page tables,
; which map low memory at its own address, and then to C on its own stack. Nothing here may name its own address but relative to cs.

%include "offsets.inc"

section .rodata
global trampoline_start, trampoline_end, trampoline_args

bits 16
align 16
trampoline_start:
    cli
    cld
    o32 lgdt [cs:gdt_pointer - trampoline_start]
    mov eax, 1 << 5                     ; PAE
    mov cr4, eax
    mov eax, [cs:args.cr3 - trampoline_start]
    mov cr3, eax
    mov ecx, 0xc0000080                 ; EFER: SCE, LME, NXE
    mov eax, (1 << 0) | (1 << 8) | (1 << 11)
    xor edx, edx
    wrmsr
    mov eax, (1 << 31) | (1 << 16) | (1 << 5) | (1 << 1) | (1 << 0) ; PG, WP, NE, MP, PE: long mode at once
    mov cr0, eax
    o32 jmp far [cs:args.far - trampoline_start]

bits 64
.long:
    mov eax, 0x10
    mov ds, eax
    mov es, eax
    mov ss, eax
    xor eax, eax
    mov fs, eax
    mov gs, eax
    xor ebp, ebp
    mov rsp, [rel args.stack]
    jmp [rel args.entry]

align 8
gdt:
    dq 0
    dq 0x00af9b000000ffff               ; 0x08: 64-bit code
    dq 0x00cf93000000ffff               ; 0x10: data
; struct trampoline_args in x86/smp.c; the caller adds the page's address to those marked +.
align 8
trampoline_args:
args:
.stack: dq 0
.entry: dq 0
.cr3:   dd 0
.far:   dd trampoline_start.long - trampoline_start ; +
        dw 0x08
gdt_pointer:
        dw 23
        dd gdt - trampoline_start       ; +
trampoline_end:
