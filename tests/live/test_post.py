"""Statuses, comments and issues on hosts of code, against their APIs as they are described."""

import json
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

from hosts import BOT, SHA, TOKEN, Host
from servers import BUILD, Server, environment, reply

POSTTRY = BUILD / "tests/tools/posttry"
MARKER = "<!-- plumb:comment plumb%20check -->\n"
# What CI sets must not come from the CI that runs these tests.
CI = ("GITHUB_", "GITLAB_", "GITEA_", "FORGEJO_", "CI_", "GH_")


def clean(**extra):
    return {k: v for k, v in environment(**extra).items() if k in extra or not k.startswith(CI)}


def tokens():
    return clean(GITHUB_TOKEN=TOKEN, GITLAB_TOKEN=TOKEN, GITEA_TOKEN=TOKEN)


def start(asked, do, env):
    document = {"asked": {"name": "plumb check", **asked}, "do": do}
    child = subprocess.Popen([POSTTRY], env=env, text=True, stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    child.stdin.write(json.dumps(document))
    child.stdin.close()
    child.stdin = None
    return child


def end(child):
    out, err = child.communicate(timeout=120)
    if child.returncode:
        raise AssertionError(f"exit {child.returncode}: {err}")
    if TOKEN in out + err:
        raise AssertionError("the token is told")
    return [json.loads(line) for line in out.splitlines()]


def post(asked, do, env=None):
    return end(start(asked, do, env or tokens()))


class OnHost:
    """Cases for each host: see the classes at the end."""

    kind = "github"

    def setUp(self):
        self.host = Host(self.kind)

    def tearDown(self):
        self.host.__exit__()
        if self._outcome.success:
            self.host.check()

    def asked(self, **other):
        return {"host": self.kind, "api": self.host.api, "repo": "acme/infra", "change": "7",
                "commit": SHA, **other}

    def fine(self, *do, **other):
        for line in post(self.asked(**other), list(do)):
            self.assertEqual(line, {"ok": True})

    def fails(self, what, *words, env=None, **other):
        (line,) = post(self.asked(**other), [what], env)
        self.assertIn("error", line)
        for word in words:
            self.assertIn(word, line["error"])
        self.assertNotIn("\n", line["error"])
        return line["error"]

    def sent(self, method, part=""):
        return [r for r in self.host.requests if r.method == method and part in r.target]

    def bodies(self):
        return [c["body"] for c in self.host.comments]


class Statuses(OnHost):
    words = {"success": "success", "failure": "failure", "error": "error", "pending": "pending"}

    def test_each_state(self):
        self.fine(*[{"status": "2 changes", "state": s} for s in self.words])
        self.assertEqual([s["state"] for s in self.host.statuses], list(self.words.values()))
        one = self.host.statuses[0]
        self.assertEqual((one["sha"], one["description"]), (SHA, "2 changes"))
        self.assertEqual(one.get("context", one.get("name")), "plumb check")

    def test_text_is_one_short_line(self):
        self.fine({"status": "é\n\x1b[31m" + "x" * 300, "state": "success"},
                  {"status": "é" * 141, "state": "success"},
                  {"status": "é" * 140, "state": "success"})
        texts = [s["description"] for s in self.host.statuses]
        self.assertEqual([len(t) for t in texts], [140, 140, 140])
        self.assertTrue(texts[0].startswith("é\\n\\x1b[31m") and texts[0].endswith("x..."))
        self.assertEqual(texts[1:], ["é" * 137 + "...", "é" * 140])

    def test_commit_of_the_caller_where_none_is_named(self):
        other = SHA[::-1]
        self.fine({"status": "x", "state": "success", "commit": other}, commit=None)
        self.assertEqual(self.host.statuses[0]["sha"], other)
        self.fails({"status": "x", "state": "success"}, "--post-commit", commit=None)

    def test_is_sent_again_where_the_reply_got_lost(self):
        self.host.fail("POST", "/statuses/", "drop", 502)
        self.fine({"status": "x", "state": "success"})
        self.assertEqual(len(self.sent("POST")), 3)


class Comments(OnHost):
    def test_is_made_once_and_updated(self):
        self.fine({"comment": "one\n"}, {"comment": "two\n"})
        self.fine({"comment": "three\n"})
        self.assertEqual(self.bodies(), [MARKER + "three\n"])

    def test_is_not_written_again_when_it_says_the_same(self):
        self.fine({"comment": "one\ntwo\n"})
        self.host.comments[0]["body"] = MARKER.rstrip("\n") + "\r\none\r\ntwo"
        self.fine({"comment": "one\ntwo\n"})
        self.assertEqual(self.sent("PATCH") + self.sent("PUT"), [])

    def test_is_found_on_the_last_page(self):
        for i in range(230):
            self.host.add_comment(f"comment {i}", author="somebody")
        mine = self.host.add_comment(MARKER + "old")
        self.host.add_comment("the last", author="somebody")
        self.fine({"comment": "new"})
        self.assertEqual(mine["body"], MARKER + "new")
        self.assertEqual(len(self.host.comments), 232)

    def test_each_name_has_its_own(self):
        self.fine({"comment": "a"}, name="plumb check")
        self.fine({"comment": "b"}, name="plumb check (eu)")
        self.assertEqual(len(self.host.comments), 2)

    def test_name_cannot_end_the_hidden_line(self):
        self.fine({"comment": "a"}, name="--> <b>x</b>")
        self.fine({"comment": "b"}, name="--> <b>x</b>")
        self.assertEqual(self.bodies(),
                         ["<!-- plumb:comment %2D%2D%3E%20%3Cb%3Ex%3C/b%3E -->\nb"])

    def test_that_of_somebody_else_is_left_alone(self):
        theirs = self.host.add_comment(MARKER + "look here", author="mallory")
        self.fine({"comment": "mine"})
        self.assertEqual(theirs["body"], MARKER + "look here")
        self.assertEqual(len(self.host.comments), 2)

    def test_marker_counts_in_the_first_line_only(self):
        quote = self.host.add_comment("> " + MARKER + "quoted")
        self.fine({"comment": "mine"})
        self.assertEqual(quote["body"], "> " + MARKER + "quoted")

    def test_a_second_one_is_taken_away(self):
        self.host.add_comment(MARKER + "first")
        self.host.add_comment(MARKER + "second")
        theirs = self.host.add_comment(MARKER + "third", author="mallory")
        self.fine({"comment": "now"})
        self.assertEqual(self.bodies(), [MARKER + "now", theirs["body"]])

    def test_another_run_made_one_meanwhile(self):
        def meanwhile(method, template):
            if method == "POST" and not self.host.comments:
                self.host.add_comment(MARKER + "of the other run")
        self.host.hooks.append(meanwhile)
        self.fine({"comment": "mine"})
        self.assertEqual(self.bodies(), [MARKER + "mine"])
        self.assertEqual(len(self.sent("DELETE")), 1)

    def test_two_runs_at_once(self):
        """Both see that there is none, and both make one."""
        both = threading.Barrier(2, timeout=60)

        def wait(method, template):
            if method == "POST":
                both.wait()
        self.host.hooks.append(wait)
        runs = [start(self.asked(), [{"comment": text}], tokens()) for text in ("a", "b")]
        for run in runs:
            self.assertEqual(end(run), [{"ok": True}])
        self.assertEqual(len(self.host.comments), 1)
        self.assertIn(self.bodies()[0], [MARKER + "a", MARKER + "b"])

    def test_is_made_once_though_the_reply_got_lost(self):
        for lost in ("lost drop", "lost cut", "lost 502", "lost 500"):
            self.host.comments.clear()
            self.host.requests.clear()
            self.host.fail("POST", "s", lost)
            self.fine({"comment": "once"})
            self.assertEqual(self.bodies(), [MARKER + "once"], lost)
            self.assertEqual(len(self.sent("POST")), 1, lost)

    def test_is_made_after_all_where_it_was_not(self):
        for lost in ("drop", 502, 503):
            self.host.comments.clear()
            self.host.fail("POST", "s", lost)
            self.fine({"comment": "once"})
            self.assertEqual(self.bodies(), [MARKER + "once"], lost)

    def test_never_made_twice_where_the_list_is_behind(self):
        """A host's replica may not have yet what was made a moment ago."""
        part = "/notes" if self.kind == "gitlab" else "/comments"
        self.host.fail("GET", part, reply(200, []), reply(200, []))
        self.fine({"comment": "once"})
        self.assertEqual(len(self.sent("POST")), 1)

    def test_is_made_again_when_it_was_deleted_meanwhile(self):
        self.host.add_comment(MARKER + "old")

        def meanwhile(method, template):
            if method in ("PATCH", "PUT"):
                self.host.comments.clear()
        self.host.hooks.append(meanwhile)
        self.fine({"comment": "new"})
        self.assertEqual(self.bodies(), [MARKER + "new"])

    def test_nothing_is_made_where_the_list_cannot_be_read(self):
        part = "/notes" if self.kind == "gitlab" else "/comments"
        for answers in ([500] * 4, ["cut"] * 4, [reply(200, {"not": "a list"})],
                        [reply(200, "<html>")], [reply(200, [{"id": "x", "body": "y"}])]):
            self.host.fail("GET", part, *answers)
            self.fails({"comment": "x"}, "cannot read the", self.host.url.split("//")[1])
            self.assertEqual(self.host.comments, [])

    def test_outside_of_a_pull_request(self):
        self.fails({"comment": "x"}, "--post-change", change=None)
        self.assertEqual(self.host.requests, [])


class Limits(OnHost):
    most = {"github": 65536, "gitlab": 1000000, "gitea": 65535}

    def size(self, text):
        return len(text.encode() if self.kind == "gitea" else text.encode("utf-16-le")) // \
            (1 if self.kind == "gitea" else 2)

    def test_whole_up_to_the_limit(self):
        room = self.most[self.kind] - len(MARKER)
        self.fine({"comment": "x" * (room - 1) + "\n"})
        self.assertEqual(self.size(self.bodies()[0]), self.most[self.kind])
        self.assertNotIn("not all", self.bodies()[0])

    def test_cut_closes_what_is_open(self):
        body = "<details><summary>a</summary>\n\n<details>\n\n````diff\n<details>\n```\n"
        body += "+ 🦊 line\n" * (self.most[self.kind] // 8)
        self.fine({"comment": body + "````\n</details></details>\n"})
        (found,) = self.bodies()
        self.assertLessEqual(self.size(found), self.most[self.kind])
        self.assertGreater(self.size(found), self.most[self.kind] * 9 // 10)
        tail = found[-400:]
        self.assertIn("line\n````\n\n</details>\n</details>\n\n**This is not all of it**", tail)
        self.assertIn("output of the job", tail)


class Issues(OnHost):
    def issue(self, finding="wrong", key="prod", digest="d1", **other):
        return {"key": key, "finding": finding, "title": f"{key} drifted",
                "body": f"found {digest}\n", "digest": digest, "well": "In sync again.", **other}

    def put(self, *issues):
        self.fine({"issues": list(issues)})

    def states(self):
        return [(i["title"], i["state"]) for i in self.host.issues]

    def test_is_opened_updated_closed_and_opened_again(self):
        self.put(self.issue())
        (one,) = self.host.issues
        self.assertEqual((one["state"], one["labels"]), ("open", ["plumb"]))
        self.assertEqual(one["body"], "<!-- plumb:issue plumb%20check prod d1 -->\nfound d1\n")
        self.put(self.issue())
        self.assertEqual(one["edits"], 0)  # the same finding is not told twice
        self.put(self.issue(digest="d2"))
        self.assertEqual((one["edits"], one["state"]), (1, "open"))
        self.assertIn("found d2", one["body"])
        self.put(self.issue("clean"))
        self.assertEqual(one["state"], "closed")
        self.assertIn("-->\nIn sync again.\n\nfound d2", one["body"])
        self.put(self.issue("clean"))
        self.assertEqual(one["edits"], 2)
        self.put(self.issue(digest="d2"))
        self.assertEqual((one["state"], len(self.host.issues)), ("open", 1))

    def test_each_key_has_its_own(self):
        self.put(self.issue(key="a"), self.issue(key="a b"), self.issue(key="a%20b"),
                 self.issue(key="a-->b"))
        self.put(self.issue("clean", key="a"), self.issue(key="a b"), self.issue(key="a-->b"))
        self.assertEqual([i["state"] for i in self.host.issues],
                         ["closed", "open", "open", "open"])

    def test_unknown_is_not_clean(self):
        self.put(self.issue())
        before = len(self.host.requests)
        self.put(self.issue("unknown"))
        self.assertEqual(len(self.host.requests), before)  # nothing was even asked
        self.put(self.issue("unknown"), self.issue("clean", key="other"))
        self.assertEqual(self.states(), [("prod drifted", "open")])
        self.assertEqual(self.host.issues[0]["edits"], 0)

    def test_closed_by_a_person_it_stays_so_until_the_finding_changes(self):
        self.put(self.issue())
        self.host.issues[0]["state"] = "closed"
        self.put(self.issue())
        self.assertEqual(self.states(), [("prod drifted", "closed")])
        self.put(self.issue(digest="d2"))
        self.assertEqual(self.states(), [("prod drifted", "open")])

    def test_is_found_on_the_last_page(self):
        for i in range(230):
            self.host.add_issue(f"issue {i}", "about pipes", author="somebody")
        self.put(self.issue())
        self.put(self.issue("clean"))
        self.assertEqual(self.host.issues[-1]["state"], "closed")
        self.assertEqual(len(self.host.issues), 231)

    def test_those_of_others_are_left_alone(self):
        marker = "<!-- plumb:issue plumb%20check prod d0 -->\n"
        theirs = self.host.add_issue("theirs", marker, author="mallory")
        plain = self.host.add_issue("no label", marker, labels=())
        other = self.host.add_issue("of another name", "<!-- plumb:issue x prod d0 -->\n")
        self.put(self.issue("clean"))
        self.put(self.issue())
        self.assertEqual([theirs["edits"], plain["edits"], other["edits"]], [0, 0, 0])
        self.assertEqual(len(self.host.issues), 4)

    def test_a_second_one_is_closed(self):
        marker = "<!-- plumb:issue plumb%20check prod d1 -->\nx"
        self.host.add_issue("first", marker)
        self.host.add_issue("second", marker)
        self.put(self.issue())
        self.assertEqual(self.states(), [("first", "open"), ("second", "closed")])
        self.assertIn("The same as #1.", self.host.issues[1]["body"])
        self.put(self.issue(digest="d2"))
        self.assertEqual(self.states()[1], ("second", "closed"))

    def test_another_run_made_one_meanwhile(self):
        def meanwhile(method, template):
            if method == "POST" and template.endswith("/issues") and not self.host.issues:
                self.host.add_issue("of the other run",
                                    "<!-- plumb:issue plumb%20check prod d1 -->\nx")
        self.host.hooks.append(meanwhile)
        self.put(self.issue())
        self.assertEqual([s for _, s in self.states()], ["open", "closed"])

    def test_is_made_once_though_the_reply_got_lost(self):
        for lost in ("lost drop", "lost 502", 502):
            self.host.issues.clear()
            self.host.fail("POST", "/issues", lost)
            self.put(self.issue())
            self.assertEqual(self.states(), [("prod drifted", "open")], lost)

    def test_without_its_label_it_does_not_stay(self):
        self.host.drop_labels = True
        self.fails({"issues": [self.issue()]}, "drops the label 'plumb'", "#1 was closed")
        self.assertEqual(self.states(), [("prod drifted", "closed")])

    def test_one_that_fails_does_not_keep_the_others(self):
        self.put(self.issue(key="a"), self.issue(key="b"), self.issue(key="c"))
        self.host.fail("PUT" if self.kind == "gitlab" else "PATCH", "/issues/1", 403)
        self.host.fail("PUT" if self.kind == "gitlab" else "PATCH", "/issues/2", 403)
        self.fails({"issues": [self.issue("clean", key=k) for k in "abc"]},
                   "2 issues could not be kept up to date, the first", "403")
        self.assertEqual([s for _, s in self.states()], ["open", "open", "closed"])

    def test_nothing_is_done_where_the_list_cannot_be_read(self):
        self.put(self.issue())
        self.host.fail("GET", "/issues", *[502] * 4)
        self.fails({"issues": [self.issue("clean"), self.issue(key="new")]}, "read the issues")
        self.assertEqual(self.states(), [("prod drifted", "open")])


class Refusals(OnHost):
    """What goes wrong is told with the host, what was to be done, and a remedy."""

    variable = {"github": "GITHUB_TOKEN", "gitlab": "GITLAB_TOKEN", "gitea": "GITEA_TOKEN"}

    def status(self, *words, **other):
        return self.fails({"status": "x", "state": "success"}, *words, **other)

    def test_each_status_has_its_remedy(self):
        site = self.host.url.split("//")[1]
        for status, words in ((401, ("is not valid", self.variable[self.kind])),
                              (403, ("may not do that", self.variable[self.kind])),
                              (404, ("acme/infra", "may see")), (422, ("made up 422",)),
                              (302, ("--post-url", "--post-repo")), (418, ("made up 418",))):
            self.host.fail("POST", "/statuses/", status)
            self.status("cannot set the status of the commit on", site, f"it answered {status}",
                        *words)
        self.assertEqual(len(self.host.requests), 6)  # none of them is worth another try

    def test_5xx_is_tried_again_and_told(self):
        self.host.fail("POST", "/statuses/", 500, 502, 503, 504)
        self.status("it answered 504", "its own trouble")
        self.assertEqual(len(self.host.requests), 4)

    def test_rate_limits_are_waited_for(self):
        limit = {"message": "You have exceeded a secondary rate limit."}
        left, reset = (("RateLimit-Remaining", "RateLimit-Reset") if self.kind == "gitlab"
                       else ("X-RateLimit-Remaining", "X-RateLimit-Reset"))
        for answer in (reply(429, {}, {"Retry-After": "1"}),
                       reply(403, limit, {"Retry-After": "1"}),
                       reply(403, limit, {left: "0", reset: str(int(time.time()) + 2)})):
            self.host.fail("POST", "/statuses/", answer)
            begin = time.monotonic()
            self.fine({"status": "x", "state": "success"})
            self.assertGreater(time.monotonic() - begin, 0.9)

    def test_long_rate_limits_are_told(self):
        limit = {"message": "API rate limit exceeded for installation."}
        self.host.fail("POST", "/statuses/", reply(403, limit, {"Retry-After": "3000"}))
        lines = post(self.asked(), [{"status": "x", "state": "success"}, {"comment": "x"}])
        self.assertIn("try again in 3000 s", lines[0]["error"])
        self.assertIn("throttles", lines[1]["error"])  # and it is not asked again meanwhile
        self.assertEqual(len(self.host.requests), 1)

    def test_a_limit_without_a_time_is_not_pressed(self):
        self.host.fail("POST", "/statuses/", reply(403, {"message": "secondary rate limit"}))
        self.status("try again later", timeout_ms=5000)
        self.assertEqual(len(self.host.requests), 1)

    def test_time_is_bounded(self):
        self.host.fail("POST", "/statuses/", "hang")
        begin = time.monotonic()
        lines = post(self.asked(timeout_ms=700), [{"status": "x", "state": "success"},
                                                  {"comment": "x"}])
        self.assertLess(time.monotonic() - begin, 30)
        self.assertIn("time limit", lines[0]["error"])
        self.assertIn("--post-timeout", lines[1]["error"])

    def test_host_that_is_not_there(self):
        self.host.__exit__()
        self.status("127.0.0.1", "connect")

    def test_no_redirect_is_followed(self):
        with Server() as other:
            self.host.fail("POST", "/statuses/",
                           reply(307, b"", {"Location": other.url + "/statuses/" + SHA}))
            self.status("it answered 307", "has moved")
            self.assertEqual(other.requests, [])

    def test_token_is_needed_and_named(self):
        self.status(f"set '{self.variable[self.kind]}' to", env=clean())
        self.status("line break", self.variable[self.kind],
                    env=clean(**{self.variable[self.kind]: TOKEN + "\nX-Evil: 1"}))
        self.assertEqual(self.host.requests, [])

    def test_token_that_a_host_tells_is_not_told_on(self):
        self.host.fail("POST", "/statuses/", reply(422, {"message": f"bad token {TOKEN}!"}))
        self.assertIn("(sensitive)", self.status("422"))

    def test_words_of_the_host_drive_no_terminal(self):
        self.host.fail("POST", "/statuses/", reply(
            422, {"message": "\x1b[2J\n::error::" + "x" * 999}))
        error = self.status("\\x1b[2J")
        self.assertLess(len(error), 500)

    def test_who_it_is_must_not_be_refused(self):
        self.host.fail("GET", "/user", 401)
        self.fails({"comment": "x"}, "is not valid")
        self.assertEqual(self.host.comments, [])

    def test_wrong_flags(self):
        for flag, value, word in (("api", "http://example.com/api", "not https"),
                                  ("api", "ftp://example.com", "no https URL"),
                                  ("api", "https://me:pw@example.com", "tokens come from"),
                                  ("api", "http://127.0.0.1.example.com/", "not https"),
                                  ("api", "https://example.com/?x=1", "nothing else"),
                                  ("repo", "acme", "no repository"), ("repo", "../x", "no repo"),
                                  ("repo", "a/b?x", "no repository"),
                                  ("change", "7/x", "no number"),
                                  ("change", "0", "no number"), ("commit", "main", "whole id"),
                                  ("host", "bitbucket", "'github', 'gitlab'")):
            error = self.status(word, **{flag: value})
            self.assertNotIn("pw", error)
        self.assertEqual(self.host.requests, [])


def on_each_host(cases):
    for kind in ("github", "gitlab", "gitea"):
        name = f"{cases.__name__}{kind.capitalize()}"
        globals()[name] = type(name, (cases, unittest.TestCase), {"kind": kind})


for group in (Statuses, Comments, Limits, Issues, Refusals):
    on_each_host(group)
StatusesGitlab.words = {"success": "success", "failure": "failed",  # noqa: F821
                        "error": "failed", "pending": "pending"}


class GitlabOnly(OnHost, unittest.TestCase):
    kind = "gitlab"

    def test_lines_are_no_commands(self):
        body = "/close\n  /assign @root\ntext /not\n```\n/in a block\n```\n"
        self.fine({"comment": body})
        self.assertEqual(self.bodies(), [MARKER + "\\/close\n\\/assign @root\ntext /not\n"
                                         "```\n/in a block\n```\n"])

    def test_state_that_it_has_already(self):
        self.host.fail("POST", "/statuses/", reply(400, {
            "message": "Cannot transition status via :enqueue from :pending"}))
        self.fine({"status": "x", "state": "pending"})
        self.host.fail("POST", "/statuses/", reply(400, {"message": {"name": ["is invalid"]}}))
        self.fails({"status": "x", "state": "pending"}, '{"name":["is invalid"]}')

    def test_system_notes_are_no_comments(self):
        self.host.add_comment(MARKER + "x")["system"] = True
        self.fine({"comment": "mine"})
        self.assertEqual(len(self.host.comments), 2)

    def test_a_jobs_own_token_is_not_enough(self):
        self.fails({"comment": "x"}, "CI_JOB_TOKEN", "GITLAB_TOKEN", env=clean(CI_JOB_TOKEN=TOKEN))


class GithubOnly(OnHost, unittest.TestCase):
    def test_pull_requests_are_no_issues(self):
        self.host.add_issue("a pull request", "<!-- plumb:issue plumb%20check prod d0 -->\n",
                            pull=True)
        self.fine({"issues": [{"key": "prod", "finding": "wrong", "title": "t", "body": "b",
                               "digest": "d1", "well": ""}]})
        self.assertEqual((len(self.host.issues), self.host.issues[0]["edits"]), (2, 0))

    def test_label_that_is_there_is_not_made(self):
        self.host.labels.append("plumb")
        self.fine({"issues": [{"key": "prod", "finding": "wrong", "title": "t", "body": "b",
                               "digest": "d1", "well": ""}]})
        self.assertEqual(len(self.sent("POST", "/labels")), 0)


class JobToken(OnHost, unittest.TestCase):
    """A job's token may not ask who it is: then some bot has to be the author."""

    def setUp(self):
        self.host = Host("github", job=True)

    def test_comment_of_a_bot_is_the_one(self):
        self.host.add_comment(MARKER + "look here", author="mallory")
        mine = self.host.add_comment(MARKER + "old", author=BOT)
        self.fine({"comment": "new"})
        self.assertEqual([c["body"] for c in self.host.comments],
                         [MARKER + "look here", MARKER + "new"])
        self.assertEqual(mine["author"], BOT)

    def test_that_of_another_bot_is_not_taken_away(self):
        self.host.add_comment(MARKER + "a", author=BOT)
        self.host.add_comment(MARKER + "b", author="other[bot]")
        self.fine({"comment": "new"})
        self.assertEqual(len(self.host.comments), 2)

    def test_two_runs_at_once(self):
        CommentsGithub.test_two_runs_at_once(self)  # noqa: F821


class Recognised(unittest.TestCase):
    """Where to, from what CI sets."""

    def setUp(self):
        self.dir = tempfile.TemporaryDirectory(prefix="plumb-post-")
        self.event = Path(self.dir.name, "event.json")

    def tearDown(self):
        self.dir.cleanup()

    def run_in(self, host, asked=None, do=None, **env):
        with host:
            lines = post(asked or {}, do or [{"status": "x", "state": "success"},
                                             {"comment": "hello"}],
                         clean(**{k: v.replace("API", host.api).replace("SITE", host.url)
                                  for k, v in env.items()}))
            host.check()
        return lines

    def actions(self, event, payload, **other):
        self.event.write_text(json.dumps(payload))
        return {"GITHUB_ACTIONS": "true", "GITHUB_API_URL": "API", "GITHUB_SERVER_URL": "SITE",
                "GITHUB_REPOSITORY": "acme/infra", "GITHUB_SHA": "0" * 40,
                "GITHUB_RUN_ID": "99", "GITHUB_RUN_NUMBER": "3", "GITHUB_EVENT_NAME": event,
                "GITHUB_EVENT_PATH": str(self.event), "GITHUB_TOKEN": TOKEN, **other}

    PULL = {"number": 7, "pull_request": {"number": 7, "head": {"sha": SHA}}}

    def test_github_pull_requests(self):
        for event in ("pull_request", "pull_request_target"):
            host = Host("github", job=True)
            lines = self.run_in(host, **self.actions(event, self.PULL))
            self.assertEqual(lines, [{"ok": True}] * 2)
            self.assertEqual(host.statuses[0]["sha"], SHA)  # and not the merge that CI made
            self.assertEqual(host.statuses[0]["target_url"],
                             host.url + "/acme/infra/actions/runs/99")
            self.assertIn("/issues/7/comments", host.requests[2].target)

    def test_github_push(self):
        host = Host("github", job=True)
        lines = self.run_in(host, **self.actions("push", {}))
        self.assertEqual(lines[0], {"ok": True})
        self.assertIn("about no pull request", lines[1]["error"])
        self.assertEqual(host.statuses[0]["sha"], "0" * 40)

    def test_github_comment_on_a_pull_request(self):
        host = Host("github", job=True)
        lines = self.run_in(host, do=[{"comment": "x"}], **self.actions(
            "issue_comment", {"issue": {"number": 8, "pull_request": {"url": "x"}}}))
        self.assertEqual(lines, [{"ok": True}])
        self.assertIn("/issues/8/comments", host.requests[1].target)

    def test_github_event_that_cannot_be_read(self):
        env = self.actions("pull_request", {})
        self.event.write_text("{")
        (line,) = self.run_in(Host("github"), **env)
        self.assertIn("cannot read the event", line["error"])

    def test_gitea_and_forgejo(self):
        for kind, marks in (("Gitea", {"GITEA_ACTIONS": "true"}),
                            ("Forgejo", {"GITEA_ACTIONS": "true", "FORGEJO_ACTIONS": "true"})):
            host = Host("gitea")
            lines = self.run_in(host, **self.actions("pull_request", self.PULL, **marks))
            self.assertEqual(lines, [{"ok": True}] * 2)
            self.assertEqual(host.statuses[0]["target_url"],
                             host.url + "/acme/infra/actions/runs/3")
            host = Host("gitea", token="another")
            lines = self.run_in(host, **self.actions("pull_request", self.PULL, **marks))
            self.assertIn(kind, lines[0]["error"])

    def test_gitlab_merge_request_of_a_fork(self):
        host = Host("gitlab")
        lines = self.run_in(host, GITLAB_CI="true", CI_API_V4_URL="API", CI_PROJECT_ID="41",
                            CI_MERGE_REQUEST_IID="7", CI_MERGE_REQUEST_PROJECT_ID="40",
                            CI_COMMIT_SHA=SHA, CI_PIPELINE_ID="1234",
                            CI_JOB_URL="SITE/-/jobs/5", GITLAB_TOKEN=TOKEN)
        self.assertEqual(lines, [{"ok": True}] * 2)
        self.assertEqual(host.statuses[0]["pipeline_id"], 1234)
        self.assertEqual(host.statuses[0]["target_url"], host.url + "/-/jobs/5")
        self.assertIn("/projects/41/statuses/", host.requests[0].target)
        self.assertIn("/projects/40/merge_requests/7/notes", host.requests[2].target)

    def test_flags_win(self):
        host = Host("github")
        self.run_in(host, {"repo": "other/repo", "change": "9", "commit": SHA[::-1]},
                    **self.actions("pull_request", self.PULL))
        self.assertEqual(host.statuses[0]["sha"], SHA[::-1])
        self.assertIn("/repos/other/repo/issues/9/comments", host.requests[2].target)

    def test_commit_that_was_looked_at_by_name(self):
        """CI's event may be about an older one; a flag has the last word."""
        do = [{"status": "x", "state": "success", "commit": "a" * 40, "sure": True}]
        for asked, sha in (({}, "a" * 40), ({"commit": "b" * 40}, "b" * 40)):
            host = Host("github", job=True)
            self.run_in(host, asked, do, **self.actions("pull_request", self.PULL))
            self.assertEqual(host.statuses[0]["sha"], sha)

    def test_nowhere(self):
        (line,) = post({}, [{"comment": "x"}], clean(GITHUB_TOKEN=TOKEN))
        self.assertIn("--post-to", line["error"])

    def test_a_token_of_one_host_is_not_given_to_another(self):
        """GitHub's CI posts to a Gitea: GITHUB_TOKEN is GitHub's."""
        host = Host("gitea")
        lines = self.run_in(host, {"host": "gitea", "api": host.api, "repo": "a/b", "change": "1",
                                   "commit": SHA}, **self.actions("push", {}))
        self.assertIn("set 'GITEA_TOKEN' to", lines[0]["error"])
        self.assertEqual(host.requests, [])

    def test_page_that_is_no_link_is_left_out(self):
        host = Host("github", job=True)
        self.run_in(host, **self.actions("pull_request", self.PULL,
                                         GITHUB_RUN_ID="1) [x](javascript:"))
        self.assertNotIn("target_url", host.statuses[0])


if __name__ == "__main__":
    unittest.main()
