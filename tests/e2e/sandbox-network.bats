#!/usr/bin/env bats
# Where a program in plumb's sandbox can connect: to what is listed, and to nothing else.
load helpers
load sim
load sandbox

setup() {
    setup_environment
    need_box
    sim_up
    address=${SIM_URL#http://}
}

@test "nothing is reached unless it is listed" {
    must_fail 7 box -- /usr/bin/curl -sS --max-time 10 "$SIM_URL/v1/servers"
    must_fail 7 box --network 127.0.0.1:9 -- /usr/bin/curl -sS --max-time 10 "$SIM_URL/v1/servers"
    must_fail 6 box -- /usr/bin/curl -sS --max-time 10 http://host.example/
    output=$(box --network "$address" -- /usr/bin/curl -sS --max-time 10 \
        -H 'Authorization: Bearer sim-ops-token' "$SIM_URL/v1/servers")
    [ "$(json 'd["items"]')" = "[]" ]
}

@test "no socket of this machine can be reached past the list" {
    "$PLUMB_TEST_PYTHON" -c 'import socket, time
a = socket.socket(socket.AF_UNIX); a.bind("\0plumb-sandbox-test"); a.listen()
b = socket.socket(socket.AF_UNIX); b.bind("'"$BATS_TEST_TMPDIR"'/sock"); b.listen()
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(("127.0.0.1", 0))
open("'"$BATS_TEST_TMPDIR"'/port", "w").write(str(u.getsockname()[1]))
u.settimeout(8)
try: print("heard", u.recv(10))
except OSError: print("silence")' >"$BATS_TEST_TMPDIR/heard" 3>&- &
    for _ in $(seq 100); do
        [ ! -s "$BATS_TEST_TMPDIR/port" ] || break
        sleep 0.1
    done
    output=$(box --network "$address" -- /usr/bin/python3 -c 'import socket, sys
def to(family, kind, at):
    s = socket.socket(family, kind); s.settimeout(3)
    try: s.connect(at); s.send(b"x"); return "sent"
    except OSError as e: return type(e).__name__
print("abstract", to(socket.AF_UNIX, socket.SOCK_STREAM, "\0plumb-sandbox-test"))
print("file", to(socket.AF_UNIX, socket.SOCK_STREAM, "'"$BATS_TEST_TMPDIR"'/sock"))
print("outside", to(socket.AF_INET, socket.SOCK_STREAM, ("192.0.2.1", 80)))
print("six", to(socket.AF_INET6, socket.SOCK_STREAM, ("::1", int(sys.argv[2]))))
print("datagram", to(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", int(sys.argv[1]))))
try: socket.getaddrinfo("host.example", 80); print("name known")
except OSError: print("name unknown")
' "$(cat "$BATS_TEST_TMPDIR/port")" "${address##*:}")
    says "abstract ConnectionRefusedError" "file FileNotFoundError" "outside OSError" \
        "name unknown" "six "
    says_not "six sent"
    wait $!
    [ "$(cat "$BATS_TEST_TMPDIR/heard")" = silence ]
}

# shellcheck disable=SC2016 # the shell inside expands it
@test "what is listed for its suffix goes through a proxy that knows the list" {
    output=$(box --network "$address" --network '*.api.example' -- /bin/bash -c '
        echo "proxy $HTTPS_PROXY, not for $NO_PROXY"
        via="curl -sS --max-time 10 --noproxy none.example -x $HTTPS_PROXY"
        for to in '"$address"' 127.0.0.1:9 api.example:443 x.api.example:80 evil.example:443 \
            x.api.example.evil.example:443 169.254.169.254:443; do
            $via -p -o /dev/null -w "$to %{http_connect}\n" http://$to/ 2>/dev/null
        done
        $via -w "plain %{http_code}\n" http://x.api.example/
        cat /etc/hosts')
    says "proxy http://127.77.255.254:3128, not for localhost,127.0.0.0/8,127.0.0.1" \
        "$address 200" "127.0.0.1:9 403" "api.example:443 403" "x.api.example:80 403" \
        "evil.example:443 403" "x.api.example.evil.example:443 403" "169.254.169.254:443 403" \
        "plain 403"
    says_not "x.api.example:443 403"
}

@test "nobody outside can use the way that is open for it" {
    "$BOX" --network "$address" --network '*.api.example' -- /bin/sleep 5 3>&- &
    sleep 1
    must_fail 7 curl -sS --max-time 5 http://127.77.255.254:3128/
    wait $!
}

@test "a list that cannot be understood is refused" {
    for bad in 'https://a.example' 'a.example:0' 'a.example:x' '*' '*.com' '*.' 'a b' '[::1]:80' \
        '10.0.0.0/8' '*a.example.com'; do
        must_fail 125 box --network "$bad" -- /bin/true
        says "'$bad' is no address to allow: write HOST, HOST:PORT, *.SUFFIX"
    done
}
