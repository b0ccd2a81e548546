"""A headless Chromium, driven by chromedriver over its HTTP protocol, with nothing but Python.

    with Browser() as b:
        b.open(path)
        b.js("return document.title")

Programs are found on PATH, or in CHROMIUM and CHROMEDRIVER; missing() says what is not there.
"""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import urllib.request
from pathlib import Path

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--window-size=1280,900"]
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
WAIT = 240


def programs():
    driver = os.environ.get("CHROMEDRIVER") or shutil.which("chromedriver")
    return driver, os.environ.get("CHROMIUM") or shutil.which("chromium")


def missing():
    names = [name for name, path in zip(("chromedriver", "chromium"), programs()) if not path]
    return f"{' and '.join(names)} not on PATH" if names else ""


class Browser:
    def __enter__(self):
        driver, chromium = programs()
        self.profile = tempfile.mkdtemp(prefix="plumb-browser-")
        self.driver = subprocess.Popen([driver, "--port=0"], stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL, text=True)
        for line in self.driver.stdout:
            if "successfully on port" in line:
                self.base = f"http://127.0.0.1:{line.rsplit(' ', 1)[1].strip().rstrip('.')}"
                break
        options = {"binary": chromium, "args": FLAGS + [f"--user-data-dir={self.profile}"]}
        wanted = {"goog:chromeOptions": options,
                  "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
        self.session = None
        self.session = self.call("POST", "/session",
                                 {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
        return self

    def __exit__(self, *_):
        try:
            if self.session:
                self.call("DELETE", f"/session/{self.session}")
        finally:
            self.driver.terminate()
            self.driver.wait()
            self.driver.stdout.close()
            shutil.rmtree(self.profile, ignore_errors=True)

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data=data, method=method,
                                         headers={"Content-Type": "application/json"})
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=WAIT) as reply:
            return json.load(reply)["value"]

    def ask(self, method, path, body=None):
        return self.call(method, f"/session/{self.session}{path}", body)

    def cdp(self, command, **params):
        return self.ask("POST", "/goog/cdp/execute", {"cmd": command, "params": params})

    def js(self, code, *args):
        return self.ask("POST", "/execute/sync", {"script": code, "args": list(args)})

    def open(self, path):
        self.ask("POST", "/url", {"url": Path(path).resolve().as_uri()})

    def find(self, css):
        return self.ask("POST", "/element", {"using": "css selector", "value": css})[ELEMENT]

    def click(self, css):
        self.ask("POST", f"/element/{self.find(css)}/click", {})

    def type(self, css, text):
        self.ask("POST", f"/element/{self.find(css)}/value", {"text": text})

    def media(self, scheme="light", kind="screen"):
        self.cdp("Emulation.setEmulatedMedia", media=kind,
                 features=[{"name": "prefers-color-scheme", "value": scheme}])

    def size(self, width, height=900):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height,
                 deviceScaleFactor=1, mobile=False)

    def scripts(self, on):
        self.cdp("Emulation.setScriptExecutionDisabled", value=not on)

    def pdf(self):
        return base64.b64decode(self.ask("POST", "/print", {}))

    def console(self):
        """What the console got since the last time."""
        return [entry["message"] for entry in self.ask("POST", "/se/log", {"type": "browser"})]

    def requests(self):
        """What was asked for since the last time, by URL; not what the page's policy stopped."""
        sent, stopped = {}, set()
        for entry in self.ask("POST", "/se/log", {"type": "performance"}):
            message = json.loads(entry["message"])["message"]
            params = message["params"]
            if message["method"] == "Network.requestWillBeSent":
                sent[params["requestId"]] = params["request"]["url"]
            elif params.get("blockedReason") == "csp":
                stopped.add(params["requestId"])
        return [url for key, url in sent.items() if key not in stopped]
