/*
 * Instructions for test_lib_insn.c, assembled by GNU as: what it writes down, and how long each is, is the
 * yardstick for the decoder. `insn NAME, TEXT` puts the instruction into .text and into the table that is open an
 * entry {start, end, name, text}; each table ends with a null start.
 */
        .macro insn name:req, text:vararg
        .text
771:    \text
772:
        .section .rodata.strings, "a"
773:    .asciz "\name"
774:    .asciz "\text"
        .section .data.rel.ro.tables, "aw"
        .quad 771b, 772b, 773b, 774b
        .endm

        .macro table name:req
        .section .data.rel.ro.tables, "aw"
        .balign 8
        .globl \name
\name:
        .endm

        .macro table_end
        .section .data.rel.ro.tables, "aw"
        .quad 0, 0, 0, 0
        .endm

/* Stores through rdi: decoded, then executed both by the CPU and by insn_execute_store. */
        table insn_stores
        .irp op, add, or, adc, sbb, and, sub, xor
        insn \op, \op\()b %cl, (%rdi)
        insn \op, \op\()b %ah, 1(%rdi)
        insn \op, \op\()b %bh, 3(%rdi)
        insn \op, \op\()b %sil, (%rdi)
        insn \op, \op\()b %r9b, (%rdi)
        insn \op, \op\()w %dx, 2(%rdi)
        insn \op, \op\()l %ebx, 4(%rdi)
        insn \op, \op\()l %r14d, (%rdi)
        insn \op, \op\()q %rbp, 8(%rdi)
        insn \op, \op\()q %r10, 0x80(%rdi)
        insn \op, lock \op\()q %rax, (%rdi)
        insn \op, \op\()b $0x7f, (%rdi)
        insn \op, \op\()b $-1, (%rdi)
        insn \op, \op\()w $0x1234, (%rdi)
        insn \op, \op\()w $-2, (%rdi)
        insn \op, \op\()l $0x12345678, (%rdi)
        insn \op, \op\()l $-3, (%rdi)
        insn \op, \op\()q $-0x12345678, (%rdi)
        insn \op, \op\()q $0x7f, (%rdi)
        insn \op, \op\()q $-0x80, (%rdi)
        insn \op, lock \op\()b $0xfe, (%rdi)
        .endr
        .irp op, not, neg, inc, dec
        insn \op, \op\()b (%rdi)
        insn \op, \op\()w (%rdi)
        insn \op, \op\()l (%rdi)
        insn \op, \op\()q (%rdi)
        insn \op, lock \op\()q (%rdi)
        .endr
        .irp op, xchg, xadd, cmpxchg
        insn \op, \op\()b %cl, (%rdi)
        insn \op, \op\()b %al, (%rdi)
        insn \op, \op\()b %ah, (%rdi)
        insn \op, \op\()b %dh, 5(%rdi)
        insn \op, \op\()b %dil, (%rdi)
        insn \op, \op\()w %bx, (%rdi)
        insn \op, \op\()w %ax, (%rdi)
        insn \op, \op\()l %esi, (%rdi)
        insn \op, \op\()l %eax, (%rdi)
        insn \op, \op\()q %r15, (%rdi)
        insn \op, \op\()q %rax, (%rdi)
        insn \op, \op\()q %rdi, (%rdi)
        insn \op, lock \op\()q %rdx, (%rdi)
        insn \op, lock \op\()l %r8d, 12(%rdi)
        .endr
        .irp op, bts, btr, btc
        insn \op, \op\()w %cx, (%rdi)
        insn \op, \op\()l %ecx, (%rdi)
        insn \op, \op\()q %rcx, (%rdi)
        insn \op, lock \op\()q %rcx, (%rdi)
        insn \op, \op\()w $9, (%rdi)
        insn \op, \op\()w $0x19, (%rdi)
        insn \op, \op\()l $31, (%rdi)
        insn \op, \op\()l $0xff, (%rdi)
        insn \op, \op\()q $63, (%rdi)
        insn \op, lock \op\()q $1, (%rdi)
        .endr
        insn mov, movb %cl, (%rdi)
        insn mov, movb %ch, (%rdi)
        insn mov, movb %bpl, (%rdi)
        insn mov, movb %r8b, (%rdi)
        insn mov, movw %ax, (%rdi)
        insn mov, movl %edx, 4(%rdi)
        insn mov, movq %rsi, (%rdi)
        insn mov, movq %rdi, (%rdi)
        insn mov, movq %r15, 0x18(%rdi)
        insn mov, movb $0x99, (%rdi)
        insn mov, movw $0x99aa, (%rdi)
        insn mov, movl $0x99aabbcc, (%rdi)
        insn mov, movq $-0x12345678, (%rdi)
        insn mov, movq $0x7fffffff, (%rdi)
        insn mov, movnti %eax, (%rdi)
        insn mov, movnti %r9, (%rdi)
        table_end

