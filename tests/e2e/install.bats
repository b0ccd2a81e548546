#!/usr/bin/env bats
# make install puts everything below DESTDIR and nothing elsewhere, and what it puts there works.
load helpers

setup() {
    setup_environment
    root=$BATS_TEST_TMPDIR/root
}

# What was built stays as it is: other tests run it at this moment.
make_in_house() {
    (cd "$PLUMB_ROOT" && must make -s -o all "$@" DESTDIR="$root" PREFIX=/usr/local \
        CONFIG="$(basename "${PLUMB_BUILD:-release}")")
}

@test "the program, its tables, manual and completions, each with its mode" {
    umask 022
    must make_in_house install
    cd "$root/usr/local"
    [ "$(stat -c %a bin/plumb)" = 755 ]
    diff -r "$PLUMB_ROOT/schemas" share/plumb/schemas
    [ -z "$(find share -type f ! -perm 644)" ]
    for file in man/man1/plumb.1 bash-completion/completions/plumb \
        zsh/site-functions/_plumb fish/vendor_completions.d/plumb.fish; do
        [ -s "share/$file" ]
    done
    diff share/man/man1/plumb.1 <("$PLUMB" help --man)
    output=$(bin/plumb doctor) || true
    says "ok    tables" "$root/usr/local/bin/../share/plumb/schemas/observers"
    make_in_house uninstall
    [ -z "$(find . ! -type d)" ]
}

@test "what is installed audits without the source tree" {
    make_in_house install
    repo=$(fake_estate estate)
    commit_all "$repo" start
    output=$("$root/usr/local/bin/plumb" -C "$repo" audit)
    says "the one resource is what Git says"
}
