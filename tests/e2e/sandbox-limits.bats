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
