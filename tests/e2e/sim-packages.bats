#!/usr/bin/env bats
# shellcheck disable=SC2154 # sim.bash sets $repo
# A provider that planning had to download is kept: later audits need no registry.
load helpers
load sim

setup() {
    setup_environment
    need terraform
    sim_applied
}

# A mirror of archives: init unpacks them, as it does with what it gets from a registry.
packed_mirror() {
    python3 - "$SIM_BIN/mirror" "$BATS_TEST_TMPDIR/packed" <<'PY'
import os, sys, zipfile
source, to = sys.argv[1:]
for folder, _, names in os.walk(source):
    if not names:
        continue
    version, platform = folder.split("/")[-2:]
    out = os.path.join(to, os.path.relpath(os.path.dirname(os.path.dirname(folder)), source))
    os.makedirs(out, exist_ok=True)
    name = "terraform-provider-%s_%s_%s.zip" % (os.path.basename(out), version, platform)
    with zipfile.ZipFile(os.path.join(out, name), "w") as z:
        for n in names:
            z.write(os.path.join(folder, n), n)
PY
    sim_mirror "$BATS_TEST_TMPDIR/packed"
}

@test "a provider downloaded for planning is there for the next audit" {
    packed_mirror
    rm -rf "$repo/.terraform"
    output=$(plumb -C "$repo" audit)
    says "9 in sync"
    rm -r "$BATS_TEST_TMPDIR/packed"
    output=$(plumb -C "$repo" audit --observer provider)
    says "9 in sync"
}
