#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # each test sets what it uses
# -o FILE: whatever stands at FILE is written to, and stays what it is.
load helpers

setup() {
    setup_environment
    repo=$(fake_estate estate)
    commit_all "$repo" all
    out=$BATS_TEST_TMPDIR/out
    mkdir "$out"
}

# Writing to a FIFO waits for its reader, and that for its writer: neither is to wait for ever.
audit() {
    timeout 60 "$PLUMB" -C "$repo" audit -f json "$@" 3>&-
}

is_report() {
    [ "$(json 'd["summary"]["exit_code"]' "$1")" = 0 ]
}

@test "a new report is its owner's alone; one that is there keeps its mode" {
    must audit -o "$out/new"
    [ "$(stat -c %a "$out/new")" = 600 ]
    echo old >"$out/old"
    chmod 644 "$out/old"
    ln "$out/old" "$out/held"
    must audit -o "$out/old"
    is_report "$out/old"
    [ "$(stat -c %a "$out/old")" = 644 ]
    [ "$(cat "$out/held")" = old ] # replaced, not written over
    must_fail 1 audit -o "$out"
    says "cannot write to '$out': it is a folder"
}

@test "links are followed, to what is there and to what is not" {
    mkdir "$out/to"
    echo old >"$out/to/file"
    ln -s to "$out/folder"
    ln -s folder/file "$out/link"
    ln -s link "$out/again"
    ln -s to/new "$out/dangling"
    must audit -o "$out/again"
    [ -L "$out/again" ] && [ -L "$out/link" ]
    is_report "$out/to/file"
    must audit -o "$out/dangling"
    [ -L "$out/dangling" ]
    is_report "$out/to/new"
    [ "$(ls "$out/to")" = $'file\nnew' ]
    ln -s round "$out/round"
    must_fail 1 audit -o "$out/round"
    says "'$out/round'" "Too many levels of symbolic links"
}

@test "a FIFO, a descriptor and a process substitution get all of it" {
    mkfifo "$out/fifo"
    timeout 60 cat "$out/fifo" >"$out/read" 3>&- &
    must audit -o "$out/fifo"
    wait $!
    [ -p "$out/fifo" ]
    is_report "$out/read"
    echo before >"$out/all"
    ln -s /dev/stdout "$out/stdout" # by another name: what once replaced it needs no root's /dev
    must audit -o "$out/stdout" >>"$out/all"
    [ "$(head -n 1 "$out/all")" = before ]
    sed -i 1d "$out/all"
    is_report "$out/all"
    must audit -o /proc/self/fd/7 7>"$out/seven"
    is_report "$out/seven"
    must audit -o >(cat >"$out/sub" && mv "$out/sub" "$out/whole")
    for _ in {1..100}; do [ -e "$out/whole" ] || sleep 0.1; done
    is_report "$out/whole"
    must_fail 1 audit -o /dev/fd/77
    says "cannot open '/dev/fd/77' to write to it: Bad file descriptor"
}

@test "a device stays one, and what it does not take is an error" {
    mknod "$out/null" c 1 3 2>/dev/null || skip "need root to make a device"
    mknod "$out/full" c 1 7
    [ -w "$out/null" ] && { : >"$out/null"; } 2>/dev/null || skip "devices do not work here"
    must audit -o "$out/null"
    [ -c "$out/null" ]
    must_fail 1 audit -o "$out/full"
    says "cannot write all of it to '$out/full': No space left on device"
    [ -c "$out/full" ]
}

