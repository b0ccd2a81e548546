"""A host of code on loopback: GitHub's, GitLab's or Gitea's API, as far as plumb asks for it.

    with Host("github") as host:
        host.fail("POST", "/comments", 502)     # the next such request
        ...
        host.check()                            # everything asked was as the API is described

Each request is held against fixtures/hosts: path, method, parameters, headers, and the JSON Schema
of the body; so is each reply, so that nothing is answered that the host would not answer. What is
wrong is refused and remembered. Comments, issues, labels and statuses are kept, in pages."""

import json
import re
import threading
import time
import urllib.parse

import jsonschema

from servers import ROOT, Server, reply

TOKEN = "token-that-nobody-may-see-1234567890"
SHA = "5f2b1c3d4e5f60718293a4b5c6d7e8f901234567"
BOT = "github-actions[bot]"


def expand(node, schemas):
    if isinstance(node, dict):
        if "$ref" in node:
            return expand(schemas[node["$ref"]], schemas)
        return {k: expand(v, schemas) for k, v in node.items()}
    return [expand(v, schemas) for v in node] if isinstance(node, list) else node


def sample(schema):
    """The least that the schema lets pass."""
    for key in ("anyOf", "oneOf"):
        if key in schema:
            null = {"type": "null"}
            return None if null in schema[key] else sample(schema[key][0])
    if "allOf" in schema:
        return {k: v for part in schema["allOf"] for k, v in sample(part).items()}
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "string")
    kind = kind[-1] if isinstance(kind, list) else kind
    if kind == "object":
        return {k: sample(schema["properties"][k]) for k in schema.get("required", [])}
    return {"string": "", "integer": 1, "number": 1, "boolean": False, "array": [],
            "null": None}[kind]


