"""Layouts that no example has, all built into one UML kernel and booted at once.

They are odd ones (`tests/layouts`), real devices (`tests/devices`), each `ims` block of each
document, and random ones.  Each is renamed, so that all fit into one kernel.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from imsgen.dsl import load
from imsgen.dsl.diagnostics import render
from imsgen.dsl.kinds import KINDS
from imsgen.dsl.model import Device
from imsgen.generator.names import IRQCHIP, names_of

from . import build, checks, host, stages
from .report import Report
from .stages import Place

#: The random layouts, the same in each run.
SEEDS = range(1, 11)

#: The kinds of stores that have a random layout each; those of the PCI core vary less.
WORDS = tuple(kind.word for kind in KINDS if not kind.is_pci)

#: The suites of these layouts and no others, for the kernel's command line.
GLOB = "*_s[0-9][0-9]*_irqs"

WARNINGS = checks.Variant("W=1 C=2", ("W=1", "C=2"))


def blocks(page: str) -> list[str]:
    """The layouts that a document shows, those that are refused left out."""
    return re.findall(r"^```ims\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def random(place: Place, which: int | str) -> str:
    """The random layout of a seed, or the one for a kind of stores. Raises `StageError`."""
    command = [sys.executable, "-m", "tests.generator.random_layouts", str(which)]
    done = subprocess.run(command, cwd=place.root, capture_output=True, text=True)
    if done.returncode:
        raise host.StageError(f"no random layout {which}\n{host.tail(done.stderr)}")
    return done.stdout


def randoms(place: Place) -> Iterator[tuple[Path, str]]:
    """All random layouts, with the paths that their includes start from. Raises `StageError`."""
    for seed in SEEDS:
        yield place.root / "examples" / f"random{seed}.ims", random(place, seed)
    for word in WORDS:
        yield place.root / "examples" / f"random_{word}.ims", random(place, word)


def odd(place: Place) -> list[Path]:
    """The files of odd layouts."""
    return sorted((place.root / "tests" / "layouts").glob("*.ims"))


def texts(place: Place) -> Iterator[tuple[Path, str]]:
    """The layouts, with the paths that their includes start from."""
    real = sorted((place.root / "tests" / "devices").glob("*.ims"))
    for path in (*odd(place), *real):
        yield path, path.read_text("utf-8")
    for page in (place.root / "README.md", *sorted((place.root / "docs").glob("*.md"))):
        for text in blocks(page.read_text("utf-8")):
            yield page.with_suffix(".ims"), text
    yield from randoms(place)


def devices(place: Place) -> list[Device]:
    """The devices of all layouts, `named()`; what several places have is there once.

    Raises `StageError` when a layout is not valid.
    """
    found: list[Device] = []
    seen: set[str] = set()
    for path, text in texts(place):
        if text in seen:
            continue
        seen.add(text)
        result = load(str(path), text.encode())
        if not result.ok:
            raise host.StageError(f"{path} is not valid\n{render(result.diagnostics)}")
        found.extend(result.devices)
    return named(found)


def named(devices: Sequence[Device]) -> list[Device]:
    """The same devices under names that `GLOB` finds, those with a folder in a new one."""
    found = []
    for number, one in enumerate(devices):
        name = f"{one.name}_s{number:02}"
        folder = f"{IRQCHIP}/{name}" if one.path else None
        found.append(replace(one, name=name, path=folder))
    return found


def judge(
    place: Place,
    built: build.Build,
    files: tuple[str, ...],
    devices: Sequence[Device],
    report: Report,
) -> None:
    """The boot in which the suites of the DEVICES run, and what is said of their FILES, once."""
    suites = [names_of(one).suite for one in devices]
    own = replace(built, label=f"{built.label}-layouts")
    glob = (f"kunit.filter_glob={GLOB}",)
    machine = stages.WHERES[built.arch]
    stages.run_boot(place, own, machine, built.source, suites, report, glob)
    if built.arch == "um":
        seeds = f"the seeds {SEEDS[0]} to {SEEDS[-1]}"
        host.say(f"random layouts of {seeds} and of {len(WORDS)} kinds of stores were among them")
        faults = checks.faults_in(WARNINGS, own, files)
        report.check(f"{own.label} compile with {WARNINGS.name}", faults)
