"""Trees that `imsgen update` has brought up to date build.

Each of some devices has a layout at first and another one later, drawn at random from the examples
and `tests/layouts`. All of them are in one tree, so that it is compiled once. That such a tree is
the one which the new series would give is in `tests/generator/test_update.py`.
"""

from __future__ import annotations

import random
import re
import tempfile
from pathlib import Path

from . import build, checks, fetch, host, stages, trees
from .report import Report
from .stages import Place

PAIRS = 20
"""Old and new layouts."""


def layouts(root: Path, name: str) -> list[str]:
    """All devices of examples and tests in the repository at ROOT, each called NAME."""
    out = []
    for path in sorted([*root.glob("examples/*.ims"), *root.glob("tests/layouts/*.ims")]):
        head, *blocks = re.split(r"(?m)^device ", path.read_text())
        includes = "".join(re.findall(r"(?m)^include .*\n", head))
        slots = re.findall(r"(?ms)^(slot (\w+) .*?^\}\n)", head)
        for block in blocks:
            own = "".join(text for text, word in slots if f"slot {word};" in block)
            out.append(f"{includes}{own}device {name} {block.partition(' ')[2]}")
    return out


def some(root: Path, name: str, chance: random.Random) -> str:
    """A layout, with and without what few of them have."""
    text = chance.choice(layouts(root, name))
    for word in ("Jane", "John"):
        if chance.random() < 0.4:
            text = text.replace("pci ", f'maintainer "{word} Doe <{word}@example.org>";\npci ', 1)
    if chance.random() < 0.4:
        text = re.sub(rf'^(.*device {name} ")', r"\1Other ", text, count=1, flags=re.MULTILINE)
    return text


def pair(root: Path, seed: int, name: str = "foo") -> tuple[str, str]:
    """The old and the new layout of a device."""
    chance = random.Random(seed)
    return some(root, name, chance), some(root, name, chance)


def applied(place: Place, tree: fetch.Tree, folder: Path) -> trees.Applied:
    """The first series of all devices, and the update of each behind it. Raises `StageError`."""
    base = trees.base_of(tree)
    trees.reset(tree.apply, base)
    where = ("-I", place.root / "examples", "--tree", tree.apply, "-o", "-")
    pairs = {f"foo{seed:02}": pair(place.root, seed, f"foo{seed:02}") for seed in range(PAIRS)}
    olds, news = {}, {}
    for name, (old, new) in pairs.items():
        olds[name], news[name] = folder / f"{name}-old.ims", folder / f"{name}.ims"
        olds[name].write_text(old)
        news[name].write_text(new)
    head = base
    for path in olds.values():
        host.say(f"  {tree.kernel}-updates: {path.name}")
        mbox = stages.generator(place, path, *where)
        head = trees.apply_series(tree, head, mbox, path.name).head
    for number, (name, path) in enumerate(news.items()):
        host.say(f"  {tree.kernel}-updates: update of {name}")
        known = ("--old", olds[name]) if number % 2 else ()
        if mbox := stages.generator(place, "update", path, *where, *known):
            head = trees.apply_series(tree, head, mbox, f"update of {name}").head
    return trees.Applied(base, trees.commits_between(tree, base, head), ())


def run(place: Place, report: Report, kernel: str) -> None:
    """Compile what the updates have left in KERNEL. Raises `StageError` where there is none."""
    try:
        tree = stages.for_kernel(place, kernel)
    except host.Unavailable as error:
        stages.unavailable(fetch.KERNELS[kernel], f"{kernel} updates", error, report)
        return
    with fetch.locked(tree.home), tempfile.TemporaryDirectory() as folder:
        prepared = stages.Prepared(tree, applied(place, tree, Path(folder)), {})
        trees.work_at(tree, prepared.applied.head)
        own = stages.configuration(place, prepared, "x86_64")
        files = tuple(name for name in prepared.files if "/foo" in name or "-foo" in name)
        # Some devices are for other architectures only, whose symbols can't be set.
        build.configure(own, partial=True)
        said = build.compile_targets(own, checks.objects_of(files), "updates", "W=1")
        faults = checks.warnings_about(said, files)
        report.check(f"{tree.kernel} {PAIRS} updated devices compile", faults)