/* Ways to write an address: a store and the lea of the same address, which the CPU executes. */
        .macro form text:vararg
        insn mov, movb %cl, \text
        insn lea, lea \text, %rax
        .endm
        table insn_addresses
        .irp base, rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
        form (%\base)
        form 0x12(%\base)
        form -0x80(%\base)
        form 0x80(%\base)
        form -0x12345678(%\base)
        form (%\base, %rcx, 2)
        form 0x7f(%\base, %rbp, 4)
        form -0x1000(%\base, %r12, 8)
        form (%\base, %r13, 1)
        .endr
        .irp index, rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
        form (, %\index, 8)
        form 0x123(, %\index, 1)
        form -0x123456(%rsp, %\index, 4)
        .endr
        .irp base, eax, ebx, esp, ebp, r8d, r12d, r13d
        form (%\base)
        form -1(%\base)
        form 0x12345678(%\base, %ecx, 4)
        .endr
        form 0x12345678
        form -0x10
        form 0x1234(%rip)
        form -0x1234(%rip)
        form 0x40(%eip)
        /* REX.B makes no base of r13 where mod 0 says: none, or rip. The assembler never writes these. */
        insn mov, .byte 0x41, 0x88, 0x0c, 0x25, 0x78, 0x56, 0x34, 0x12
        insn lea, .byte 0x49, 0x8d, 0x04, 0x25, 0x78, 0x56, 0x34, 0x12
        insn mov, .byte 0x41, 0x88, 0x0c, 0xcd, 0x78, 0x56, 0x34, 0x12
        insn lea, .byte 0x49, 0x8d, 0x04, 0xcd, 0x78, 0x56, 0x34, 0x12
        insn mov, .byte 0x41, 0x88, 0x0d, 0x78, 0x56, 0x34, 0x12
        insn lea, .byte 0x49, 0x8d, 0x05, 0x78, 0x56, 0x34, 0x12
        table_end

/* The rest: name, length, and nothing to execute. */
        table insn_others
        insn cli, cli
        insn sti, sti
        insn hlt, hlt
        insn clts, clts
        insn in, inb $0x61, %al
        insn in, inw $0x80, %ax
        insn in, inl $0xed, %eax
        insn in, inb %dx, %al
        insn in, inw %dx, %ax
        insn in, inl %dx, %eax
        insn out, outb %al, $0x80
        insn out, outw %ax, $0x80
        insn out, outl %eax, $0xff
        insn out, outb %al, %dx
        insn out, outw %ax, %dx
        insn out, outl %eax, %dx
        insn ins, insb
        insn ins, insw
        insn ins, rep insl
        insn outs, outsb
        insn outs, rep outsw
        insn outs, outsl
        insn rdmsr, rdmsr
        insn wrmsr, wrmsr
        insn rdtsc, rdtsc
        insn rdtscp, rdtscp
        insn rdpmc, rdpmc
        insn mov_from_cr, mov %cr0, %rax
        insn mov_from_cr, mov %cr2, %rdi
        insn mov_from_cr, mov %cr3, %r15
        insn mov_from_cr, mov %cr8, %rbx
        insn mov_to_cr, mov %rsp, %cr3
        insn mov_to_cr, mov %r12, %cr4
        insn mov_from_dr, mov %db6, %rcx
        insn mov_from_dr, mov %db7, %r9
        insn mov_to_dr, mov %rbp, %db0
        insn lmsw, lmsw %ax
        insn lmsw, lmsw (%rbx)
        insn smsw, smsw %r9
        insn smsw, smsw 8(%rax)
        insn wbinvd, wbinvd
        insn invd, invd
        insn invlpg, invlpg (%rax)
        insn invlpg, invlpg 0x12345678(%r8, %r9, 4)
        insn invlpg, invlpg %gs:(%rdi)
        insn xgetbv, xgetbv
        insn xsetbv, xsetbv
        insn cpuid, cpuid
        insn sgdt, sgdt (%rdi)
        insn sidt, sidt 2(%rsp)
        insn lgdt, lgdt 0x100(%rip)
        insn lidt, lidt (%rax)
        insn sldt, sldt %eax
        insn sldt, sldt (%rax)
        insn str, str %rcx
        insn lldt, lldt %ax
        insn lldt, lldt (%rax)
        insn ltr, ltr %r10w
        insn int, int $0x80
        insn int, int $0xff
        insn int3, int3
        insn iret, iretq
        insn iret, iretl
        insn iret, iretw
        insn swapgs, swapgs
        insn clac, clac
        insn stac, stac
        insn syscall, syscall
        insn sysret, sysretq
        insn sysret, sysretl
        insn sysenter, sysenter
        insn sysexit, sysexitl
        insn monitor, monitor
        insn mwait, mwait
        insn ud2, ud2
        insn mov, movabs %al, 0x123456789abcdef0
        insn mov, movabs %rax, 0x8123456789abcdef
        insn mov, addr32 mov %eax, 0x12345678
        insn mov, .byte 0x26, 0x2e, 0x36, 0x3e, 0x66, 0x88, 0x07
        insn mov, .byte 0x66, 0x48, 0x66, 0x89, 0x07
        insn mov, .byte 0x48, 0x4f, 0x89, 0x07
        insn mov, .byte 0xf3, 0x89, 0x07
        insn mov, .byte 0x65, 0x64, 0x89, 0x07
        insn xchg, .byte 0xf2, 0xf0, 0x87, 0x07
        insn mov, .byte 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x89, 0x07
        table_end

