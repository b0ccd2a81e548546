"""Renders Markdown as GitHub does (cmark-gfm) and tells what a host could take for more than text.

    python3 markdown_safe.py FILE [TEXT...]

What GitHub, GitLab and Gitea do after rendering happens in text outside of <code> and <pre>:
mentions, references, commits, links. There must be none there, and no link, image or element that
plumb does not write itself. Each TEXT has to be there as text. Exits 1 and says what is wrong.
"""

import html.parser
import re
import subprocess
import sys

ALLOWED = {"h3", "p", "code", "pre", "table", "thead", "tbody", "tr", "th", "td", "details",
           "summary", "b", "br", "sub", "ul", "li"}
VOID = {"br"}
TRIGGERS = [
    ("a mention", r"(?<![\w])@\w"),
    ("a reference", r"(?<![\w&])[#!~%$&^][\w\"]"),
    ("a reference", r"\b[A-Z]+-\d+\b"),
    ("a commit", r"\b(?=[0-9a-f]*\d)[0-9a-f]{7,}\b"),
    ("a link", r"(?i)\bhttps?:|\bwww\.|javascript:"),
    ("an address", r"\w@\w"),
    ("an emoji", r":\w+:"),
    ("markup", r"[`*_\[\]<>|]"),
]


class Reader(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.stack, self.errors, self.plain, self.text = [], [], [], []

    def handle_starttag(self, tag, attrs):
        if tag not in ALLOWED:
            self.errors.append(f"<{tag}> is nothing that plumb writes")
        for name, _ in attrs:
            if (tag, name) not in {("td", "colspan"), ("details", "open"), ("pre", "lang"),
                                   ("code", "class")}:
                self.errors.append(f"<{tag} {name}> is nothing that plumb writes")
        if tag not in VOID:
            self.stack.append(tag)
        self.plain.append("\n")

    def handle_endtag(self, tag):
        if not self.stack or self.stack.pop() != tag:
            self.errors.append(f"</{tag}> closes something else")
        self.plain.append("\n")

    def handle_comment(self, data):
        if not re.fullmatch(r" plumb:\w+:[\w,./%-]+ ", data) or self.getpos() != (1, 0):
            self.errors.append(f"a comment: {data!r}")

    def handle_data(self, data):
        self.text.append(data)
        self.plain.append("" if {"code", "pre"} & set(self.stack) else data)


def faults(source, wanted=()):
    """What is wrong with it, a line each."""
    page = subprocess.run(["cmark-gfm", "--unsafe", "--extension", "table", "--extension",
                           "autolink", "--extension", "strikethrough", "--extension", "tasklist"],
                          input=source, check=True, stdout=subprocess.PIPE).stdout.decode()
    reader = Reader()
    reader.feed(page)
    reader.close()
    errors = reader.errors
    if reader.stack:
        errors.append(f"<{reader.stack[-1]}> is not closed")
    for what, pattern in TRIGGERS:
        for found in re.finditer(pattern, "".join(reader.plain)):
            errors.append(f"{what} outside of code: {found.group(0)!r}")
    if len(source) >= 65536:
        errors.append(f"{len(source)} bytes")
    text = "".join(reader.text)
    return errors + [f"not shown: {want!r}" for want in wanted if want not in text]


def main():
    errors = faults(open(sys.argv[1], "rb").read(), sys.argv[2:])
    for error in errors[:20]:
        print(error)
    sys.exit(bool(errors))


if __name__ == "__main__":
    main()
