; The smallest hypervisor that koan-run can start: it prints the boot lines it was given as Koan would, then ends
; as END says: an end code of Koan's, or 0 (it hangs) or 1 (a triple fault). It shows that koanrun does its part
; without a line of Koan. 32-bit, as Multiboot2 leaves the CPU (specification 2.0, 3.3).
%ifndef END
%define END 0x10
%endif
COM1      equ 0x3f8
EXIT_PORT equ 0xf4
TAG_COMMAND_LINE equ 1
TAG_MODULE       equ 3

bits 32
section .header
align 8
header:
    dd 0xe85250d6, 0, header_end - header, -(0xe85250d6 + (header_end - header))
    dw 0, 0
    dd 8
header_end:

section .text
global _start
_start:
    mov esp, stack_top
    mov edi, ebx                ; the boot information
    mov dx, COM1 + 3
    mov al, 3                   ; 8N1
    out dx, al
    mov dword [mark], 0x6e616f4b ; seen from outside when RAM is a shared file
    mov esi, hello
    call puts
    lea ebx, [edi + 8]
tag:
    mov eax, [ebx]
    test eax, eax
    jz done
    lea ecx, [ebx + 8]
    cmp eax, TAG_COMMAND_LINE
    je show
    lea ecx, [ebx + 16]
    cmp eax, TAG_MODULE
    jne next
show:
    mov esi, prefix
    call puts
    mov esi, ecx
    call puts
    mov esi, newline
    call puts
next:
    mov eax, [ebx + 4]
    add eax, 7
    and eax, ~7
    add ebx, eax
    jmp tag

done:
%if END = 0
    jmp $
%elif END = 1
    lidt [no_idt]
    ud2
%else
    mov dx, EXIT_PORT
    mov al, END
    out dx, al
    hlt
%endif

puts:                           ; esi: text; spoils eax, edx
    lodsb
    test al, al
    jz .end
    mov ah, al
    mov dx, COM1 + 5
.wait:
    in al, dx
    test al, 0x20
    jz .wait
    mov dx, COM1
    mov al, ah
    out dx, al
    jmp puts
.end:
    ret

section .data
hello:   db "(koan) stub", 13, 10, 0
prefix:  db "(koan) line: ", 0
newline: db 13, 10, 0
no_idt:  times 6 db 0
section .bss
mark:    resd 1
    resb 4096
stack_top:
