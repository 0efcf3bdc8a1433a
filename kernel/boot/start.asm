; From GRUB's hand-over to the first line of C: Multiboot2 header, long mode, first page tables.
;
; GRUB enters `start` in 32-bit protected mode without paging (Multiboot2 specification, 3.3): eax = magic, ebx = physical address of the
; boot information, no usable stack, and the image moved to any 2 MiB boundary it liked below 4 GiB. So everything up to the jump to KOAN_VA
; adds the image's physical address, found at run time and kept in ebp, to offsets that koan.lds computes (OFFSET_name).
;
; The page tables made here last until mm/map.c has made the real ones. They map the first 4 GiB twice, at 0 and at DIRECTMAP_VA, and
; 1 GiB from the image's start at KOAN_VA, everything writable, in pages of 2 MiB.

%include "offsets.inc"

MB2_HEADER_MAGIC equ 0xe85250d6
MB2_LOADER_MAGIC equ 0x36d76289
IMAGE_ALIGN      equ 0x200000

PTE_TABLE equ 0x003 ; present, writable
PTE_2M    equ 0x083 ; present, writable, superpage

extern koan_main
extern OFFSET_boot_l4, OFFSET_boot_l3_low, OFFSET_boot_l2_low
extern OFFSET_boot_l3_image, OFFSET_boot_l2_image, OFFSET_boot_block, OFFSET_start_tsc

section .text.start progbits alloc exec nowrite align=4096

image_head:
; --- Multiboot2 header (specification, 3.1). Tags are aligned to 8 bytes. Optional tags carry flag 1. ---
; No framebuffer is asked for: GRUB then leaves a BIOS machine in text mode, and passes a framebuffer on where there is no text mode (UEFI).
align 8
mb2_header:
    dd MB2_HEADER_MAGIC, 0, mb2_header_end - mb2_header
    dd -(MB2_HEADER_MAGIC + 0 + (mb2_header_end - mb2_header))
align 8
    dw 10, 0                    ; relocatable: may be loaded anywhere
    dd 24, 0x100000, 0xfffff000 ; between 1 MiB and 4 GiB,
    dd IMAGE_ALIGN, 1           ; aligned to 2 MiB, as low as possible
align 8
    dw 6, 1                     ; modules begin on page boundaries
    dd 8
align 8
    dw 0, 0
    dd 8
mb2_header_end:

; The TSC at the entry, to tell how long start-up took; read from outside (tests/bench), its other end is boot_tsc_first_guest.
align 8
global boot_tsc_entry
boot_tsc_entry: dq 0

; --- 32-bit, no paging ---
bits 32
global start
start:
    cli
    cld
    cmp eax, MB2_LOADER_MAGIC
    jne hang32 ; not a Multiboot2 loader: nothing is known, not even where we are
    ; Where are we? A call needs a stack of one word: the reserved word of the boot information (always 0) serves.
    lea esp, [ebx + 8]
    call .here
.here:
    pop ebp
    sub ebp, .here - image_head
    rdtsc
    mov [ebp + boot_tsc_entry - image_head], eax
    mov [ebp + boot_tsc_entry + 4 - image_head], edx
    mov dword [ebx + 4], 0
    lea esp, [ebp + OFFSET_boot_block + CPU_BLOCK - CPU_SIZE]
    rdtsc ; system time begins here
    mov [ebp + OFFSET_start_tsc], eax
    mov [ebp + OFFSET_start_tsc + 4], edx

    call check_cpu
    call make_tables

    ; Long mode, SDM vol. 3, 10.8.5: PAE, the tables, EFER.LME (and NXE, SCE), then paging with write protection.
    mov eax, cr4
    or eax, 1 << 5
    mov cr4, eax
    lea eax, [ebp + OFFSET_boot_l4]
    mov cr3, eax
    mov ecx, 0xc0000080
    rdmsr
    or eax, (1 << 0) | (1 << 8) | (1 << 11)
    wrmsr
    mov eax, cr0
    and eax, ~((1 << 30) | (1 << 29) | (1 << 3) | (1 << 2)) ; CD, NW, TS, EM off
    or eax, (1 << 31) | (1 << 16) | (1 << 5) | (1 << 1) | (1 << 0) ; PG, WP, NE, MP, PE
    mov cr0, eax

    ; A far return is the far jump whose target needs no relocation.
    lea eax, [ebp + boot_gdt - image_head]
    mov [ebp + boot_gdt_pointer.base - image_head], eax
    lgdt [ebp + boot_gdt_pointer - image_head]
    push dword 0x08
    lea eax, [ebp + start64 - image_head]
    push eax
    retf

