"""Holds scripts/ledger-verify and `plumb log verify` against each other.

    ledger_damage.py PLUMB SCRIPT REPO LOG TURN

Damages the ledger LOG of REPO in the ways of TURN, a function below, and lets both judge, without
and with a checkpoint of the whole. They have to agree on stands, torn or corrupt, and on the entry
and byte they name. Ends with `N damages, N stand, N torn, N corrupt`; the original is put back.
"""

import importlib.machinery
import importlib.util
import random
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

PLUMB, SCRIPT, REPO, LOG, TURN = sys.argv[1:]
LOG = Path(LOG)
HEAD = LOG.parent / "head"
HEAD_TEXT = HEAD.read_text()
PIN = LOG.parent / "pin"
PLACE = re.compile(r"entry \d+ at byte \d+")
PREV = re.compile(rb'"prev":"[0-9a-f]{64}"')


def load(path):
    sys.dont_write_bytecode = True
    loader = importlib.machinery.SourceFileLoader("ledger_verify", path)
    spec = importlib.util.spec_from_loader("ledger_verify", loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


verifier = load(SCRIPT)


def entries(log):
    """The JSON of each entry, by the lengths alone."""
    found, at = [], 0
    while at < len(log):
        size = int(log[at + 1:at + 9], 16)
        found.append(log[at + 75:at + 75 + size])
        at += 76 + size
    return found


def frame(json):
    return b"=%08x %s\n%s\n" % (len(json), verifier.leaf(json).hex().encode(), json)


def frames(some):
    return b"".join(map(frame, some))


def chained(some):
    """A forger's ledger: every hash and every link as it should be."""
    prev, log = b"0" * 64, []
    for json in some:
        json = PREV.sub(b'"prev":"%s"' % prev, json, 1)
        prev = verifier.leaf(json).hex().encode()
        log.append(json)
    return frames(log)


def by_script(log, pins):
    try:
        pins = [verifier.Pin(pin.name, pin.read_bytes()) for pin in pins]
        return ("torn" if verifier.verify(log, pins).torn else "stands"), ""
    except verifier.Altered as error:
        return "corrupt", str(error)


def by_plumb(log, pins):
    """Of the log alone, as the script: what its last writer noted beside it would tell more."""
    LOG.write_bytes(log)
    HEAD.unlink(missing_ok=True)
    argv = [PLUMB, "-C", REPO, "log", "verify"]
    for pin in pins:
        argv += ["--pin", str(pin)]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    said = done.stdout + done.stderr
    if done.returncode == 6:
        return "corrupt", said
    if done.returncode:
        return f"exit {done.returncode}", said
    return ("torn" if "\n  torn  " in said else "stands"), said


def judge(name, log, pins, want=None):
    script, plumb = by_script(log, pins), by_plumb(log, pins)
    places = [PLACE.findall(said) for said in (script[1], plumb[1])]
    if script[0] != plumb[0] or (script[0] == "corrupt" and places[0] != places[1]):
        sys.exit(f"{name}, {len(pins)} pins:\n  script: {script}\n  plumb:  {plumb}")
    if want and script[0] != want:
        sys.exit(f"{name}, {len(pins)} pins: {want} is wanted, both say {script}")
    return script[0]


# ---- turns: (name, log, what it is without a pin, what it is with one) ---------------------------


def flips(good):
    for seed in range(70):
        dice = random.Random(seed)
        at, bit = dice.randrange(len(good)), dice.randrange(8)
        log = bytearray(good)
        log[at] ^= 1 << bit
        yield f"bit {bit} of byte {at}", bytes(log), None, "corrupt"


def cuts(good):
    last = len(frames(entries(good)[:-1]))
    dice = random.Random(7)
    some = {0, 1, 2, 8, 9, 10, 11, 73, 74, 75, 76, 77, last + 1, last + 74, last + 75}
    some |= {len(good) - 2, len(good) - 1} | {dice.randrange(len(good)) for _ in range(20)}
    for at in sorted(some):
        whole = at == len(frames(entries(good)[:count_whole(good, at)]))
        yield f"cut at {at}", good[:at], "stands" if whole else "torn", "corrupt"
    for count in range(1, len(entries(good))):
        yield f"{count} entries", frames(entries(good)[:count]), "stands", "corrupt"


def count_whole(good, at):
    ends = [len(frames(entries(good)[:n + 1])) for n in range(len(entries(good)))]
    return sum(end <= at for end in ends)


def moves(good):
    some = entries(good)
    for i in range(len(some) - 1):
        yield f"{i} dropped", frames(some[:i] + some[i + 1:]), "corrupt", "corrupt"
        swapped = some[:i] + [some[i + 1], some[i]] + some[i + 2:]
        yield f"{i} swapped", frames(swapped), "corrupt", "corrupt"
        yield f"{i} doubled", frames(some[:i + 1] + some[i:]), "corrupt", "corrupt"
        yield f"{i} doubled, chained", chained(some[:i + 1] + some[i:]), "corrupt", "corrupt"


def ends(good):
    zeros = b" " + b"0" * 64 + b"\n"
    for tail in (b"=", b"=00", b"=0000000a", b"=0000000a ", b"=0000000a" + zeros[:40],
                 b"=0000000a" + zeros[:-1], b"=0000000a" + zeros, b"=0000000a" + zeros + b"{",
                 b"=0000000a" + zeros + b"\xff\xfe", b"=0000000a" + zeros + b"0123456789",
                 b"=00100000" + zeros + b"x", b"=00000000" + zeros, b"=ffffffff", b"=00100001 "):
        yield f"tail {tail}", good + tail, "torn", "torn"
    for tail in (b"x", b"\n", b"\0", b" ", b"==", b"=0000000A", b"=0000000g", b"=0000000a0",
                 b"=0000000a  ", b"=0000000a" + zeros[:-1] + b" ", b"=00100001" + zeros,
                 b"=ffffffff" + zeros + b"{}", b"=00000000" + zeros + b"\n",
                 b"=00000000" + zeros + b"x", b"=0000000a" + zeros + b"0123456789\n",
                 b"=00000001" + zeros + b"11", frame(b""),
                 frame(b"{}"), frame(b"[]"), frame(b"1"), frame(b'{"v":2}')):
        yield f"tail {tail}", good + tail, "corrupt", "corrupt"
    yield "nothing but a torn entry", good[:30], "torn", "corrupt"


def forms(good):
    """Another JSON value for a number, with hashes that fit: canonical or not."""
    fit = [b"2", b"-5", b"0", b"9" * 40, b"9223372036854775808", b"null", b"true", b"[]", b"{}",
           b"[[[]],{}]", b"[" * 510 + b"]" * 510, b'{"a":' * 510 + b"1" + b"}" * 510, b'"\\u001f"',
           b'"/"', b'"\x7f"', b'"\\b\\t\\n\\f\\r\\"\\\\"', b'{"\\"":1,"A":2}',
           b'{"":1,"[":2,"\\\\":3,"]":4}', '"\u2028\ufeff\uffff\U0010ffff"'.encode(),
           b'{"\\u0001":1,"\\t":2,"\\n":3,"\\u000b":4,"A":5}',
           '{"\uffff":1,"\U00010000":2}'.encode()]
    unfit = [b"-0", b"01", b"+1", b"1.0", b"1e0", b"--1", b"-", b"", b"[ ]", b"[1,]", b"[1", b"nul",
             b"True", b"NaN", b'{"b":1,"a":2}', b'{"a":1,"a":1}', b"{1:1}", b'{"a"}', b'{"a":1,}',
             b'{"\\t":1,"\\u0001":2}', b"[" * 511 + b"]" * 511, b"[" * 90000, b'"\\u0000"',
             b'"\\u001F"', b'"\\u000a"', b'"\\/"', b'"\\u0041"', b'"\\u00e9"', b'"\\u007f"',
             b'"\\ud83e\\udd86"', b'"\xed\xa0\x80"', b'"\xc0\x80"', b'"\xf4\x90\x80\x80"',
             b'"\xff"',
             b'"\xc3"', b'"\t"', b'"\\v"', b'"', '{"\U00010000":1,"\uffff":2}'.encode()]
    for want, values in (("stands", fit), ("corrupt", unfit)):
        for value in values:
            json = entries(good)
            json[1] = json[1].replace(b'"observed":1', b'"observed":' + value, 1)
            yield f"value {value[:40]}", chained(json), want, "corrupt"


# In entry AT, OLD becomes NEW, and all hashes and links are made to fit.
FORGED = [
    (1, b'"in_sync"', b'"drifted"', "stands"),
    (0, b'"repository":"', b'"repository":"x', "stands"),
    (2, b'"time":"2', b'"time":"3', "stands"),
    (1, b'"kind":"audit"', b'"kind":"other.kind"', "stands"),
    (1, b'"v":1', b'"v":1,"w":2', "stands"),
    (1, b'"who":{', b'"who":{"a":1,', "stands"),
    (1, b'"kind":"audit"', b'"kind":1', "corrupt"),
    (1, b'"kind":"audit",', b"", "corrupt"),
    (1, b'"v":1', b'"v":2', "corrupt"),
    (1, b'"v":1', b'"v":"1"', "corrupt"),
    (1, b'"v":1,', b"", "corrupt"),
    (2, b'"seq":2', b'"seq":3', "corrupt"),
    (2, b'"seq":2', b'"seq":"2"', "corrupt"),
    (2, b'"seq":2,', b"", "corrupt"),
    (2, b'"seq":2', b'"seq":18446744073709551618', "corrupt"),
    (1, b',"v"', b', "v"', "corrupt"),
    (1, b'"body":{', b'"body":[],"bodz":{', "corrupt"),
    (1, b'"who":{', b'"who":"x","whp":{', "corrupt"),
    (1, b'"prev"', b'"prew"', "corrupt"),
    (1, b'"time":"', b'"time":1,"timf":"', "corrupt"),
]


def forgeries(good):
    for at, old, new, want in FORGED:
        json = entries(good)
        assert old in json[at], old
        json[at] = json[at].replace(old, new, 1)
        yield f"{old} is {new}", chained(json), want, "corrupt"
    json = entries(good)
    fewer = [numbered(e, n) for n, e in enumerate(json[:1] + json[2:])]
    yield "an entry of the past left out", chained(fewer), "stands", "corrupt"
    for at in range(len(json) - 1):
        other = [e.replace(b'"host":"', b'"host":"x') if n == at else e for n, e in enumerate(json)]
        yield f"{at} is another, what follows is not linked to it", frames(other), *["corrupt"] * 2
    for at, old in enumerate(json):
        other = PREV.sub(b'"prev":"%s"' % (b"1" * 64), old, 1)
        yield f"{at} follows nothing", frames(json[:at] + [other]), *["corrupt"] * 2
    for size, want in ((0x100000, "stands"), (0x100001, "corrupt")):
        one = numbered(json[-1], len(json))
        one = one.replace(b'"unit":"', b'"unit":"' + b"x" * (size - len(one)), 1)
        assert len(one) == size
        yield f"an entry of {size} bytes", chained(json + [one]), want, want


def numbered(json, seq):
    return re.sub(rb'"seq":\d+', b'"seq":%d' % seq, json)


def grown(good, size):
    """A ledger of `size` entries, the last ones made from the last one, each with another name."""
    json = entries(good)[:size]
    for seq in range(len(json), size):
        name = "".join(map(chr, random.Random(seq).choices(ALPHABET, k=9)))
        name = "".join(WRITTEN.get(c, c) for c in name).encode()
        one = numbered(json[-1], seq)
        was = re.search(rb'"unit":"(?:[^"\\]|\\.)*"', one)[0]
        json.append(one.replace(was, b'"unit":"%s"' % name, 1))
    return chained(json)


ALPHABET = [*range(1, 128), 0xE9, 0x2028, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x1F986, 0x10FFFF]
WRITTEN = {chr(c): f"\\u{c:04x}" for c in range(1, 32)}
WRITTEN |= {"\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
WRITTEN |= {'"': '\\"', "\\": "\\\\"}


def sizes(good):
    """Both print the same checkpoint for each size of a ledger that stands."""
    for size in (*range(1, 21), 31, 32, 33, 300):
        log = grown(good, size)
        yield f"{size} entries", log, "stands", "stands" if log.startswith(good) else "corrupt"
        LOG.write_bytes(log)
        plumb = subprocess.run([PLUMB, "-C", REPO, "log", "checkpoint"], check=True,
                               capture_output=True, text=True).stdout
        script = verifier.read_log(log).checkpoint(size)
        if script != plumb:
            sys.exit(f"{size} entries:\n  script: {script}\n  plumb: {plumb}")


def pins(good):
    """Here the log is as it was; the checkpoint is another. Yields its text in place of the log."""
    log = verifier.read_log(good)
    text, size = log.checkpoint(len(log.leaves)), len(log.leaves)
    count = f"\n{size}\n"
    good_pins = [log.checkpoint(n) for n in range(size + 1)]
    good_pins += [text + "\n", text + "\n\u2014 plumb AAAA\n", text + "more\n\nsignature\n",
                  text + text, HEAD_TEXT]
    other = str.maketrans("0123456789abcdef", "123456789abcdef0")
    bad_pins = [text[:-1], "", "x\n", text.upper(), text.replace("\n", "\r\n"), text[1:],
                " " + text,
                text.replace("=\n", "\n"), text.replace(log.id, log.id[:-1]),
                text.replace(log.id, log.id.translate(other))]
    bad_pins += [text.replace(count, f"\n{n}\n") for n in
                 ("0", size - 1, size + 1, f"0{size}", "-1", "", 2**64 - 1, 2**64 + size, 10**30)]
    last = text.rindex("=")
    digit = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    place = digit.index(text[last - 1])
    bad_pins += [text[:last - 1] + digit[place ^ 1] + text[last:],
                 text[:last - 1] + digit[place ^ 4] + text[last:]]
    yield from ((text, "stands") for text in good_pins)
    yield from ((text, "corrupt") for text in bad_pins)


def many(good):
    """Samples of every kind of damage to a long ledger; all of them are in tests/unit."""
    some, dice = entries(good), random.Random(200)
    last = len(some) - 1
    for i in [0, 1, last - 1, last, *dice.sample(range(2, last - 1), 6)]:
        yield f"{i} dropped", frames(some[:i] + some[i + 1:]), \
            "stands" if i == last else "corrupt", "corrupt"
        k = (i + 1) % len(some)
        swapped = [some[k if n == i else i if n == k else n] for n in range(len(some))]
        yield f"{i} and {k} swapped", frames(swapped), "corrupt", "corrupt"
        yield f"{i} doubled", frames(some[:i + 1] + some[i:]), "corrupt", "corrupt"
        fewer = [numbered(e, n) for n, e in enumerate(some[:i] + some[i + 1:])]
        yield f"{i} left out of a new one", chained(fewer), "corrupt" if i == 0 else "stands", \
            "corrupt"
    for count in [last, *dice.sample(range(7, last), 5)]:
        yield f"rolled back to {count}", frames(some[:count]), "stands", "corrupt"
        other = [e.replace(b'"kind":"audit"', b'"kind":"other"') if n >= count else e
                 for n, e in enumerate(some)]
        yield f"another one from {count} on", chained(other), "stands", "corrupt"
    for at in dice.sample(range(len(good)), 60):
        log = bytearray(good)
        log[at] ^= 1 << dice.randrange(8)
        yield f"a bit of byte {at}", bytes(log), None, "corrupt"
        if at > len(frames(some[:7])):
            yield f"cut at {at}", good[:at], None, "corrupt"


def run(good):
    tally = Counter()
    if TURN == "many":
        good = grown(good, 200)
    if TURN == "pins":
        for text, want in pins(good):
            PIN.write_text(text, newline="")
            tally[judge(repr(text), good, [PIN], want)] += 1
        return tally
    log = verifier.read_log(good)
    PIN.write_text(log.checkpoint(len(log.leaves)))
    for name, damaged, bare, pinned in globals()[TURN](good):
        tally[judge(name, damaged, [], bare)] += 1
        judge(name, damaged, [PIN], pinned)
    return tally


def main():
    good = LOG.read_bytes()
    try:
        tally = run(good)
    finally:
        LOG.write_bytes(good)
        HEAD.write_text(HEAD_TEXT)
    print(f"{sum(tally.values())} damages, {tally['stands']} stand, {tally['torn']} torn, "
          f"{tally['corrupt']} corrupt")


main()
