#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/mem.h"
#include "git/signed.h"
#include "tests/support/folder.h"
#include "tests/support/shell.h"
#include "tests/support/values.h"

/* Commits: good, other (a key that is not allowed), none, pgp, top (good). */
static const char script[] =
    "git init -q -b main .; git config user.name Ann; git config user.email ann@example.com\n"
    "ssh-keygen -q -t ed25519 -N '' -f good; ssh-keygen -q -t ed25519 -N '' -f other\n"
    "echo \"ann@example.com $(cat good.pub)\" >signers\n"
    "c() { git -c gpg.format=ssh -c user.signingkey=$PWD/$2 commit -qS --allow-empty -m $1; "
    "git tag $1; }\n"
    "c good good; c other other; git commit -q --allow-empty -m none; git tag none\n"
    /* What the repository says of itself is not asked. */
    "git config gpg.ssh.allowedSignersFile $PWD/all; cat signers >all\n"
    "echo \"ben@example.com $(cat other.pub)\" >>all\n"
    "if ! command -v gpg >/dev/null; then git commit -q --allow-empty -m pgp; git tag pgp; c top "
    "good; exit 0; fi\n"
    "export GNUPGHOME=$PWD/g; mkdir -m 700 g\n"
    "gpg -q --batch --passphrase '' --quick-gen-key 'Ann <ann@example.com>' ed25519 sign\n"
    "git -c user.signingkey=ann@example.com commit -qS --allow-empty -m pgp; git tag pgp\n"
    "gpg --armor --export ann@example.com >keys.asc\n"
    "gpg -q --batch --passphrase '' --quick-gen-key 'Ben <ben@example.com>' ed25519 sign\n"
    "gpg --armor --export ben@example.com >others.asc; gpgconf --kill all\n"
    "c top good\n";

static char *dir;
static struct pb_repo *repo;

static int setup(void **state)
{
    (void)state;
    dir = test_folder();
    setenv("HOME", dir, 1);
    setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
    return test_sh(dir, script) || pb_repo_open(&repo, dir, 0, NULL) ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    pb_repo_free(repo);
    pb_fs_remove_tree(dir, NULL);
    free(dir);
    return 0;
}

/* "" when it is signed as it should be; else the tag of the commit that is not, "?" for none. */
static const char *bad(const char *commit, const char *since, const char *file)
{
    static const char *const tags[] = {"good", "other", "none", "pgp", "top"};
    PB_AUTO(str) char *path = pb_fs_join(dir, file);
    PB_AUTO(buf) struct pb_buf signers = PB_BUF_INIT;
    char id[PB_OID_HEX], from[PB_OID_HEX], got[PB_OID_HEX], one[PB_OID_HEX];
    struct pb_err err = PB_ERR_INIT;

    assert_int_equal(pb_fs_read(&signers, path, 1 << 20, &err), 0);
    assert_int_equal(pb_repo_resolve(id, repo, commit, &err), 0);
    assert_int_equal(pb_repo_resolve(from, repo, since ? since : commit, &err), 0);
    if (pb_git_signed(got, repo, id, since ? from : NULL, signers.s, signers.len, &err) < 0)
        return "error";
    for (size_t i = 0; *got && i < PB_COUNT(tags); i++)
        if (pb_repo_resolve(one, repo, tags[i], NULL) == 0 && strcmp(one, got) == 0)
            return tags[i];
    return *got ? "?" : "";
}

static void signed__by_ssh(void **state)
{
    (void)state;
    assert_string_equal(bad("good", NULL, "signers"), "");
    assert_string_equal(bad("top", NULL, "signers"), "");
    assert_string_equal(bad("other", NULL, "signers"), "other");
    assert_string_equal(bad("none", NULL, "signers"), "none");
    assert_string_equal(bad("pgp", NULL, "signers"), "pgp");
    assert_string_equal(bad("other", NULL, "all"), "");
}

static void signed__every_one_since(void **state)
{
    (void)state;
    assert_string_equal(bad("other", "good", "all"), "");
    assert_string_equal(bad("other", "good", "signers"), "other");
    assert_string_equal(bad("top", "pgp", "signers"), "");
    assert_string_equal(bad("top", "none", "signers"), "pgp");
    /* The planned commit counts even when there is nothing since. */
    assert_string_equal(bad("none", "none", "signers"), "none");
    assert_string_equal(bad("good", "top", "signers"), "");
}

static void signed__by_openpgp(void **state)
{
    (void)state;
    if (test_sh(dir, "test -e keys.asc"))
        skip();
    assert_string_equal(bad("pgp", NULL, "keys.asc"), "");
    assert_string_equal(bad("pgp", NULL, "others.asc"), "pgp");
    assert_string_equal(bad("none", NULL, "keys.asc"), "none");
    assert_string_not_equal(bad("good", NULL, "keys.asc"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signed__by_ssh),
        cmocka_unit_test(signed__every_one_since),
        cmocka_unit_test(signed__by_openpgp),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
