#!/usr/bin/env bats
# Programs that take all they can: each ends in a clear message, and leaves no process behind.
load helpers
load sandbox

setup() {
    setup_environment
    need_box
    mine=$BATS_TEST_TMPDIR/mine
    mkdir "$mine"
}

# WORDS KEY LIMIT... -- PROGRAM: refused with these words within 40 seconds, and the key that allows
# more; nothing is left of it.
bounded() {
    local words=$1 key=$2 start=$SECONDS
    shift 2
    must_fail 125 box --time 60000 "$@"
    says "planning of 'it' $words: look at what the change does" \
        "or raise 'check.$key' in plumb.yaml of the base"
    [ $((SECONDS - start)) -lt 40 ]
    nothing_left
}

@test "a fork bomb" {
    bounded "ran more than 80 processes at once" processes --processes 80 -- \
        /bin/bash -c ':(){ :|:& };:; sleep 300' bomb "$MARK"
}

# held LOOP: no more than 79 processes come of LOOP, Python in which each new one writes a byte.
held() {
    bounded "ran more than 80 processes at once" processes --processes 80 --write "$mine" -- \
        /usr/bin/python3 -c "import ctypes, mmap, os
fd = os.open('$mine/made', os.O_WRONLY | os.O_CREAT | os.O_APPEND)
$1" "$MARK"
    made=$(stat -c %s "$mine/made")
    [ "$made" -le 79 ]
    # The last may have been ended before they wrote.
    [ "$made" -gt 40 ]
}

# It once took a quick bomb 6,000 processes until somebody looked, and a machine that was busy all
# that it could have: nothing of the tests could be started any more.
@test "there is never one process more, however quickly they come" {
    held 'while True:
    if os.fork() == 0: os.write(fd, b"x")'
}

@test "nor in the way in which programs of 32 bits ask for them" {
    [ "$(uname -m)" = x86_64 ] || skip "not an x86_64"
    local code='code = mmap.mmap(-1, 4096, prot=7)
code.write(bytes.fromhex("5331dbb802000000cd805bc3"))
fork = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))'
    /usr/bin/python3 -c "import ctypes, mmap
$code
if fork() == 0: __import__('os')._exit(0)" || skip "the kernel runs no programs of 32 bits"
    held "$code
while True:
    if fork() == 0: os.write(fd, b'x')"
}

# Those that had leave and got no processor for long were counted neither then nor ever again.
@test "nor when the processors are taken meanwhile" {
    [ "$(uname -m)" = x86_64 ] || skip "it forks by the old call"
    ! grep -q __asan_init "${BOX%/*}/idlefork" ||
        skip "idlefork is built with AddressSanitizer, which wants more memory than a box gives"
    for _ in 1 2 3; do
        bounded "ran more than 20 processes at once" processes --processes 20 \
            --read "${BOX%/*}" -- "${BOX%/*}/idlefork" 60 90
    done
}

@test "a thread too many is refused, and is not the end" {
    must box --processes 10 -- /usr/bin/python3 -c '
import threading
end, n = threading.Event(), 1
try:
    while True: threading.Thread(target=end.wait).start(); n += 1
except RuntimeError: print(n, "threads")
end.set()' >"$BATS_TEST_TMPDIR/out"
    [ "$(cat "$BATS_TEST_TMPDIR/out")" = "80 threads" ]
}

@test "as many one after another as it likes" {
    must box --processes 10 -- /bin/bash -c 'for i in {1..1500}; do (:); done'
}

@test "an allocation bomb, in one process, in many, and in memory that is shared" {
    bounded "used more than 256 MiB of memory" memory --memory 256 -- /usr/bin/python3 -c 'x = []
while True: x.append(bytearray(8 << 20))' "$MARK"
    bounded "used more than 256 MiB of memory" memory --memory 256 -- \
        /usr/bin/python3 -c 'import os, time
for i in range(8):
    if os.fork() == 0: x = bytearray(64 << 20); time.sleep(300)
time.sleep(300)' "$MARK"
    bounded "used more than 256 MiB of memory" memory --memory 256 -- \
        /usr/bin/python3 -c 'import mmap
x = []
while True: x.append(mmap.mmap(-1, 8 << 20)); x[-1].write(b"x" * (8 << 20))' "$MARK"
}

# Of each 2 MiB that are looked at the kernel keeps a page, whatever little is in them.
@test "what is mapped and hardly used has tables, which count" {
    bounded "used more than 64 MiB of memory" memory --memory 64 -- /usr/bin/python3 -c 'import mmap
import time
x = []
for i in range(100):
    x.append(mmap.mmap(-1, 1 << 30, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ))
    x[-1].madvise(mmap.MADV_NOHUGEPAGE)
    for at in range(0, 1 << 30, 1 << 21): x[-1][at]
time.sleep(1)' "$MARK"
}

@test "a huge file, many files, and an endless output" {
    bounded "wrote more than 64 MiB" disk --disk 64 --write "$mine" -- \
        /usr/bin/python3 -c 'f = open("'"$mine"'/big", "wb")
while True: f.write(b"x" * (1 << 20))' "$MARK"
    [ "$(stat -c %s "$mine/big")" -le $((66 << 20)) ]
    bounded "wrote more than 64 MiB" disk --disk 64 --write "$mine" -- \
        /usr/bin/python3 -c 'import itertools
for i in itertools.count(): open("'"$mine"'/%d" % i, "wb").write(b"x" * (4 << 20))' "$MARK"
    bounded "wrote more than 32 MiB" disk --disk 32 -- /usr/bin/yes "$MARK"
}

@test "one that fills what it has in memory, and a sparse file of 10 GB" {
    must_fail 1 box --memory 256 -- /bin/dd if=/dev/zero of=/tmp/big bs=1M count=10000
    says "No space left on device"
    must_fail 1 box --disk 64 --write "$mine" -- /usr/bin/truncate -s 10G "$mine/sparse"
    says "File too large"
    must_fail 1 box --memory 256 -- /bin/dd if=/dev/zero of=/dev/shm/big bs=1M count=10000
}

@test "one that hangs and ignores every signal" {
    must_fail 125 box --time 1500 -- /bin/bash -c \
        'trap "" INT TERM HUP QUIT; while :; do sleep 1; done' hang "$MARK"
    says "planning of 'it' took longer than 1500 ms" \
        "raise 'check.timeout' in plumb.yaml of the base"
    nothing_left
}

@test "one that stays within all of them is left alone" {
    must box --memory 256 --disk 64 --processes 80 --write "$mine" -- /usr/bin/python3 -c '
x = bytearray(100 << 20)
open("'"$mine"'/file", "wb").write(x[:20 << 20])'
}
