"""One case each of what a run reads: descriptions, texts, trees, output folders, idents."""

from __future__ import annotations

import os
import random
import subprocess
from functools import cache
from pathlib import Path

from imsgen.dsl import load
from imsgen.dsl.diagnostics import render
from imsgen.dsl.model import to_json
from imsgen.dsl.tokens import keywords, signs
from imsgen.generator import emit, patches
from imsgen.generator.kernel.edits import EditError, FileDiff
from imsgen.generator.kernel.target import DEFAULT, Target, TargetError, embedded, probe
from imsgen.generator.names import NameClash, check_distinct
from imsgen.generator.series import Planner, SeriesError, series_files, source_files

TESTS = Path(__file__).resolve().parents[1]
EXAMPLES = TESTS.parent / "examples"
CORPUS = TESTS / "fuzz" / "corpus"

ODD = (
    "\0", "\x1b", "\u202e", "\ufeff", "\r", "\u4e2d", "/*", "*/", "#", '"', "{", "}", "{}", ";",
    "[", "]", "..", "+", "@", ":", "=", "0x", "99999999999", "-", "a" * 30, "include", "[0..]",
    '"- x"', "\n\n---\n", "diff --git a b", "65535", "65536", "0", "1", "31:0", "0:31", "\t",
)  # fmt: skip


@cache
def seeds() -> tuple[str, ...]:
    """Descriptions that are changed: the examples, the corpus, and what is refused."""
    paths = [*EXAMPLES.glob("*.ims"), *CORPUS.glob("*.ims"), *(TESTS / "layouts").glob("*.ims")]
    paths += list((TESTS / "bad").glob("*.ims"))
    return tuple(p.read_bytes().decode("utf-8", "replace") for p in sorted(paths))


@cache
def good() -> tuple[str, ...]:
    """Those that are taken."""
    return tuple(text for text in seeds() if load("x.ims", text.encode()).ok)


@cache
def words() -> tuple[str, ...]:
    return (*sorted({*keywords(), *signs()}), *ODD)


@cache
def profile() -> Target:
    return embedded(DEFAULT)


def changed(rng: random.Random, text: str) -> str:
    """A text with some of it removed, doubled, moved, or made of other words."""
    for _ in range(rng.choice((1, 1, 2, 3, 8, 40))):
        at, end = sorted(rng.randrange(len(text) + 1) for _ in range(2))
        end = min(end, at + rng.choice((1, 8, 200, 100_000)))
        part = text[at:end]
        kind = rng.randrange(7)
        if kind == 0:
            text = text[:at] + text[end:]
        elif kind == 1:
            text = text[:end] + part * rng.choice((1, 1, 2, 50)) + text[end:]
        elif kind == 2:
            text = text[:at] + rng.choice(words()) + text[end:]
        elif kind == 3:
            text = text[:at] + f" {rng.choice(words())} " + text[at:]
        elif kind == 4:
            text = text[:at] + rng.choice(words()) * rng.choice((2, 100, 5000)) + text[at:]
        elif kind == 5:
            other = rng.choice(seeds())
            start = rng.randrange(len(other) + 1)
            text = text[:at] + other[start : start + rng.choice((20, 400))] + text[at:]
        else:
            text = text[:at] + "".join(chr(rng.randrange(0x180)) for _ in range(9)) + text[at:]
        text = text[: 1 << 20]
    return text


def _checked(text: bytes) -> tuple[str, tuple[object, ...]]:
    result = load("fuzz.ims", text)
    errors = [found for found in result.diagnostics if found.is_error]
    assert bool(result.devices) is not bool(errors)
    shown = render(result.diagnostics)
    assert all(line.isprintable() for line in shown.split("\n"))
    for found in result.diagnostics:
        found.to_dict()
    to_json(result.devices)
    return ("taken" if result.ok else "refused"), result.devices


def inputs(rng: random.Random, folder: Path) -> str:
    """A description that is hardly one."""
    text = changed(rng, rng.choice(seeds())).encode("utf-8", "surrogatepass")
    if rng.random() < 0.1:
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.randbytes(rng.choice((1, 4, 100))) + text[at:]
    return _checked(text)[0]


def generator(rng: random.Random, folder: Path) -> str:
    """What is made of a description that is taken: numbers changed, statements left out."""
    lines = rng.choice(good()).split("\n")
    for _ in range(rng.randrange(4)):
        at = rng.randrange(len(lines))
        if rng.random() < 0.5:
            del lines[at : at + 1]
            lines = lines or [""]
        else:
            found = [word for word in lines[at].split() if any(c.isdigit() for c in word)]
            if found:
                number = rng.choice(("0", "1", "2", "4", "8", "16", "31", "64", "1024", "0x100"))
                lines[at] = lines[at].replace(rng.choice(found), f"{number};", 1)
    result = load("fuzz.ims", "\n".join(lines).encode())
    if not result.ok:
        return "refused"
    try:
        check_distinct(result.devices)
        planner = Planner(profile())
        for device in result.devices[:3]:
            series = planner.series([device])
            source_files(series, device, profile(), "0" * 64)
    except (NameClash, SeriesError):
        return "refused by the generator"
    return "made"


