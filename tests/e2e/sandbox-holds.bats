#!/usr/bin/env bats
# What a program in plumb's sandbox can see, write and do: hostile ones, by themselves.
load helpers
load sandbox

setup() {
    setup_environment
    need_box
    mine=$BATS_TEST_TMPDIR/mine
    mkdir "$mine"
}

# As a shell of the sandbox, which may fail as it likes.
inside() {
    output=$(box --write "$mine" -- /bin/bash -c "$1" inside "$MARK" 2>&1) || true
}

@test "no secret of the machine, its user or plumb is to be read" {
    mkdir -p "$HOME/.aws" "$HOME/.ssh" "$BATS_TEST_TMPDIR/state" "$BATS_TEST_TMPDIR/repo"
    for file in "$HOME/.aws/credentials" "$HOME/.ssh/id" "$BATS_TEST_TMPDIR/state/seal.key" \
        "$BATS_TEST_TMPDIR/repo/secret.tfvars"; do
        echo "hunter2" >"$file"
    done
    inside "cat $HOME/.aws/credentials $HOME/.ssh/id $BATS_TEST_TMPDIR/*/* ~/.* /etc/shadow \
        /proc/*/environ /proc/self/environ $(getent passwd 0 | cut -d: -f6)/.* /run/* \
        /var/lib/*/* /etc/ssl/private/*
        find / -name '*.key' -newermt 2020-01-01 -path '*tate*'; echo the end"
    says "the end"
    says_not hunter2 root: "$BATS_TEST_TMPDIR/state/seal.key
"
    inside 'ls -d /proc /sys /run /var /home /opt /srv /mnt; ls -A ~ /tmp; echo "end of it"'
    says "end of it"
    [ "$(grep -c 'cannot access' <<<"$output")" = 8 ]
    [ "$(grep -cx '/sandbox:\|/tmp:\|' <<<"$output")" = 3 ]
}

@test "it writes nowhere but where it may" {
    echo same >"$BATS_TEST_TMPDIR/file"
    mkdir "$BATS_TEST_TMPDIR/ro"
    echo same >"$BATS_TEST_TMPDIR/ro/file"
    output=$(box --write "$mine" --read "$BATS_TEST_TMPDIR/ro" -- /bin/bash -c "
        for f in $BATS_TEST_TMPDIR/file $BATS_TEST_TMPDIR/ro/file $BATS_TEST_TMPDIR/ro/new \
            $HOME/new /usr/bin/new /etc/new /new /dev/new; do
            echo other >\$f && echo wrote \$f
        done
        echo mine >$mine/file" 2>&1)
    # What is below /tmp is its own, in memory, but for what it is shown.
    [ "$(grep -c wrote <<<"$output")" = 1 ]
    says "wrote $BATS_TEST_TMPDIR/file"
    [ "$(cat "$BATS_TEST_TMPDIR/file" "$BATS_TEST_TMPDIR/ro/file" "$mine/file")" = "same
same
mine" ]
    [ ! -e "$BATS_TEST_TMPDIR/ro/new" ]
    [ ! -e "$HOME/new" ]
}

@test "processes outside cannot be seen, ended or looked into" {
    sleep 300 3>&- &
    victim=$!
    inside "kill -9 $victim; kill -9 -1; kill -9 1; kill -9 \$PPID; echo survived: \$PPID"
    kill -0 "$victim"
    inside "/usr/bin/python3 -c '
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
got = [p for p in range(1, 70000) if libc.ptrace(16, p, 0, 0) == 0 and p != os.getpid()]
print(\"attached\", got)'"
    says "attached []"
    kill "$victim"
}

@test "it has no privileges, and no way to any" {
    inside "/usr/bin/python3 -c '
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
print(\"nnp\", libc.prctl(39, 0, 0, 0, 0))
print(\"mount\", libc.mount(b\"x\", b\"/tmp\", b\"tmpfs\", 0, 0))
print(\"user\", libc.unshare(0x10000000), \"root\", libc.chroot(b\"/tmp\"))
print(\"bounding\", [c for c in range(41) if libc.prctl(23, c, 0, 0, 0) > 0])
fds = []
for fd in range(3, 256):
    try: os.fstat(fd); fds.append(fd)
    except OSError: pass
print(\"open\", fds)
key = libc.syscall(250, 11, -3, 0, 0) if os.uname().machine == \"x86_64\" else 0
print(\"keys\", key)'"
    says "nnp 1" "mount -1" "user -1 root -1" "bounding []" "open []" "keys 0"
}

@test "what it leaves is no trap for plumb" {
    mkdir "$BATS_TEST_TMPDIR/also"
    echo "hunter2" >"$BATS_TEST_TMPDIR/secret"
    must box --write "$mine" -- /bin/bash -c "cd $mine; mkdir -p deep/er shut; echo x >file
        ln -s file good; ln -s nowhere/at-all dangling; mkfifo pipe; chmod 0 shut"
    [ "$(cat "$mine/good")" = x ]
    [ ! -e "$mine/pipe" ]
    [ ! -L "$mine/dangling" ]
    [ "$(stat -c %a "$mine/shut")" = 700 ]
    must_fail 125 box --write "$mine" -- \
        /bin/ln -s "$BATS_TEST_TMPDIR/secret" "$mine/deep/out"
    says "planning of 'it' left a link to '$BATS_TEST_TMPDIR/secret', which is no file of it"
    [ ! -L "$mine/deep/out" ]
    # A folder that is seen may be pointed to: so do packages that init installs.
    must box --write "$mine" --read "$BATS_TEST_TMPDIR/also" -- /bin/bash -c \
        "ln -s $BATS_TEST_TMPDIR/also $mine/package"
    [ -L "$mine/package" ]
}

@test "it ends with its first process, and with plumb" {
    inside "(setsid sleep 300.1 $MARK >/dev/null 2>&1 &); setsid bash -c 'sleep 300 # $MARK' &"
    nothing_left
    "$BOX" -- /bin/bash -c 'trap "" INT TERM HUP; sleep 300; sleep 300' inside "$MARK" 3>&- &
    for _ in $(seq 50); do
        [ "$(alive | wc -l)" -lt 3 ] || break
        sleep 0.1
    done
    [ "$(alive | wc -l)" -ge 3 ]
    kill -9 $!
    wait $! || true
    nothing_left
}

@test "without bubblewrap it is refused, never bare" {
    mkdir "$BATS_TEST_TMPDIR/bin"
    PATH=$BATS_TEST_TMPDIR/bin must_fail 125 "$BOX" --write "$mine" -- /usr/bin/touch "$mine/ran"
    says "there is no sandbox: 'bwrap' is not on PATH; install bubblewrap"
    printf '#!/bin/sh\necho "bwrap: No permissions to create new namespace" >&2\nexit 1\n' \
        >"$BATS_TEST_TMPDIR/bin/bwrap"
    chmod 755 "$BATS_TEST_TMPDIR/bin/bwrap"
    PATH=$BATS_TEST_TMPDIR/bin must_fail 125 "$BOX" --out "$BATS_TEST_TMPDIR/out" \
        --write "$mine" -- /usr/bin/touch "$mine/ran"
    says "there is no sandbox: bwrap: No permissions to create new namespace; allow user namespaces"
    [ ! -e "$mine/ran" ]
}
