"""Drivers meet the models of their devices in QEMU: four CPUs, affinity, and interrupt remapping.

Each device is on the bare vector domain and below Intel's remapping, with the driver that `imsgen
skeleton` makes. All are built into one kernel, as for User Mode Linux. What arrived goes beside the
counts of `e2e`, as rows with a `device`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from imsgen.dsl.model import CommandStore
from imsgen.generator.model import kernel
from imsgen.generator.model.machine import PARENTS

from . import e2e, fetch, host, models, qemu, stages, trees
from .models import Subject
from .report import Report
from .stages import Place

DEVICES = ("crypto1", "crypto2", "idxd", "mlx5", "timer")


def subjects(place: Place, names: Sequence[str]) -> list[tuple[str, Subject]]:
    """Parents and devices. One that requires remapping is refused without: there a variant runs.

    That has a name of its own. One whose messages only a command changes can't be without.
    """
    found = []
    for number, subject in enumerate(models.subjects(place, f"^({'|'.join(names)})$")):
        device = subject.device
        if subject.name not in names:
            continue
        found.append(("intel", subject))
        if not device.remapping:
            found.append(("bare", subject))
        elif not any(isinstance(store, CommandStore) for store in device.stores):
            variant = replace(device, remapping=False)
            name, own = f"{device.name}_bare", 0x3000 + number
            found.append(("bare", Subject(models.alone(variant, name, own))))
    return found


def faults(counts: Sequence[dict[str, Any]]) -> list[str]:
    """What must not be in counts."""
    out = [] if any(row["arrived"] for row in counts) else ["nothing arrived"]
    for row in counts:
        bad = [name for name in ("lost", "duplicated", "wrong_cpu") if row[name]]
        out += [f"{row['store']}: {row[name]} {name}" for name in bad]
    return out


def met(
    tree: Path, todo: Sequence[tuple[str, Subject]], program: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Build a kernel with the drivers of all, and boot it for each device below its parent.

    Gives what boots are called, and what comes of them. Raises `StageError`.
    """
    once = {subject.name: subject for _, subject in todo}.values()
    drivers = [models.driver(subject) for subject in once]
    work = kernel.work_of(str(tree), kernel.X86)
    try:
        with kernel.locked(work):
            image = kernel.build_all(work, drivers, [str(models.PATCH)])
            initrd = kernel.start_program(work)
            for on, subject in todo:
                found = models.meet(subject, image, initrd, on, program)
                yield f"model of {subject.name} on {on}", found
    except kernel.BuildError as error:
        raise host.StageError(str(error)) from error


def devices(
    place: Place, tree: Path, program: str, names: Sequence[str], report: Report
) -> list[dict[str, Any]]:
    """Each device below each parent, with a QEMU; gives the counts. Raises `StageError`."""
    counts: list[dict[str, Any]] = []
    for label, found in met(tree, subjects(place, names), program):
        if "error" in found:
            report.check(label, found["error"])
            continue
        for check in found["checks"]:
            report.check(f"{label}: {check['name']}", [] if check["good"] else [check["text"]])
        report.check(f"{label}: counts", faults(models.rows(found)))
        report.check(f"{label}: replayed", found["different"])
        counts += models.rows(found)
    return counts


def save(place: Place, counts: Sequence[dict[str, Any]]) -> None:
    """Put the counts in the place of those that an earlier run left."""
    kept: list[dict[str, Any]] = []
    file = place.results / "e2e.json"
    if file.exists():
        old = json.loads(file.read_text())
        kept = [row for row in old if "device" not in row or row["parent"] not in PARENTS]
    e2e.save(place, [*kept, *counts])


def run(place: Place, report: Report, only: str = "") -> None:
    """All of it; ONLY is a regular expression that picks devices by name, and leaves the rest."""
    try:
        program = qemu.program(place.logs)
    except host.Unavailable as error:
        report.skip("models in QEMU", " ".join(str(error).split()))
        return
    tree = stages.for_kernel(place, stages.REFERENCE)
    with fetch.locked(tree.home):
        trees.reset(tree.apply, trees.base_of(tree))
        names = [name for name in DEVICES if re.search(only, name)]
        save(place, devices(place, tree.apply, program, names, report))
        if not only:
            models.page(place, tree.apply, report, "qemu", [("qemu", Path(program))])