; Long mode and no-execute pages, or nothing.
check_cpu:
    push ebx
    mov eax, 0x80000000
    cpuid
    cmp eax, 0x80000001
    jb lacking
    mov eax, 0x80000001
    cpuid
    pop ebx
    and edx, (1 << 29) | (1 << 20)
    cmp edx, (1 << 29) | (1 << 20)
    jne lacking
    ret

; No console yet, so the message goes to the first serial port as the firmware left it.
lacking:
    lea esi, [ebp + message_cpu - image_head]
    mov dx, 0x3f8
.next:
    lodsb
    test al, al
    jz hang32
    out dx, al
    jmp .next
hang32:
    hlt
    jmp hang32

message_cpu: db "(koan) this CPU lacks 64-bit mode or no-execute pages", 13, 10, 0

; The tables lie in .bss, which the loader has cleared.
make_tables:
    ; L4: 0 and the direct map share one L3; the image has its own.
    lea eax, [ebp + OFFSET_boot_l3_low + PTE_TABLE]
    mov [ebp + OFFSET_boot_l4], eax
    mov [ebp + OFFSET_boot_l4 + (DIRECTMAP_VA >> 39 & 511) * 8], eax
    lea eax, [ebp + OFFSET_boot_l3_image + PTE_TABLE]
    mov [ebp + OFFSET_boot_l4 + (KOAN_VA >> 39 & 511) * 8], eax
    lea eax, [ebp + OFFSET_boot_l2_image + PTE_TABLE]
    mov [ebp + OFFSET_boot_l3_image], eax

    ; L3 of the low 4 GiB: four L2s in a row.
    lea eax, [ebp + OFFSET_boot_l2_low + PTE_TABLE]
    xor ecx, ecx
.l3:
    mov [ebp + OFFSET_boot_l3_low + ecx * 8], eax
    add eax, 4096
    inc ecx
    cmp ecx, 4
    jb .l3

    ; Their 2048 entries, 2 MiB each.
    mov eax, PTE_2M
    xor ecx, ecx
.l2:
    mov [ebp + OFFSET_boot_l2_low + ecx * 8], eax
    add eax, 0x200000
    inc ecx
    cmp ecx, 2048
    jb .l2

    ; The image: from where it lies, up to the end of the 4 GiB or 1 GiB of it.
    lea eax, [ebp + PTE_2M]
    xor ecx, ecx
.image:
    mov [ebp + OFFSET_boot_l2_image + ecx * 8], eax
    add eax, 0x200000
    jc .done
    inc ecx
    cmp ecx, 512
    jb .image
.done:
    ret

align 8
boot_gdt:
    dq 0
    dq 0x00af9b000000ffff ; 0x08: 64-bit code
    dq 0x00cf93000000ffff ; 0x10: data
boot_gdt_pointer:
    dw 23
.base: dq 0

; --- 64-bit, still at the low address ---
bits 64
start64:
    mov eax, 0x10
    mov ds, eax
    mov es, eax
    mov ss, eax
    xor eax, eax
    mov fs, eax
    mov gs, eax
    mov rax, start_high
    jmp rax

; --- 64-bit, at KOAN_VA: C can run ---
start_high:
    mov rax, boot_block + CPU_BLOCK - CPU_SIZE
    mov rsp, rax
    mov edi, ebx ; physical address of the boot information
    mov esi, ebp ; physical address of the image
    xor ebp, ebp ; end of the chain of frames
    call koan_main
.hang:
    hlt
    jmp .hang

section .bss.page nobits alloc noexec write align=65536
global start_tsc, boot_l4, boot_l3_low, boot_l2_low, boot_l3_image, boot_l2_image, boot_block
boot_block:    resb CPU_BLOCK ; the boot CPU's stack and struct cpu until it has its own block, see x86/cpu.h
boot_l4:       resb 4096
boot_l3_low:   resb 4096
boot_l2_low:   resb 4 * 4096
boot_l3_image: resb 4096
boot_l2_image: resb 4096
start_tsc:     resq 1 ; u64: the TSC at `start`
