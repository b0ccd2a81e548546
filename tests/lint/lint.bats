#!/usr/bin/env bats
# Each check of scripts/lint finds a bad sample, and lets a good tree pass.
# shellcheck disable=SC2016 # samples are text, nothing to expand

load ../e2e/helpers

# A tree with one of everything that is looked at, all of it good.
setup() {
    setup_environment
    tree=$(temp_repo tree)
    mkdir -p "$tree"/{scripts,src/{base,model,reconcile,run,cmd},backends/{one,two},tests}
    cp "$PLUMB_ROOT/.clang-format" "$tree/"
    cp "$PLUMB_ROOT/scripts/cppcheck.suppressions" "$tree/scripts/"
    put backends/backend.h '#ifndef PB_BACKEND_H' '#define PB_BACKEND_H' '#endif'
    local folder guard
    for folder in src/{base,model,reconcile,run,cmd} backends/{one,two}; do
        guard=PB_${folder##*/}_H
        put "$folder/README.md" '# what lives here'
        put "$folder/a.h" "#ifndef ${guard^^}" "#define ${guard^^}" 'int pb_a(int);' '#endif'
        c_file "$folder/a.c"
    done
    for folder in scripts backends tests; do
        put "$folder/README.md" '# what lives here'
    done
    put scripts/run '#!/bin/sh' 'echo "$1"'
    put tests/t.py 'print("good")'
}

# put FILE LINE...
put() {
    local file=$tree/$1
    shift
    printf '%s\n' "$@" >"$file"
}

# c_file FILE [INCLUDE [STATEMENT]]: a source of the house's shape
c_file() {
    local own=${1#src/}
    put "$1" "#include \"${own%/*}/a.h\"" ${2:+"" "#include $2"} '' 'int pb_a(int x)' '{' \
        ${3:+"    $3"} '    return x + 1;' '}'
}

# finds CHECK TEXT: exactly one finding of that check, which says TEXT
finds() {
    must_fail 1 "$PLUMB_ROOT/scripts/lint" --root "$tree" "$1"
    says "$2" "[$1]" 'lint: 1 findings'
}

passes() {
    must "$PLUMB_ROOT/scripts/lint" --root "$tree" "$@"
}

may_not_see() { c_file "$1" "$2" && finds layers "$3"; } # FILE HEADER WHY
may_see() { c_file "$1" "$2" && passes layers; }         # FILE HEADER

@test "a good tree passes every check" {
    passes
}

@test "every check has a sample here" {
    local check
    for check in $("$PLUMB_ROOT/scripts/lint" --list); do
        grep -q "^    finds $check " "$BATS_TEST_FILENAME" || {
            echo "no sample for $check" >&2
            return 1
        }
    done
}

@test "a check that is not there is a usage error, not a pass" {
    must_fail 2 "$PLUMB_ROOT/scripts/lint" --root "$tree" nonsense
    says "no such check: nonsense"
}

@test "a finding names its file and line" {
    put src/run/a.h '#ifndef PB_RUN_H' '#define PB_RUN_H' 'int pb_a(int); ' '#endif'
    finds spaces 'src/run/a.h:3: space at the end of the line'
}

@test "files that git ignores are not looked at" {
    put .gitignore build
    mkdir "$tree/build"
    put build/x.c 'bad '
    passes spaces readme
}

@test "banned: lifting a ban" {
    put src/base/a.c '#include "base/a.h"' '#undef strcpy'
    finds banned 'lifts a ban'
}

@test "banned: printing below the commands" {
    c_file src/run/a.c '' 'printf("x");'
    finds banned 'nothing below src/cmd prints or exits'
    c_file src/run/a.c
    c_file src/cmd/a.c '' 'printf("x");'
    passes banned
}

@test "clouds: a vendor's name in src, but not in a comment or in backends" {
    c_file src/run/a.c '' 'const char *type = "aws_vpc";'
    finds clouds 'src/ names a cloud (aws)'
    c_file src/run/a.c '' '/* as in aws_vpc */'
    c_file backends/one/a.c '' 'const char *type = "aws_vpc";'
    passes clouds
}

@test "cppcheck: a read behind the end" {
    c_file src/run/a.c '' 'int v[2] = {0, 0}; x += v[2];'
    finds cppcheck '[arrayIndexOutOfBounds]'
}

@test "format: not the shape of .clang-format" {
    c_file src/run/a.c '' 'x=x+1;'
    must_fail 1 "$PLUMB_ROOT/scripts/lint" --root "$tree" format
    says "src/run/a.c:5:" "run \`make format\`"
    c_file src/run/a.c
    put src/run/b.c '#include "run/a.h"' '' 'int x ;'
    finds format "src/run/b.c:3"
}

@test "functions: one of 81 lines, and none of 80" {
    local -a body
    mapfile -t body < <(yes '    x++;' | head -80)
    put src/run/a.c '#include "run/a.h"' '' 'int pb_a(int x)' '{' "${body[@]}" '    return x;' '}'
    finds functions 'function of 81 lines (at most 80)'
    put src/run/a.c '#include "run/a.h"' '' 'int pb_a(int x)' '{' "${body[@]:1}" '    return x;' '}'
    passes functions
}

@test "headers: no include guard" {
    put src/run/b.h 'int pb_b(int);'
    finds headers 'src/run/b.h:1: has no include guard'
}

@test "headers: a source without a header of its folder" {
    put src/run/b.c '#include "base/a.h"'
    finds headers 'includes no header of its own folder'
}

@test "layers: one above, one beside, and a folder without a row" {
    may_not_see src/model/a.c '"run/a.h"' "model must not see 'run/a.h'"
    may_see src/model/a.c '"base/a.h"'
    may_not_see backends/one/a.c '"backends/two/a.h"' "backends must not see 'backends/two/a.h'"
    may_see backends/one/a.c '"backends/backend.h"'
    mkdir "$tree/src/new"
    c_file src/new/b.c '"base/a.h"'
    finds layers 'folder src/new has no row'
}

@test "layers: a backend sees nothing of run" {
    may_not_see backends/one/a.c '"run/a.h"' "backends must not see 'run/a.h'"
}

@test "layers: the pure engine and the world" {
    local header
    for header in stdio.h unistd.h sys/stat.h curl/curl.h; do
        may_not_see src/reconcile/a.c "<$header>" "reconcile is pure: it must not see <$header>"
    done
    may_see src/reconcile/a.c '<string.h>'
}

@test "layers: a library away from home" {
    local header
    for header in git2.h curl/curl.h yajl/yajl_parse.h yaml.h pcre2.h expat.h openssl/evp.h; do
        may_not_see src/run/a.c "<$header>" "<$header> belongs to "
    done
}

@test "length: a line of 101 columns, and none of 100" {
    put tests/t.py "x = '$(printf '%095d' 0)'"
    finds length 'line of 101 columns (at most 100)'
    put tests/t.py "x = '$(printf '%094d' 0)'"
    passes length
}

@test "length: a file of 901 lines, and none of 900" {
    seq 901 >"$tree/tests/t.py"
    finds length 'file of 901 lines (at most 900)'
    seq 900 >"$tree/tests/t.py"
    passes length
}

@test "paths: of one machine" {
    put tests/t.py 'x = "/home/somebody/x"'
    finds paths 'path of one machine: /home/somebody'
    put tests/t.py 'x = "${HOME}/work/x" + "/usr/share/x"'
    passes paths
}

@test "readme: a folder that says nothing" {
    rm "$tree/src/run/README.md"
    finds readme 'src/run:1: has no README.md'
}

@test "shellcheck: a word that splits" {
    put scripts/run '#!/bin/sh' 'echo $1'
    finds shellcheck '[SC2086]'
}

@test "spaces: no newline at the end" {
    printf 'x = 1' >"$tree/tests/t.py"
    finds spaces 'no newline at the end'
}

@test "a tool that is not there is a finding" {
    local tool
    mkdir "$BATS_TEST_TMPDIR/bin"
    for tool in git python3 env; do
        ln -s "$(command -v "$tool")" "$BATS_TEST_TMPDIR/bin/$tool"
    done
    PATH=$BATS_TEST_TMPDIR/bin finds format 'clang-format:1: is not installed'
}