/* What must not be taken for one of ours. */
        table insn_unknown
        insn -, nop
        insn -, ret
        insn -, pushf
        insn -, addq (%rdi), %rax
        insn -, movq (%rdi), %rax
        insn -, testb $1, (%rdi)
        insn -, testq %rax, (%rdi)
        insn -, cmpq %rax, (%rdi)
        insn -, cmpl $1, (%rdi)
        insn -, btq %rax, (%rdi)
        insn -, btq $1, (%rdi)
        insn -, mulq (%rdi)
        insn -, pushq (%rdi)
        insn -, call *(%rdi)
        insn -, popq (%rdi)
        insn -, movups %xmm0, (%rdi)
        insn -, cmpxchg8b (%rdi)
        insn -, cmpxchg16b (%rdi)
        insn -, shlq $1, (%rdi)
        insn -, verr (%rdi)
        insn -, vmovups %ymm0, (%rdi)
        insn -, rdfsbase %rax
        insn -, .byte 0xf0, 0x89, 0x07 /* lock mov */
        insn -, .byte 0xf0, 0x87, 0xc1 /* lock xchg between registers */
        insn -, .byte 0xf0, 0xfa       /* lock cli */
        insn -, .byte 0xf0, 0x0f, 0x20, 0xc0 /* lock mov from cr0 */
        insn -, .byte 0x0f, 0xc3, 0xc0 /* movnti to a register */
        insn -, .byte 0x66, 0x0f, 0xc3, 0x07 /* movnti of a word */
        insn -, .byte 0x0f, 0x01, 0xd8 /* vmrun */
        insn -, .byte 0x0f, 0x01, 0xc0
        insn -, .byte 0x0f, 0x01, 0x2f
        insn -, .byte 0xc6, 0x0f, 0x00 /* group 11, reg 1 */
        insn -, .byte 0x06
        insn -, .byte 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x89, 0x07
        insn -, .byte 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0xfa
        table_end

/*
 * void insn_run(struct cpu_state *state, const void *code): loads the general registers (rsp apart) and the flags
 * from *state, jumps to the code, which ends by jumping to insn_back, and saves them again. state: regs[16] in
 * encoding order, then rflags; regs[4] is set to the rsp that the code runs with.
 */
        .text
        .globl insn_run, insn_back
insn_run:
        push %rbx
        push %rbp
        push %r12
        push %r13
        push %r14
        push %r15
        push %rdi
        mov %rsp, 32(%rdi)
        push %rsi                       /* ret below jumps there: no register is needed */
        pushq 128(%rdi)
        popfq
        mov 0(%rdi), %rax
        mov 8(%rdi), %rcx
        mov 16(%rdi), %rdx
        mov 24(%rdi), %rbx
        mov 40(%rdi), %rbp
        mov 48(%rdi), %rsi
        mov 64(%rdi), %r8
        mov 72(%rdi), %r9
        mov 80(%rdi), %r10
        mov 88(%rdi), %r11
        mov 96(%rdi), %r12
        mov 104(%rdi), %r13
        mov 112(%rdi), %r14
        mov 120(%rdi), %r15
        mov 56(%rdi), %rdi
        ret
insn_back:
        xchg %rdi, (%rsp)               /* the state's address for the instruction's rdi */
        mov %rax, 0(%rdi)
        mov %rcx, 8(%rdi)
        mov %rdx, 16(%rdi)
        mov %rbx, 24(%rdi)
        mov %rbp, 40(%rdi)
        mov %rsi, 48(%rdi)
        mov %r8, 64(%rdi)
        mov %r9, 72(%rdi)
        mov %r10, 80(%rdi)
        mov %r11, 88(%rdi)
        mov %r12, 96(%rdi)
        mov %r13, 104(%rdi)
        mov %r14, 112(%rdi)
        mov %r15, 120(%rdi)
        pop %rax
        mov %rax, 56(%rdi)
        pushfq
        popq 128(%rdi)
        pop %r15
        pop %r14
        pop %r13
        pop %r12
        pop %rbp
        pop %rbx
        ret

        .section .note.GNU-stack, "", @progbits
