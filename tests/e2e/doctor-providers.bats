#!/usr/bin/env bats
# doctor looks at what a unit needs from outside: its tool, plugins, packs, the API's clock.
load helpers

setup() {
    setup_environment
    unset TF_CLI_CONFIG_FILE
    repo=$(fake_estate estate)
    platform=linux_$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')
    plugin=$repo/env/.terraform/providers/registry.terraform.io/example/acme/1.0.0/$platform
    mkdir -p "$plugin"
    echo program >"$plugin/terraform-provider-acme_v1.0.0"
    chmod +x "$plugin/terraform-provider-acme_v1.0.0"
    cat >>"$repo/env/main.tf" <<'TF'
terraform {
  required_providers {
    acme = { source = "example/acme" }
  }
}
provider "acme" {
  url = "http://127.0.0.1:1"
}
TF
    lock "$(h1)"
    cp -r "$PLUMB_ROOT/fixtures/packs" "$repo/observers"
    echo 'packs: [observers]' >>"$repo/plumb.yaml"
    echo '.terraform/' >>"$repo/.gitignore"
    commit_all "$repo" start
}

# The lock file's digest of a folder with one file.
h1() {
    (cd "$plugin" && sha256sum -- *) | "$PLUMB_TEST_PYTHON" -c 'import base64, hashlib, sys
print(base64.b64encode(hashlib.sha256(sys.stdin.buffer.read()).digest()).decode())'
}

lock() {
    printf '%s\n' 'provider "registry.terraform.io/example/acme" {' '  version = "1.0.0"' \
        "  hashes = [\"h1:$1\"]" '}' >"$repo/env/.terraform.lock.hcl"
}

doctor() {
    output=$(ACME_TOKEN=t plumb -C "$repo" doctor 2>&1) || true
}

@test "a plugin that is the locked one, one that is not, and none" {
    doctor
    says "ok    plugin" "registry.terraform.io/example/acme: 1.0.0, the one that is locked"
    echo more >>"$plugin/terraform-provider-acme_v1.0.0"
    doctor
    says "fail  plugin" "is not the one that the lock file means" "terraform init"
    rm -r "$repo/env/.terraform"
    doctor
    says "warn  plugin" "is not installed" "terraform init"
}

@test "the configuration's packs are read out of the commit" {
    doctor
    valid=$(sed -n 's/.*packs *\([0-9]*\) are valid/\1/p' <<<"$output")
    sed -i 's/^type: .*/type: [/' "$repo/observers/acme/acme_order.yaml"
    doctor
    says "packs          $valid are valid"
    commit_all "$repo" broken
    must_fail 1 plumb -C "$repo" doctor
    says "observers/acme/acme_order.yaml:" "-> mend the pack" "$((valid - 1)) are valid"
    git -C "$repo" rm -rq observers
    commit_all "$repo" none
    must_fail 1 plumb -C "$repo" doctor
    says "no folder 'observers' in this commit"
}

@test "a unit's own tool is tried, and no other is needed" {
    mkdir "$BATS_TEST_TMPDIR/bin"
    for program in bash cat; do
        ln -s "$(command -v $program)" "$BATS_TEST_TMPDIR/bin/$program"
    done
    output=$(PATH=$BATS_TEST_TMPDIR/bin "$PLUMB" -C "$repo" doctor) || true
    says "ok    u " "estate.tool"
    says_not "terraform nor tofu" "fail  terraform"
    says "warn  sandbox " "there is no sandbox: 'bwrap' is not on PATH; install bubblewrap" \
        "-> plumb check refuses to plan a change until there is one"
    sed -i "s|tool: [^,}]*|tool: nonesuch|" "$repo/plumb.yaml"
    commit_all "$repo" tool
    must_fail 1 plumb -C "$repo" doctor
    says "fail  u " "'nonesuch' is not on PATH" "correct 'tool' of the unit"
}

@test "the API's clock is compared with this machine's" {
    "$PLUMB_TEST_PYTHON" - "$BATS_TEST_TMPDIR/port" <<'PY' 3>&- &
import http.server, os, sys

class Api(http.server.BaseHTTPRequestHandler):
    def date_time_string(self, timestamp=None):
        return "Sun, 01 Mar 2026 12:00:00 GMT"

    def do_GET(self):
        body = b'{"account": {"id": "42"}}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Api)
with open(sys.argv[1] + ".new", "w") as f:
    f.write(str(server.server_port))
os.rename(sys.argv[1] + ".new", sys.argv[1])
server.handle_request()
server.handle_request()
PY
    local api=$!
    for ((i = 0; i < 100; i++)); do
        [ ! -s "$BATS_TEST_TMPDIR/port" ] || break
        sleep 0.1
    done
    sed -i "s|127.0.0.1:1|127.0.0.1:$(cat "$BATS_TEST_TMPDIR/port")|" "$repo/env/main.tf"
    commit_all "$repo" url
    PLUMB_NOW=2026-03-01T12:00:20Z doctor
    says "they work, account 42" "ok    clock" "agrees with the API's"
    PLUMB_NOW=2026-03-01T12:20:00Z doctor
    says "fail  clock" "1200 s ahead of the API's" "-> set this machine's clock"
    wait "$api"
}
