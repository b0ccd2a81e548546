"""What an audit finds, posted: from a live API and a state to issues, comments and statuses."""

import re
import unittest

import test_observer
from estate import Estate, worked_example
from hosts import SHA, TOKEN, Host
from servers import Server

ORDERS = 3


class Posted(unittest.TestCase):
    kind = "github"

    def setUp(self):
        self.acme = test_observer.Acme(lambda request: True)
        self.server = Server(self.acme).__enter__()
        self.estate = Estate("example/acme").__enter__()
        self.host = Host(self.kind)
        for name, text in worked_example().items():
            self.estate.pack(name, text)
        for number in range(1, ORDERS + 1):
            self.estate.add("acme_order", f"o{number}", test_observer.recorded(number))
            self.acme.put(number)
        self.estate.write()
        for name in [n for n in self.estate.env
                     if n.startswith(("GITHUB_", "GITLAB_", "GITEA_", "FORGEJO_", "CI_", "GH_"))]:
            del self.estate.env[name]

    def tearDown(self):
        for one in (self.host, self.server, self.estate):
            one.__exit__()
        if self._outcome.success:
            self.host.check()

    def audit(self, what, *args, code=0, token=TOKEN, tool="audit"):
        where = ["--post", what, "--post-to", self.kind, "--post-url", self.host.api,
                 "--post-repo", "acme/infra"] if what else []
        done = self.estate.run(tool, *where, *args, ACME_URL=self.server.url, ACME_TOKEN="t",
                               **({"GITHUB_TOKEN": token} if token else {}))
        self.assertEqual(done.code, code, done.out + done.err)
        self.assertNotIn(TOKEN, done.out + done.err)
        return done

    def drift(self, customer="somebody else"):
        self.acme.orders["2"]["customer"] = customer


class Issues(Posted):
    def test_issue_of_a_unit_comes_and_goes(self):
        self.audit("issues")
        self.assertEqual(self.host.issues, [])
        self.drift()
        done = self.audit("issues", code=2)
        self.assertEqual(done.err, "")
        (issue,) = self.host.issues
        self.assertEqual(issue["title"], "Drift in 'estate': 1 drifted")
        self.assertIn("acme_order.o2", issue["body"])
        self.assertIn("somebody else", issue["body"])
        self.audit("issues", code=2)
        self.assertEqual(issue["edits"], 0)
        self.drift("somebody else again")
        self.audit("issues", code=2)
        self.assertEqual(issue["edits"], 1)
        self.assertIn("somebody else again", issue["body"])
        del self.acme.orders["3"]
        self.audit("issues", code=2)
        self.assertEqual(issue["title"], "Drift in 'estate': 1 missing, 1 drifted")
        self.drift("customer 2")
        self.acme.put(3)
        self.audit("issues")
        self.assertEqual(issue["state"], "closed")
        self.assertRegex(issue["body"], r"\nIn sync with commit [0-9a-f]{12} at 2\d{3}-")
        self.drift()
        self.audit("issues", code=2)
        self.assertEqual((issue["state"], len(self.host.issues)), ("open", 1))

    def test_what_could_not_be_seen_closes_nothing(self):
        self.drift()
        self.audit("issues", code=2)
        self.acme.allowed = lambda request: False
        self.audit("issues", code=4)
        (self.estate.repo / "terraform.tfstate").write_text("{")
        self.audit("issues", code=1)
        self.assertEqual((self.host.issues[0]["state"], self.host.issues[0]["edits"]), ("open", 0))

    def test_a_part_that_is_clean_closes_nothing(self):
        self.drift()
        self.audit("issues", code=2)
        self.audit("issues", "--target", "acme_order.o1")
        self.assertEqual(self.host.issues[0]["state"], "open")

    def test_what_does_not_fail_is_no_issue(self):
        self.drift()
        self.audit("issues", "--fail-on", "missing")
        self.assertEqual(self.host.issues, [])

    def test_markdown_and_mentions_of_values_are_harmless(self):
        self.drift("@everyone ```` </details> ![x](https://evil.example/x) #1")
        self.audit("issues", code=2)
        body = self.host.issues[0]["body"].partition("\n")[2]
        shown = re.sub(r"(?s)(`{3,})\w*\n.*?\n\1\n|<code>.*?</code>", "", body)
        self.assertNotIn("@everyone", shown)
        self.assertNotIn("](https://evil", shown)


