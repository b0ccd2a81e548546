// Search, filters and the theme of the HTML report: everything is readable without it. ASCII only;
// embedded by the Makefile.
(function () {
  "use strict";
  var root = document.documentElement;
  var all = function (css, from) {
    return Array.prototype.slice.call((from || document).querySelectorAll(css));
  };
  var one = function (css) { return document.querySelector(css); };

  // ---- theme: as the system has it, until somebody chooses; kept where the browser lets us
  var themes = ["auto", "light", "dark"];
  var button = one("#theme");
  var theme = "auto";
  function remember(value) {
    try {
      if (value) localStorage.setItem("plumb-theme", value);
      return localStorage.getItem("plumb-theme");
    } catch (e) {
      return null;
    }
  }
  function wear(value) {
    theme = themes.indexOf(value) < 0 ? "auto" : value;
    if (theme === "auto") root.removeAttribute("data-theme");
    else root.setAttribute("data-theme", theme);
    button.textContent = "Theme: " + theme;
  }
  wear(remember());
  button.hidden = false;
  button.addEventListener("click", function () {
    wear(themes[(themes.indexOf(theme) + 1) % themes.length]);
    remember(theme);
  });

  // ---- what there is
  var items = all(".item").map(function (node) {
    return {
      node: node,
      group: node.getAttribute("data-g"),
      unit: node.getAttribute("data-u"),
      text: null
    };
  });
  var groups = all(".group").map(function (node) {
    return { node: node, items: all(".item", node), was: node.open };
  });
  var units = all(".unit").map(function (node) {
    return { node: node, groups: all(".group", node), id: node.getAttribute("data-u") };
  });
  var search = one("#search"), unit = one("#unit"), shown = one("#shown"), none = one("#none");
  var wanted = {}, names = {};
  units.forEach(function (u) { names[u.id] = u.node.querySelector("h2").textContent; });

  all(".count").forEach(function (li) {
    var b = document.createElement("button");
    b.type = "button";
    b.setAttribute("aria-pressed", "false");
    while (li.firstChild) b.appendChild(li.firstChild);
    li.appendChild(b);
    b.addEventListener("click", function () {
      var g = li.getAttribute("data-g");
      if (wanted[g]) delete wanted[g];
      else wanted[g] = true;
      b.setAttribute("aria-pressed", String(!!wanted[g]));
      apply();
    });
  });

  // ---- filters
  function fits(item, words, some, of) {
    if (some && !wanted[item.group]) return false;
    if (of && item.unit !== of) return false;
    if (!words.length) return true;
    if (item.text === null)
      item.text = (item.node.textContent + " " + (names[item.unit] || "")).toLowerCase();
    return words.every(function (w) { return item.text.indexOf(w) >= 0; });
  }
  function apply() {
    var words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    var some = Object.keys(wanted).length > 0, of = unit ? unit.value : "";
    var busy = some || of || words.length, n = 0;
    items.forEach(function (item) {
      var yes = fits(item, words, some, of);
      if (item.node.hidden === yes) item.node.hidden = !yes;
      n += yes;
    });
    groups.forEach(function (g) {
      var any = g.items.some(function (i) { return !i.hidden; });
      g.node.hidden = busy && !any;
      if (g.node.tagName === "DETAILS") g.node.open = busy ? any : g.was;
    });
    units.forEach(function (u) {
      u.node.hidden = busy && !u.groups.some(function (g) { return !g.hidden; });
    });
    shown.textContent = busy ? n + " of " + items.length : items.length + " in all";
    none.hidden = n > 0 || !busy;
  }
  var timer = 0;
  search.addEventListener("input", function () {
    clearTimeout(timer);
    timer = setTimeout(apply, 90);
  });
  if (unit) unit.addEventListener("change", apply);
  document.addEventListener("keydown", function (e) {
    var typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
    if (e.key === "/" && !typing && !e.ctrlKey && !e.metaKey && !e.altKey) {
      e.preventDefault();
      search.focus();
      search.select();
    } else if (e.key === "Escape" && document.activeElement === search) {
      search.value = "";
      apply();
    }
  });

  // ---- unfolding: what is shown, all of it for paper, and what a link points to
  function unfold(open) {
    items.forEach(function (i) {
      if (!i.node.hidden && i.node.tagName === "DETAILS") i.node.open = open;
    });
  }
  var fold = one("#fold");
  fold.addEventListener("click", function () {
    var open = fold.getAttribute("aria-pressed") !== "true";
    fold.setAttribute("aria-pressed", String(open));
    fold.textContent = open ? "Fold all" : "Unfold all";
    unfold(open);
  });
  var before = [];
  window.addEventListener("beforeprint", function () {
    before = all("details").filter(function (d) { return !d.open && !d.hidden; });
    before.forEach(function (d) { if (d.classList.contains("item")) d.open = true; });
  });
  window.addEventListener("afterprint", function () {
    before.forEach(function (d) { d.open = false; });
  });
  function follow() {
    var at = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (!at) return;
    for (var n = at; n; n = n.parentElement) if (n.tagName === "DETAILS") n.open = true;
    at.scrollIntoView();
  }
  window.addEventListener("hashchange", follow);
  one(".tools").hidden = false;
  apply();
  follow();
})();
