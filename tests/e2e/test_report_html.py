"""The HTML report in a browser: searched, filtered, printed, in dark and light, without scripts,
and asking nobody for anything. The pages are those of fixtures/reports, which unit tests hold
against what plumb writes."""

import os
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import browser  # noqa: E402  # beside this file

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("PLUMB_BUILD", ROOT / "build/release"))
REPORTS = ROOT / "fixtures/reports"

SHOWN = """return Array.from(document.querySelectorAll('.item')).filter(function (i) {
    return !i.closest('[hidden]'); }).map(function (i) {
    return i.querySelector('.name').textContent; })"""

# Each text element's contrast against the first background below it, the worst ones first.
CONTRAST = """
function rgb(c) { return c.match(/[\\d.]+/g).map(Number); }
function light(c) {
  var v = c.slice(0, 3).map(function (x) {
    x /= 255; return x <= 0.03928 ? x / 12.92 : Math.pow((x + 0.055) / 1.055, 2.4); });
  return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2];
}
function below(e) {
  for (; e; e = e.parentElement) {
    var c = rgb(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0.99) return c;
  }
  return [255, 255, 255];
}
return Array.from(document.querySelectorAll('body *')).filter(function (e) {
  return e.checkVisibility() && !e.closest('script,style,.skip,select') &&
    Array.from(e.childNodes).some(function (n) { return n.nodeType === 3 && n.data.trim(); });
}).map(function (e) {
  var a = light(rgb(getComputedStyle(e).color)), b = light(below(e));
  return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.tagName + '.' + e.className];
}).sort(function (x, y) { return x[0] - y[0]; }).slice(0, 3)"""


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        why = browser.missing()
        if why:
            raise unittest.SkipTest(why)
        cls.b = browser.Browser().__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.b.__exit__()

    def setUp(self):
        self.b.scripts(True)
        self.b.media()
        self.b.size(1280)
        self.b.console()
        self.b.requests()

    def tearDown(self):
        """Nothing is said on the console, and nothing is asked for but the page."""
        self.assertEqual(self.b.console(), [])
        foreign = [u for u in self.b.requests() if not u.startswith(("file://", "data:"))]
        self.assertEqual(foreign, [])

    def open(self, name="report"):
        self.b.open(REPORTS / f"{name}.html")

    def shown(self):
        return self.b.js(SHOWN)

    def count(self, css):
        return self.b.js("return document.querySelectorAll(arguments[0]).length", css)

    def settle(self, code):
        """Waits until an expression is true; input is answered a moment later."""
        end = time.monotonic() + 30
        while not self.b.js(f"return {code}"):
            self.assertLess(time.monotonic(), end, code)
            time.sleep(0.05)

    def test_search(self):
        self.open()
        self.assertEqual(len(self.shown()), 12)
        self.b.type("#search", "TAGS.TEAM ops")
        self.settle("document.getElementById('shown').textContent === '2 of 12'")
        self.assertEqual(self.shown(), ["example_a.drifted", "example_j.hidden"])
        self.b.type("#search", " nowhere")
        self.settle("!document.getElementById('none').hidden")
        self.assertEqual(self.shown(), [])
        self.b.type("#search", "\ue00c")  # escape
        self.settle("document.getElementById('none').hidden")
        self.assertEqual(len(self.shown()), 12)
        self.b.type("body", "/")
        self.assertEqual(self.b.js("return document.activeElement.id"), "search")

    def test_filters(self):
        self.open()
        self.b.click(".count[data-g=missing] button")
        self.assertEqual(self.shown(), ["example_e.gone"])
        self.b.click(".count[data-g=in_sync] button")
        self.assertEqual(self.shown(), ["example_e.gone", "example_i.fine"])
        self.assertTrue(self.b.js("return document.querySelector('details.group').open"))
        self.b.click(".count[data-g=missing] button")
        self.b.click(".count[data-g=in_sync] button")
        self.assertEqual(len(self.shown()), 12)
        self.b.js("var u = document.getElementById('unit'); u.value = 'u1';"
                  "u.dispatchEvent(new Event('change'))")
        self.assertEqual(self.shown(), ["stage"])

    def test_fold_and_link(self):
        self.open()
        self.b.js("document.querySelectorAll('.item').forEach(function (i) { i.open = false; })")
        self.b.click("#fold")
        self.assertEqual(self.count("details.item:not([open])"), 0)
        self.b.click("#fold")
        self.assertEqual(self.count("details.item[open]"), 0)
        self.b.js("location.hash = document.querySelector('.item').id")
        self.settle("document.querySelector('.item').open")

    def test_themes(self):
        paper = "return getComputedStyle(document.body).backgroundColor"
        self.open()
        self.assertEqual(self.b.js(paper), "rgb(255, 255, 255)")
        self.b.media("dark")
        dark = self.b.js(paper)
        self.assertNotEqual(dark, "rgb(255, 255, 255)")
        self.b.click("#theme")
        self.assertEqual(self.b.js(paper), "rgb(255, 255, 255)")
        self.open()  # it is remembered
        self.assertEqual(self.b.js(paper), "rgb(255, 255, 255)")
        self.b.click("#theme")
        self.b.media("light")
        self.assertEqual(self.b.js(paper), dark)
        self.b.click("#theme")
        self.assertEqual(self.b.js(paper), "rgb(255, 255, 255)")

    def test_contrast(self):
        for scheme in ("light", "dark"):
            for name in ("report", "hostile", "check"):
                self.b.media(scheme)
                self.open(name)
                worst = self.b.js(CONTRAST)
                self.assertGreaterEqual(worst[0][0], 4.5, f"{scheme}: {worst}")

    def test_without_scripts(self):
        self.b.scripts(False)
        self.open()
        self.assertEqual(self.b.js("return Array.from(document.querySelectorAll("
                                   "'button, input, select')).filter(function (e) {"
                                   "return e.checkVisibility(); }).length"), 0)
        self.assertEqual(len(self.shown()), 12)
        text = self.b.js("return document.querySelector('main').textContent")
        for part in ("example_e.gone", "404 NotFound", '"ops"', "(sensitive, changed)",
                     "state 'x' is empty", "answers slowly"):
            self.assertIn(part, text)
        opened = "return document.querySelector('details.group').open"
        self.assertFalse(self.b.js(opened))
        self.b.click("details.group > summary")
        self.assertTrue(self.b.js(opened))

    def test_print(self):
        self.open()
        self.b.js("document.querySelectorAll('.item').forEach(function (i) { i.open = false; });"
                  "addEventListener('beforeprint', function () { window.opened = "
                  "document.querySelectorAll('details.item:not([open])').length; })")
        pdf = self.b.pdf()
        self.assertTrue(pdf.startswith(b"%PDF"))
        self.assertGreater(len(pdf), 10000)
        self.assertEqual(self.b.js("return window.opened"), 0)
        self.assertEqual(self.count(".item[open]"), 0)
        self.b.media("dark", "print")
        self.assertEqual(self.b.js("return getComputedStyle(document.body).backgroundColor"),
                         "rgb(255, 255, 255)")
        self.assertFalse(self.b.js("return document.querySelector('.tools').checkVisibility()"))

    def test_narrow(self):
        self.b.size(400)
        for name in ("report", "hostile", "check"):
            self.open(name)
            self.assertLessEqual(self.b.js("return document.documentElement.scrollWidth"), 400)

    def test_names_for_those_who_listen(self):
        self.open()
        for landmark in ("header", "nav", "main", "footer", "h1"):
            self.assertEqual(self.count(landmark), 1, landmark)
        self.assertEqual(self.b.js("return document.documentElement.lang"), "en")
        nodes = self.b.cdp("Accessibility.getFullAXTree")["nodes"]
        roles = {"button", "searchbox", "combobox", "link", "DisclosureTriangle", "heading"}
        nameless = [n["role"]["value"] for n in nodes if not n.get("ignored")
                    and n["role"]["value"] in roles and not n.get("name", {}).get("value")]
        self.assertEqual(nameless, [])
        self.assertGreater(sum(n["role"]["value"] in roles for n in nodes), 20)

    def test_hostile_values_are_text(self):
        self.open("hostile")
        # Its own are the script, the style and the link to the findings.
        for element, own in {"script": 1, "style": 1, "a": 1, "img": 0, "iframe": 0,
                             "h1": 1, "b b": 0}.items():
            self.assertEqual(self.count(element), own, element)
        text = self.b.js("return document.body.textContent")
        for part in ("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\\u202eevil",
                     "]]>", "&lt;b&gt;", '"><b>attr', "</code></td></table></details><h1>out</h1>"):
            self.assertIn(part, text)

    def test_the_policy_lets_nothing_in(self):
        self.open()
        self.b.js("var s = document.createElement('script'); s.textContent = 'window.ran = 1';"
                  "document.body.appendChild(s); document.body.setAttribute('onclick',"
                  "'window.ran = 1'); document.body.click();"
                  "var i = new Image(); i.src = 'http://127.0.0.1:9/x.png'")
        self.settle("true")
        self.assertIsNone(self.b.js("return window.ran || null"))
        refused = " ".join(self.b.console())
        self.assertIn("Content Security Policy", refused)
        self.assertIn("http://127.0.0.1:9/x.png", refused)

    def test_ten_thousand_resources(self):
        with tempfile.NamedTemporaryFile(suffix=".html") as page:
            subprocess.run([BUILD / "tests/tools/bigreport", "10000", "html"], check=True,
                           stdout=page)
            started = time.monotonic()
            self.b.open(page.name)
            self.assertEqual(self.count(".item"), 10000)
            loaded = time.monotonic() - started
            self.assertEqual(self.b.js("return document.getElementById('shown').textContent"),
                             "10000 in all")
            took = self.b.js(
                "var s = document.getElementById('search'), t = performance.now();"
                "s.value = 'i-00000009';"
                "document.querySelector('.count[data-g=drifted] button').click();"
                "document.body.offsetHeight; return performance.now() - t")
            self.assertEqual(self.shown(), ["module.net.example_server.web[9]"])
            size = Path(page.name).stat().st_size
            print(f"# 10,000 resources: {size / 1e6:.1f} MB, loaded in {loaded:.1f} s, searched "
                  f"and filtered in {took:.0f} ms")
            self.assertLess(took, 3000)


if __name__ == "__main__":
    unittest.main()