class Results(Posted):
    def asked(self):
        return ["--post-change", "7", "--post-commit", SHA]

    def test_status_and_comment(self):
        self.audit("status,comment", *self.asked())
        self.assertEqual(self.host.statuses[0]["state"], "success")
        self.assertIn("all 3 resources are what Git says", self.host.statuses[0]["description"])
        self.drift()
        self.audit("comment", "--post", "status", *self.asked(), code=2)
        self.assertEqual(self.host.statuses[1]["state"], "failure")
        self.assertIn("1 of 3 resources differs", self.host.statuses[1]["description"])
        (comment,) = self.host.comments
        self.assertTrue(comment["body"].startswith("<!-- plumb:comment plumb%20audit -->\n"))
        self.assertIn("acme_order.o2", comment["body"])
        self.acme.allowed = lambda request: False
        self.audit("status,comment", *self.asked(), code=4)
        self.assertEqual(self.host.statuses[2]["state"], "error")
        self.assertEqual(len(self.host.comments), 1)

    def test_plan(self):
        """That something would change is no failure; that the gate refuses it is."""
        self.audit("status,comment", *self.asked(), tool="plan")
        self.assertEqual(self.host.statuses[0]["state"], "success")
        self.assertEqual(self.host.statuses[0]["context"], "plumb plan")
        self.audit("status,comment", *self.asked(), "--rev", "nowhere", tool="plan", code=1)
        self.assertEqual(self.host.statuses[1]["state"], "error")
        (comment,) = self.host.comments
        self.assertTrue(comment["body"].startswith("<!-- plumb:comment plumb%20plan -->\n"))

    def test_status_is_that_of_the_audited_commit(self):
        self.audit("status", "--post-name", "drift (eu)")
        head = (self.estate.repo / ".git/refs/heads/main").read_text().strip()
        self.assertEqual((self.host.statuses[0]["sha"], self.host.statuses[0]["context"]),
                         (head, "drift (eu)"))

    def test_no_comment_without_a_pull_request(self):
        # What was asked for and is not done is said, also where nothing else is.
        done = self.audit("status,comment", "--quiet")
        self.assertIn("this is about no pull request", done.err)
        self.assertEqual((len(self.host.statuses), self.host.comments), (1, []))

    def test_an_audit_that_fails_as_a_whole_has_a_status(self):
        self.audit("status,comment", *self.asked(), "--unit", "nobody", code=64)
        self.assertEqual(self.host.statuses[0]["state"], "error")

    def test_a_failed_post_changes_nothing(self):
        """Neither the exit code nor the report; it is said on stderr."""
        self.audit(None)  # from now on the declared side is in the cache
        plain = self.audit(None).out
        self.drift()
        drifted = self.audit(None, code=2).out
        for answer, word in ((403, "may not do that"), (502, "its own trouble"),
                             ("hang", "time limit")):
            self.host.fail("POST", "/statuses/", *[answer] * 4)
            self.host.fail("GET", "/comments", *[answer] * 4)
            done = self.audit("status,comment", *self.asked(), "--post-timeout", "9s", code=2)
            self.assertEqual(self.times(done.out), self.times(drifted))
            self.assertEqual(done.err.count("plumb: warning: not posted: "), 2)
            self.assertIn(word, done.err)
            self.host.faults.clear()
        self.drift("customer 2")
        done = self.audit("status,comment,issues", *self.asked(), token=None)
        self.assertEqual(self.times(done.out), self.times(plain))
        self.assertEqual(done.err.count("set 'GITHUB_TOKEN' to"), 3)

    @staticmethod
    def times(text):
        return re.sub(r"[0-9.]+ m?s\b|\d+ requests?", "N", text)

    def test_wrong_options_end_it_before_the_work(self):
        for args, word in ((["--post-to", "github"], "add '--post'"),
                           (["--post", "mail"], "does not know 'mail'"),
                           (["--post", "status"], "--post-to"),
                           (["--post", "status", "--post-to", "gitea", "--post-repo", "a/b"],
                            "--post-url"),
                           (["--post", "status", "--post-to", "github"], "--post-repo"),
                           (["--post", "status", "--post-to", "github", "--post-repo", "a/b",
                             "--post-timeout", "soon"], "--post-timeout takes a time")):
            done = self.audit(None, *args, code=64)
            self.assertIn(word, done.err)
        self.assertEqual((self.host.requests, self.server.requests), ([], []))


if __name__ == "__main__":
    unittest.main()
