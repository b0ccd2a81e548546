#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154 # each test has its own shell; sim.bash sets $repo
# A unit back to what a commit had: a commit on top, through the same gate.
load helpers
load sim

setup() {
    setup_environment
}

teardown() {
    sim_down
}

# Two units that share a module; the unit 'u' is changed four times.
history() {
    repo=$(temp_repo)
    mkdir -p "$repo/env" "$repo/other" "$repo/shared"
    printf 'terraform {\n  backend "local" {}\n}\nmodule "s" {\n  source = "../shared"\n}\n' |
        tee "$repo/env/main.tf" >"$repo/other/main.tf"
    echo '# one' >"$repo/shared/s.tf"
    echo '# one' >"$repo/env/gone.tf"
    printf 'version: 1\nunits: [{name: u, path: env}, {name: o, path: other}]\n' \
        >"$repo/plumb.yaml"
    commit_all "$repo" "first"
    echo '# two' >"$repo/shared/s.tf"
    rm "$repo/env/gone.tf"
    echo '# two' >"$repo/env/new.tf"
    commit_all "$repo" "second"
    echo '# other' >"$repo/other/o.tf"
    echo '# gate' >>"$repo/plumb.yaml"
    commit_all "$repo" "of the other unit"
    chmod +x "$repo/env/main.tf"
    commit_all "$repo" "third"
}

@test "only what the unit reads goes back, as a commit on top" {
    history
    output=$(plumb -C "$repo/env" rollback HEAD~3 --no-apply 2>&1)
    says "u back to" "A env/gone.tf" "M env/main.tf" "D env/new.tf" "M shared/s.tf" \
        "1 of them outside of the unit's folder" "second" "third" "git reset --keep"
    says_not "of the other unit" "other/o.tf" "plumb.yaml"
    [ -z "$(git -C "$repo" status --porcelain)" ]
    [ "$(git -C "$repo" log -1 --format=%s)" = "u: roll back to $(git -C "$repo" rev-parse \
        --short=8 HEAD~4)" ]
    [ -z "$(git -C "$repo" diff HEAD~4 -- env shared)" ]
    [ -z "$(git -C "$repo" diff HEAD~1 -- other plumb.yaml)" ]
    [ "$(cat "$repo/env/gone.tf")" = "# one" ]
    [ ! -e "$repo/env/new.tf" ]
    git -C "$repo" fsck --strict
    output=$(plumb -C "$repo/env" rollback HEAD~4 --no-apply 2>&1)
    says "unit 'u' is as commit" "has it already"
}

@test "as a branch it touches nothing else" {
    history
    local head
    head=$(git -C "$repo" rev-parse HEAD)
    output=$(plumb -C "$repo" --unit u rollback HEAD~3 --branch back 2>&1)
    says "is branch 'back'" "plumb plan --rev back"
    [ "$(git -C "$repo" rev-parse HEAD)" = "$head" ]
    [ "$(git -C "$repo" rev-parse back~1)" = "$head" ]
    [ -z "$(git -C "$repo" status --porcelain)" ]
    must_fail 1 plumb -C "$repo" --unit u rollback HEAD~3 --branch back
    says "there is a branch 'back' already"
    must_fail 64 plumb -C "$repo" --unit u rollback HEAD~3 --branch 'b..c'
    says "cannot be the name of a branch"
}

@test "the rules of the gate are not rolled back, where the unit is the whole repository" {
    repo=$(temp_repo)
    printf 'terraform {\n  backend "local" {}\n}\n' >"$repo/main.tf"
    commit_all "$repo" "no rules"
    printf 'version: 1\nunits: [{name: u, path: .}]\ngate: {max_delete: 0}\n' >"$repo/plumb.yaml"
    echo '# two' >"$repo/main.tf"
    commit_all "$repo" "rules"
    output=$(plumb -C "$repo" rollback HEAD~1 --no-apply 2>&1)
    says "M main.tf"
    says_not "plumb.yaml"
    grep -q max_delete "$repo/plumb.yaml"
    [ -z "$(git -C "$repo" status --porcelain)" ]
}

@test "what could lose somebody's work is refused, and nothing has happened" {
    history
    local head
    head=$(git -C "$repo" rev-parse HEAD)
    must_fail 3 plumb -C "$repo/env" rollback HEAD~3
    says "nobody can be asked here"
    must_fail 64 plumb -C "$repo" rollback HEAD~3 --no-apply
    says "this is about one unit"
    echo '# mine' >>"$repo/shared/s.tf"
    must_fail 3 plumb -C "$repo/env" rollback HEAD~3 --no-apply
    says "'shared/s.tf' is not committed"
    git -C "$repo" checkout -q shared
    # An ignored file stands where one would come back.
    echo 'env/gone.tf' >>"$repo/.git/info/exclude"
    echo '# precious' >"$repo/env/gone.tf"
    must_fail 1 plumb -C "$repo/env" rollback HEAD~3 --no-apply
    says "the work tree cannot follow"
    [ "$(cat "$repo/env/gone.tf")" = "# precious" ]
    [ "$(git -C "$repo" rev-parse HEAD)" = "$head" ]
    [ -z "$(git -C "$repo" status --porcelain)" ]
    rm "$repo/env/gone.tf"
    git -C "$repo" checkout -q --detach
    must_fail 1 plumb -C "$repo/env" rollback HEAD~3 --no-apply
    says "HEAD is on no branch"
    git -C "$repo" checkout -q -b side HEAD~2
    commit_all "$repo" "aside"
    git -C "$repo" checkout -q main
    must_fail 64 plumb -C "$repo/env" rollback side --no-apply
    says "is not in the history of HEAD"
}

@test "rolled back in the world, through the gate" {
    need terraform
    sim_applied
    must plumb -C "$repo" audit --save-baseline
    cp "$SIM_DEMO/later/sizes.tf" "$repo"
    commit_all "$repo" "larger servers, shorter ttl"
    must plumb -C "$repo" apply --auto-approve
    output=$(plumb -C "$repo" rollback HEAD~1 --auto-approve 2>&1)
    says "M sizes.tf" "larger servers, shorter ttl" "verified"
    [ "$(sim_ttl)" = 300 ]
    output=$(plumb -C "$repo" plan)
    says "nothing to apply"
    # Somebody's change in the way of the next one is not run over.
    sim_change records www '{"ttl": 3600}'
    must_fail 3 plumb -C "$repo" rollback HEAD~1 --auto-approve
    says "overwrites a change made outside of Git"
    [ "$(sim_ttl)" = 3600 ]
}

sim_ttl() {
    local status output
    sim GET "/v1/records?name=www"
    json 'd["items"][0]["ttl"]'
}