def texts(rng: random.Random, folder: Path) -> str:
    """Texts of what reStructuredText, C and mail know."""
    pieces = (
        "a b - + * 1. .. :: :x: >>> From Date: */ /* \\n %s && || ; #if ' ~ = . , @a &b".split()
    )

    def one() -> str:
        odd = (rng.choice(pieces) if rng.random() < 0.3 else "word" for _ in range(6))
        return " ".join(odd)

    text = f'device d "{one()}" {{ pci 1af4:1234; store t: msix; vector v = t[0] "{one()}"; }}'
    state, devices = _checked(text.encode())
    if devices:
        series_files(Planner(profile()).series(list(devices)))  # type: ignore[arg-type]
    return state


def _spoil(rng: random.Random, path: Path, outside: Path) -> None:
    """Have something else in the place of a file."""
    data = path.read_bytes() if path.is_file() else b""
    if path.is_dir():
        return
    path.unlink(missing_ok=True)
    kind = rng.randrange(9)
    if kind == 0:
        return
    if kind == 1:
        path.symlink_to(rng.choice((outside, "/dev/zero", "/proc/self/environ", path.name, "no")))
    elif kind == 2:
        os.mkfifo(path)
    elif kind == 3:
        path.mkdir()
    elif kind == 4:
        with path.open("wb") as file:
            file.truncate(rng.choice((1, 1 << 20, 1 << 36)))
    elif kind == 5:
        path.write_bytes(data[: rng.randrange(len(data) + 1)])
    elif kind == 6:
        at = rng.randrange(len(data) + 1)
        path.write_bytes(data[:at] + rng.randbytes(20) + data[at:])
    elif kind == 7:
        path.write_bytes(data + rng.choice((b"\n" * 100_000, b"[" * 200_000, b"\t" * 100_000)))
    else:
        lines = data.split(b"\n")
        rng.shuffle(lines)
        path.write_bytes(b"\n".join(lines))


def plant(root: Path, rng: random.Random) -> list[Path]:
    """A small tree from the profile."""
    files = profile().provider
    out = []
    for path in files._files:  # type: ignore[attr-defined]
        lines = [line if line is not None else "" for line in files.lines(path) or []]
        if path == "include/linux/msi.h":
            lines[0] = "bool msi_create_device_irq_domain(struct device *dev);"
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("".join(f"{line}\n" for line in lines))
        out.append(target)
    for path, text in (
        ("Kbuild", "# Kbuild\n"),
        ("Makefile", "VERSION = 6\nPATCHLEVEL = 12\n"),
        ("include/linux/pci.h", "/* PCI */\n"),
    ):
        (root / path).write_text(text)
        out.append(root / path)
    return out


def trees(rng: random.Random, folder: Path) -> str:
    """A kernel tree with some files that are none."""
    secret = folder / "secret"
    secret.write_text("SECRET\n" * 10)
    paths = plant(folder / "linux", rng)
    for path in rng.sample(paths, rng.randint(1, 3)):
        _spoil(rng, path, secret)
    devices = load(EXAMPLES / "timer.ims").devices
    try:
        made = series_files(Planner(probe(str(folder / "linux"))).series(list(devices)))
    except (TargetError, SeriesError, EditError):
        return "refused"
    assert not any("SECRET" in text for text in made.values())
    return "made"


@cache
def wanted(sources: bool) -> dict[str, str]:
    device = load(EXAMPLES / "timer.ims").devices[0]
    series = Planner(profile()).series([device])
    return source_files(series, device, profile(), "0" * 64) if sources else series_files(series)


def folders(rng: random.Random, folder: Path) -> str:
    """An output folder with something else in it."""
    secret = folder / "secret"
    secret.write_text("SECRET\n")
    files = wanted(rng.random() < 0.5)
    out = folder / "out" / "timer"
    emit.write({str(out): files})
    paths = [path for path in sorted(out.rglob("*")) if path.is_file()]
    for path in rng.sample(paths, rng.randint(1, 3)):
        _spoil(rng, path, secret)
    try:
        shown = emit.diff(str(out), files, "out")
        assert "SECRET" not in shown
        emit.write({str(out): files})
    except emit.EmitError:
        return "refused"
    finally:
        assert secret.read_text() == "SECRET\n"
        assert not list((folder / "out").rglob(".imsgen-*"))
    assert emit.compare(str(out), files).same
    return "made right"


def idents(rng: random.Random, folder: Path) -> str:
    """A sign-off that is taken comes out of git am as it went in."""
    pieces = (
        "A b Jane Doe \u00fc \u674e . \" ' \\ , ; : ( ) [ ] @ < > = ? =?UTF-8?q?x?= x@y -".split()
    )
    name = "".join(rng.choice([*pieces, " ", " "]) for _ in range(rng.randint(1, 6)))
    mail = rng.choice(("a@b.org", "a@b", "a.b+c@d-e.f", "'a@b'", "a@b.", "a b@c", "\u00fc@b", "a"))
    try:
        ident = patches.parse_ident(f"{name} <{mail}>")
    except patches.PatchError:
        return "refused"
    diff = FileDiff("x", True, 1, 0, "@@ -0,0 +1 @@\n+x\n")
    text = patches.patch(patches.Commit("a: B", "Body.", (diff,)), 1, 1, "0.1.0", ident)
    run = subprocess.run(
        ["git", "mailinfo", "/dev/null", "/dev/null"],
        input=text.encode(),
        capture_output=True,
        cwd=folder,
        check=True,
    )
    said = dict(line.split(": ", 1) for line in run.stdout.decode().splitlines() if ": " in line)
    assert f"{said['Author']} <{said['Email']}>" == ident
    return "taken"
