#!/bin/sh
# /init of the test ramdisk: see tests/README.md. What it does stands on the kernel's command line:
#
#   work=SEED            a script of real work; its answers are lines `LINUX name value...`, which answers.py computes from the seed
#   bench=SEED           the rows of `make bench-linux`
#   soak=SEED,SECONDS    part of the work again and again, with what the clocks say
#   (none of them)       a shell
#
# Then the machine is powered off.

export PATH=/bin HOME=/ PS1='linux# '
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null

# word NAME: the value of NAME=... on the command line
word() {
    tr ' ' '\n' </proc/cmdline | sed -n "s/^$1=//p" | head -n 1
}

say() {
    echo "LINUX $*"
}

now() {
    say "$1" "$(date +%s)" "$(cut -d ' ' -f 1 /proc/uptime)"
}

# A loop of command substitutions, each a pipe of two processes.
in_shell() {
    text=$1 left=24
    while [ $left -gt 0 ]; do
        text=$(echo "$text" | sha256sum | cut -d ' ' -f 1)
        left=$((left - 1))
    done
    say shell "$text"
}

sorted() {
    first=$((0x$1 % 1000))
    say sort "$(seq $first $((first + 3000)) | sort -r | md5sum | cut -d ' ' -f 1)"
}

# Memory is given back to the hypervisor, and taken again.
MEMORY=/sys/devices/system/xen_memory/xen_memory0

settle() {
    left=100
    echo "$1" >$MEMORY/target_kb
    while [ "$(cat $MEMORY/info/current_kb)" -ne "$1" ] && [ $left -gt 0 ]; do
        sleep 0.1
        left=$((left - 1))
    done
    cat $MEMORY/info/current_kb
}

free_kb() {
    sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo
}

balloon() {
    [ -d $MEMORY ] || return
    full=$(cat $MEMORY/info/current_kb)
    total=$(free_kb)
    down=$(settle $((full - 32768)))
    total_down=$(free_kb)
    work memory "$1"
    say balloon "$full" "$down" "$(settle "$full")" "$total" "$total_down" "$(free_kb)"
}

complaints() {
    dmesg | grep -E 'BUG|WARNING|Oops|Call Trace|rcu.* stall|lockup|[Bb]ad p(te|age)|clocksource.*unstable' | sed 's/^/LINUX complaint /'
}

script() {
    now begin
    say cpus "$(nproc)"
    for part in tree forks execs memory signals fpu cpus clock sleep; do
        work $part "$1"
    done
    in_shell "$1"
    sorted "$1"
    balloon "$1"
    now end
    sed 's/^/LINUX irq /' /proc/interrupts
    complaints
    say done "$1"
}

# Frames go back to the hypervisor, where other domains may take them, and others come. However long it takes: the runner's limit ends what hangs.
trade() {
    for kb in $(($1 - 16384)) "$1"; do
        while [ "$(settle "$kb")" -ne "$kb" ]; do :; done
    done
    say traded "$1"
}

soak() {
    seed=${1%,*} rest=${1#*,}
    full=$(cat $MEMORY/info/current_kb)
    work now 0
    while :; do
        trade "$full"
        for part in pattern forks memory signals; do
            work $part "$seed"
        done
        work now 0
        [ "$(cut -d . -f 1 /proc/uptime)" -lt "$rest" ] || break
    done
    complaints
    say done "$seed"
}

if [ -n "$(word work)" ]; then
    script "$(word work)"
elif [ -n "$(word bench)" ]; then
    work bench "$(word bench)"
elif [ -n "$(word soak)" ]; then
    soak "$(word soak)"
else
    say shell
    setsid cttyhack sh
fi
poweroff -f
sleep 60