@test "a FIFO whose reader goes away is an error, and one without a reader ends by a signal" {
    local pid code
    mkfifo "$out/fifo"
    (exec 8<"$out/fifo" && exec 8<&-) 3>&- &
    code=0
    audit -a -o "$out/fifo" 2>"$out/said" || code=$?
    # It may have come before the reader went: then the pipe has it.
    [ "$code" = 0 ] || grep -q "cannot write all of it to '$out/fifo': Broken pipe" "$out/said"
    set -m
    "$PLUMB" -C "$repo" audit -o "$out/fifo" >"$out/said" 2>&1 3>&- &
    pid=$!
    sleep 1
    kill -0 "$pid"
    kill -INT "$pid"
    code=0
    wait "$pid" || code=$?
    [ "$code" = 130 ]
    grep -q "plumb: interrupted" "$out/said"
}

@test "two formats cannot be one file" {
    must_fail 64 audit -o "$out/r" -f html -o "$out/r"
    says "'--format json' and '--format html' cannot both be in '$out/r'"
    [ ! -e "$out/r" ]
    echo old >"$out/r"
    ln -s r "$out/link"
    must_fail 64 audit -o "$out/r" -f html -o "$out/link"
    says "cannot both be in '$out/link'"
    output=$(audit -o - -f text -o -)
    says '"summary"' "what Git says"
}

# blocked SIGNAL...: each of them while nobody reads the page; prints the exit codes and messages
blocked() {
    "$PLUMB_TEST_PYTHON" - "$PLUMB" "$repo" "$@" <<'PY'
import fcntl, os, signal, struct, subprocess, sys, termios, time
for name in sys.argv[3:]:
    r, w = os.pipe()
    fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, 4096)
    p = subprocess.Popen([sys.argv[1], "-C", sys.argv[2], "audit", "-a", "--format", "html"],
                         stdout=w, stderr=subprocess.PIPE, text=True)
    os.close(w)
    def held(): return struct.unpack("i", fcntl.ioctl(r, termios.FIONREAD, b"0000"))[0]
    until = time.monotonic() + 60
    while held() < 4096 and time.monotonic() < until: time.sleep(0.05)
    time.sleep(0.3)
    assert p.poll() is None, "it did not wait"
    p.send_signal(getattr(signal, name))
    try: said = p.communicate(timeout=10)[1]
    except subprocess.TimeoutExpired:
        p.kill()
        sys.exit(name + " does not end it")
    print(p.returncode, said.strip())
PY
}

@test "a signal ends it where nobody reads what it prints: at once, and with 130" {
    output=$(blocked SIGINT SIGTERM SIGHUP)
    [ "$output" = "$(printf '130 plumb: interrupted while printing\n%.0s' 1 2 3)" ]
}

@test "stdout that does not wait gets all of it" {
    output=$("$PLUMB_TEST_PYTHON" - "$PLUMB" "$repo" <<'PY'
import fcntl, os, subprocess, sys, time
r, w = os.pipe()
fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, 4096)
os.set_blocking(w, False)
p = subprocess.Popen([sys.argv[1], "-C", sys.argv[2], "audit", "-f", "html"], stdout=w)
os.close(w)
time.sleep(1)
page = open(r).read()
print(p.wait(), page.rstrip()[-7:])
PY
    )
    [ "$output" = "0 </html>" ]
}

@test "a descriptor that is missing becomes no file's, and what it loses is an error" {
    local tool=$BATS_TEST_TMPDIR/estate.tool
    # shellcheck disable=SC2016 # the tool's own
    echo 'readlink /proc/$PPID/fd/0 /proc/$PPID/fd/1 /proc/$PPID/fd/2 >"$0.fds"' >"$tool.plan"
    closed() { "$PLUMB" -C "$repo" audit --record "$@" <&- >&- 2>&-; }
    must_fail 1 closed
    [ "$(cat "$tool.fds")" = "$(printf '/dev/null\n%.0s' 1 2 3)" ]
    must plumb -C "$repo" log verify
    lossy() { "$PLUMB" "$@" >&-; }
    must_fail 1 lossy version
    says "cannot write the whole output: Bad file descriptor"
    must lossy -C "$repo" audit -o "$out/r" # nothing is lost
    grep -q "what Git says" "$out/r"
}