class Host(Server):
    """`me`: whose the token is; `job`: it is a job's, which may not ask that."""

    def __init__(self, kind="github", me="plumb-bot", job=False, token=TOKEN):
        self.kind, self.token, self.job = kind, token, job
        self.me = BOT if job and kind == "github" else me
        document = json.loads((ROOT / f"fixtures/hosts/{kind}.json").read_text())
        self.paths = expand(document["paths"], document.get("schemas", {}))
        self.base = {"github": "", "gitlab": "/api/v4", "gitea": "/api/v1"}[kind]
        self.cap = 50 if kind == "gitea" else 100
        self.comments, self.issues, self.statuses = [], [], []
        self.labels = []
        self.wrong, self.faults, self.drop_labels = [], [], False
        self.hooks = []  # called with (method, template) before a request is carried out
        self.last_id = 100
        self.world = threading.RLock()
        super().__init__(self.answer)

    @property
    def api(self):
        return self.url + self.base

    def check(self):
        if self.wrong or self.failures:
            raise AssertionError("\n".join(self.wrong + self.failures))

    # ---- what goes wrong ------------------------------------------------------------

    def fail(self, method, part, *answers):
        """The next requests of that method with `part` in the path get these instead: a status, a
        whole reply, or "hang", "drop", "cut"; with "lost " before it the request is carried out
        all the same."""
        self.faults += [(method, part, a) for a in answers]

    def fault(self, request):
        for i, (method, part, answer) in enumerate(self.faults):
            if method == request.method and part in request.target:
                del self.faults[i]
                return answer
        return None

    def spoil(self, request, answer, good):
        if isinstance(answer, bytes):
            return answer
        if isinstance(answer, int):
            return reply(answer, {"message": f"made up {answer}"})
        if answer == "hang":
            time.sleep(3)
            return False
        if answer == "cut":
            request.connection.sendall(good[:-5])
        return False

    # ---- requests -------------------------------------------------------------------

    def answer(self, request):
        fault = self.fault(request)
        if fault is not None and not str(fault).startswith("lost "):
            return self.spoil(request, fault, reply(200, {"message": "whole"}))
        template, names, operation = self.find(request)
        problem = self.problem(request, operation)
        if problem:
            self.wrong.append(f"{request.method} {request.target}: {problem}")
            return reply(400, {"message": problem})
        refused = self.refused(request)
        if refused:
            return refused
        for hook in self.hooks:
            hook(request.method, template)
        with self.world:
            good = self.carry_out(request, template, names, operation)
        if fault is not None:
            fault = fault[5:]
            return self.spoil(request, int(fault) if fault.isdigit() else fault, good)
        return good

    def find(self, request):
        if request.path.startswith(self.base):
            path = request.path[len(self.base):]
            for template, methods in self.paths.items():
                found = re.fullmatch(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)",
                                            re.escape(template)), path)
                if found and request.method.lower() in methods:
                    return template, found.groupdict(), methods[request.method.lower()]
        return None, {}, None

    def problem(self, request, operation):
        if operation is None:
            return "there is no such operation"
        given = urllib.parse.parse_qsl(request.query, keep_blank_values=True)
        known = {p["name"]: p["schema"] for p in operation["parameters"] if p["in"] == "query"}
        for name, value in given:
            if name not in known:
                return f"there is no parameter '{name}'"
            if known[name].get("type") == "integer":
                value = int(value) if value.isdigit() else value
            try:
                jsonschema.validate(value, known[name])
            except jsonschema.ValidationError as error:
                return f"parameter '{name}': {error.message}"
        return self.wrong_headers(request) or self.wrong_body(request, operation)

    def wrong_headers(self, request):
        headers = request.headers
        if not headers.get("user-agent"):
            return "there is no User-Agent"
        if headers.get("accept") not in ("application/json", "application/vnd.github+json"):
            return f"Accept: {headers.get('accept')}"
        if self.kind == "github" and headers.get("x-github-api-version") != "2022-11-28":
            return "there is no X-GitHub-Api-Version"
        if "expect" in headers or "cookie" in headers or "referer" in headers:
            return "a header that has no business here"
        if self.token in request.target:
            return "the token is in the path"
        return None

    def wrong_body(self, request, operation):
        if operation["body"] is None:
            return "there is a body" if request.body else None
        if request.headers.get("content-type") != "application/json":
            return f"Content-Type: {request.headers.get('content-type')}"
        try:
            jsonschema.validate(json.loads(request.body), operation["body"])
        except (ValueError, jsonschema.ValidationError) as error:
            return f"the body is wrong: {getattr(error, 'message', error)}"
        return None

    def refused(self, request):
        scheme = "token" if self.kind == "gitea" else "Bearer"
        if request.headers.get("authorization") != f"{scheme} {self.token}":
            return reply(401, {"message": "Bad credentials"})
        return None

    def send(self, operation, status, body=None, headers=None):
        if str(status) not in operation["responses"]:
            self.wrong.append(f"the test's own reply: {status} is not described")
        schema = operation["responses"].get(str(status))
        if schema is not None:
            try:
                jsonschema.validate(body, schema)
            except jsonschema.ValidationError as error:
                self.wrong.append(f"the test's own reply: {error.message} at {list(error.path)}")
        return reply(status, b"" if body is None else body, headers)

    def page(self, request, operation, items):
        query = dict(urllib.parse.parse_qsl(request.query))
        size = int(query.get("per_page", query.get("limit", 30)))
        size, page = min(size, self.cap), int(query.get("page", 1))
        more = page * size < len(items)
        if self.kind == "gitlab":
            headers = {"X-Next-Page": str(page + 1) if more else "", "X-Total": str(len(items))}
        else:
            rel = [f'<{self.url}/elsewhere?page={page + 1}>; rel="next"'] if more else []
            rel += [f'<{self.url}/elsewhere?page=1>; rel="first"'] if page > 1 else []
            headers = {"Link": ", ".join(rel)} if rel else {}
        if request.path.endswith("/comments") and self.kind == "gitea":
            return self.send(operation, 200, items)
        return self.send(operation, 200, items[(page - 1) * size:page * size], headers)

    # ---- what there is --------------------------------------------------------------

    def number(self):
        self.last_id += 1
        return self.last_id

    def add_comment(self, body, author=None, bot=False):
        """As if somebody had written it."""
        with self.world:
            one = {"id": self.number(), "body": body, "author": author or self.me,
                   "bot": bot or (author or self.me).endswith("[bot]")}
            self.comments.append(one)
            return one

    def add_issue(self, title, body, labels=("plumb",), author=None, state="open", pull=False):
        with self.world:
            one = {"number": len(self.issues) + 1, "title": title, "body": body, "state": state,
                   "labels": list(labels), "author": author or self.me, "pull": pull,
                   "bot": (author or self.me).endswith("[bot]"), "edits": 0}
            self.issues.append(one)
            return one

    def person(self, schema, login, bot):
        if self.kind == "gitlab":
            return {"id": 7, "username": login, "name": login, "state": "active"}
        user = sample(schema) if schema else {"id": 7}
        return {**user, "login": login, **({"type": "Bot" if bot else "User"}
                                           if self.kind == "github" else {})}

    def show_comment(self, schema, one):
        if self.kind == "gitlab":
            return {"id": one["id"], "body": one["body"], "system": one.get("system", False),
                    "author": self.person(None, one["author"], False), "created_at": "",
                    "updated_at": "", "noteable_type": "MergeRequest"}
        base = sample(schema) if self.kind == "github" else {}
        return {**base, "id": one["id"], "body": one["body"],
                "user": self.person(self.user_schema(), one["author"], one["bot"])}

    def user_schema(self):
        if self.kind != "github":
            return None
        issue = self.paths["/repos/{owner}/{repo}/issues"]["post"]["responses"]["201"]
        user = issue["properties"]["user"]
        return user["anyOf"][0] if "anyOf" in user else user

    def show_issue(self, schema, one):
        author = self.person(self.user_schema(), one["author"], one["bot"])
        if self.kind == "gitlab":
            return {"id": one["number"] + 1000, "iid": one["number"], "title": one["title"],
                    "description": one["body"], "labels": one["labels"], "author": author,
                    "state": "opened" if one["state"] == "open" else "closed", "web_url": ""}
        base = sample(schema) if self.kind == "github" else {"id": 1, "pull_request": None}
        if self.kind == "github":
            base.pop("pull_request", None)
        if one["pull"]:
            base["pull_request"] = {"diff_url": "", "html_url": "", "patch_url": "", "url": ""}
        return {**base, "number": one["number"], "title": one["title"], "body": one["body"],
                "state": one["state"], "user": author,
                "labels": [{"id": 5, "name": n, "color": "b60205"} for n in one["labels"]]}

    # ---- operations -----------------------------------------------------------------

    def carry_out(self, request, template, names, operation):
        body = json.loads(request.body) if request.body else {}
        what = template.rstrip("}").rpartition("/")[2].lstrip("{")
        if template == "/user":
            return self.who(operation)
        if "/statuses/" in template:
            self.statuses.append({"sha": names["sha"], **body})
            words = {"sha": names["sha"], "status": body["state"],
                     "name": body.get("name", ""), "id": 1}
            return self.send(operation, 201, {**sample(operation["responses"]["201"]),
                                              **(words if self.kind == "gitlab" else {})})
        if what in ("comments", "notes"):
            return self.many_comments(request, operation, body)
        if what in ("comment_id", "id", "note_id"):
            return self.one_comment(request, operation, int(names[what]), body)
        if "/labels" in template:
            return self.of_labels(request, operation, names, body)
        if what == "issues":
            return self.many_issues(request, operation, body)
        return self.one_issue(operation, int(names[what]), body)

    def who(self, operation):
        if self.job:
            return self.send(operation, 403, {"message": "Resource not accessible by integration"})
        schema = operation["responses"]["200"]
        schema = (schema.get("anyOf") or schema.get("oneOf") or [schema])[0]
        user = {**sample(schema), "id": 7}
        user["username" if self.kind == "gitlab" else "login"] = self.me
        return self.send(operation, 200, user)

    def many_comments(self, request, operation, body):
        schema = operation["responses"].get("201") or operation["responses"]["200"]["items"]
        if request.method == "POST":
            return self.send(operation, 201, self.show_comment(schema,
                                                               self.add_comment(body["body"])))
        return self.page(request, operation,
                         [self.show_comment(schema, one) for one in self.comments])

    def one_comment(self, request, operation, number, body):
        found = [c for c in self.comments if c["id"] == number]
        if not found:
            return reply(404, {"message": "Not Found"})
        if request.method == "DELETE":
            self.comments.remove(found[0])
            return self.send(operation, 204)
        found[0]["body"] = body["body"]
        return self.send(operation, 200,
                         self.show_comment(operation["responses"]["200"], found[0]))

    def of_labels(self, request, operation, names, body):
        if request.method == "POST":
            self.labels.append(body["name"])
            return self.send(operation, 201, {**sample(operation["responses"]["201"]),
                                              "id": 5, "name": body["name"]})
        if "name" in names:
            if names["name"] not in self.labels:
                return reply(404, {"message": "Not Found"})
            return self.send(operation, 200, sample(operation["responses"]["200"]))
        labels = [{"id": 4, "name": "plumbing", "color": "x"}]
        labels += [{"id": 5, "name": n, "color": "x"} for n in self.labels]
        return self.page(request, operation, labels)

    def many_issues(self, request, operation, body):
        if request.method == "POST":
            labels = body.get("labels", [])
            labels = labels.split(",") if isinstance(labels, str) else \
                ["plumb" if x == 5 else x for x in labels]
            if self.drop_labels:
                labels = []
            one = self.add_issue(body["title"], body.get("body", body.get("description", "")),
                                 labels)
            return self.send(operation, 201,
                             self.show_issue(operation["responses"]["201"], one))
        query = dict(urllib.parse.parse_qsl(request.query))
        wanted = [i for i in self.issues
                  if query.get("labels") in (None, *i["labels"])
                  and (query.get("state", "all" if self.kind == "gitlab" else "open")
                       in ("all", i["state"]))]
        return self.page(request, operation, [
            self.show_issue(operation["responses"]["200"]["items"], i) for i in wanted])

    def one_issue(self, operation, number, body):
        found = [i for i in self.issues if i["number"] == number]
        if not found:
            return reply(404, {"message": "Not Found"})
        one = found[0]
        one["edits"] += 1
        one["title"] = body.get("title", one["title"])
        one["body"] = body.get("body", body.get("description", one["body"]))
        state = body.get("state", {"close": "closed", "reopen": "open"}.get(
            body.get("state_event"), one["state"]))
        one["state"] = state
        status = 201 if self.kind == "gitea" else 200
        return self.send(operation, status,
                         self.show_issue(operation["responses"][str(status)], one))
