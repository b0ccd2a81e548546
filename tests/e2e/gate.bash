# shellcheck shell=bash disable=SC2154 # sim.bash sets $repo
# Plans and the gate on the estate of the simulated cloud: `load gate` behind `load sim`.
#
#   plan_json CODE [ARG...]   plans in $repo, which exits with CODE; its JSON is in $output
#   cause ADDRESS             in that JSON: cause and decision
#   refusals                  in that JSON: the codes
#   refused_for CODE...       plans, which is refused for just these reasons
#   later                     commits larger servers and a shorter ttl
#   gate YAML                 commits YAML as what plumb.yaml says of the gate
#   remote                    a remote for $repo; nothing is pushed yet

cause() {
    json "next((c['cause'] + ' ' + c['decision'] for u in d['units'] for c in u['changes']
        if c['address'] == '$1'), 'none')"
}

refusals() {
    json "' '.join(r['code'] for u in d['units'] for r in u['refusals'])"
}

plan_json() { # CODE [ARG...]
    ends "$1" plumb -C "$repo" plan --format json "${@:2}"
    fits plan.schema.json
}

later() {
    cp "$SIM_DEMO/later/sizes.tf" "$repo"
    commit_all "$repo" "larger servers, shorter ttl"
}

remote() {
    git init -q -b main --bare "$BATS_TEST_TMPDIR/remote.git"
    git -C "$repo" remote add origin "$BATS_TEST_TMPDIR/remote.git"
}

refused_for() { # CODE...
    plan_json 3
    [ "$(refusals)" = "$*" ]
}

gate() {
    printf 'version: 1\ngate:\n%s\n' "$1" >"$repo/plumb.yaml"
    commit_all "$repo" "gate"
}
