#!/usr/bin/env bats
# shellcheck disable=SC2154 # sim.bash sets $repo
# plumb under Terraform's name: what only looks is Terraform's, byte for byte; the rest is not.
load helpers
load sim

setup() {
    setup_environment
    shim=$BATS_TEST_TMPDIR/shim
    mkdir "$shim"
    ln -s "$PLUMB" "$shim/terraform"
}

teardown() {
    sim_down
}

# A terraform that says what it got, in $fake.
fake_tool() {
    fake=$BATS_TEST_TMPDIR/fake
    mkdir "$fake"
    cat >"$fake/terraform" <<'SH'
#!/bin/sh
printf '%s|' "$@"
printf '%s %s\n' "${TF_CLI_ARGS-none}" "$PWD"
exit "${FAKE_EXIT-0}"
SH
    chmod +x "$fake/terraform"
}

both() { # DIR ARG...: real and shim give the same three things
    local dir=$1 who code
    shift
    for who in real shim; do
        code=0
        if [ "$who" = real ]; then
            (cd "$dir" && terraform "$@")
        else
            (cd "$dir" && PATH=$shim:$PATH terraform "$@")
        fi <"${STDIN:-/dev/null}" >"$BATS_TEST_TMPDIR/$who.out" 2>"$BATS_TEST_TMPDIR/$who.err" ||
            code=$?
        echo "$code" >"$BATS_TEST_TMPDIR/$who.code"
    done
    for what in out err code; do
        cmp "$BATS_TEST_TMPDIR/real.$what" "$BATS_TEST_TMPDIR/shim.$what" || {
            echo "terraform $* differs in $what" >&2
            return 1
        }
    done
}

@test "what only looks is the same, byte for byte" {
    need terraform
    sim_applied
    cp "$SIM_DEMO/later/sizes.tf" "$repo"
    sim_terraform plan -out=tfplan
    both "$repo" version
    both "$repo" -version
    both "$repo" validate -json
    both "$repo" state list
    both "$repo" state pull
    both "$repo" state show 'sim_server.web[0]'
    both "$repo" show -json
    both "$repo" show -no-color tfplan
    both "$repo" output -json
    both "$repo" graph
    both "$repo" providers
    both "$repo" fmt -check -diff
    both "$repo" workspace list
    # One thing alone, since several come in any order.
    mkdir "$BATS_TEST_TMPDIR/one"
    printf 'resource "terraform_data" "a" {}\n' >"$BATS_TEST_TMPDIR/one/main.tf"
    both "$BATS_TEST_TMPDIR/one" init
    both "$BATS_TEST_TMPDIR/one" plan -detailed-exitcode
    [ "$(cat "$BATS_TEST_TMPDIR/shim.code")" = 2 ]
    both "$repo" plan -nonsense
    [ "$(cat "$BATS_TEST_TMPDIR/shim.code")" = 1 ]
    both "$BATS_TEST_TMPDIR" -chdir="$repo" state list
    both "$repo" apply -help
    both "$repo" -help
    both "$repo"
    [ "$(cat "$BATS_TEST_TMPDIR/shim.code")" = 127 ]
    printf 'local.ttl\n' >"$BATS_TEST_TMPDIR/in"
    STDIN=$BATS_TEST_TMPDIR/in both "$repo" console
    TF_CLI_ARGS_plan=-no-color both "$BATS_TEST_TMPDIR/one" plan
}

@test "every command that Terraform has is known" {
    need terraform
    local words all
    fake_tool
    all=$({
        terraform -help
        for words in state workspace; do
            terraform "$words" -help | sed "s/^    \([a-z]\)/  $words \1/"
        done
    } | sed -n 's/^  \(\(state \|workspace \)\?[a-z][a-z-]*\)  .*/\1/p')
    [ "$(wc -l <<<"$all")" -gt 35 ]
    while read -r words; do
        # shellcheck disable=SC2086 # words are words
        output=$(PLUMB_TERRAFORM=$fake/terraform plumb tf $words 2>&1 </dev/null) || true
        says_not "does not know it"
    done <<<"$all"
}

@test "the tool gets what was typed, and its exit code comes back" {
    fake_tool
    output=$(PATH=$shim:$fake:$PATH TF_CLI_ARGS=-x terraform plan '' 'a b' -- --help)
    [ "$output" = "plan||a b|--|--help|-x $PWD" ]
    FAKE_EXIT=7 PATH=$shim:$fake:$PATH must_fail 7 terraform show
    output=$(PLUMB_TERRAFORM=$fake/terraform plumb -C "$fake" tf output -raw x)
    [ "$output" = "output|-raw|x|none $fake" ]
    # Signals as they were, and not a variable more.
    printf '#!/bin/sh\ngrep Sig[IBC] /proc/self/status\nenv | grep -v ^_= | sort\n' \
        >"$fake/terraform"
    diff <(PATH=$shim:$fake:$PATH "$fake/terraform" plan) \
        <(PATH=$shim:$fake:$PATH terraform plan)
}

@test "an interrupt reaches the tool once, and nobody else answers it" {
    fake_tool
    cat >"$fake/terraform" <<'SH'
#!/bin/bash
trap 'echo INT >>"$OUT"; exit 9' INT
echo $$ >"$OUT"
while :; do sleep 0.05; done
SH
    export OUT=$BATS_TEST_TMPDIR/got
    # A job of its own group, as a terminal has it; background jobs would ignore the signal.
    "$PLUMB_TEST_PYTHON" - "$shim/terraform" "$shim:$fake:$PATH" <<'PY'
import os, signal, subprocess, sys, time
p = subprocess.Popen([sys.argv[1], "plan"], env=dict(os.environ, PATH=sys.argv[2]),
                     start_new_session=True)
got = os.environ["OUT"]
while not (os.path.exists(got) and open(got).read().strip()):
    time.sleep(0.02)
assert int(open(got).read()) == p.pid, "the tool runs in our place"
os.killpg(p.pid, signal.SIGINT)
assert p.wait(20) == 9
assert open(got).read().count("INT") == 1
env = dict(os.environ, PATH=sys.argv[2], OUT="/dev/null")
alarmed = subprocess.run([sys.argv[1], "plan"], env=env, preexec_fn=lambda: signal.alarm(1))
assert alarmed.returncode == -signal.SIGALRM
PY
}

@test "a shim that finds only itself says so" {
    local copy=$BATS_TEST_TMPDIR/copy empty=$BATS_TEST_TMPDIR/empty
    mkdir "$copy" "$empty"
    cp "$(readlink -f "$PLUMB")" "$copy/terraform"
    must_fail 1 env PATH="$shim:$copy:$shim" "$shim/terraform" plan
    says "no terraform on PATH but plumb under its name" "PLUMB_TERRAFORM"
    must_fail 1 env PLUMB_TERRAFORM="$copy/terraform" "$shim/terraform" plan
    says "which is plumb"
    must_fail 1 env PATH="$empty" PLUMB_TERRAFORM=/none "$shim/terraform" plan
    says "cannot run '/none'"
}
