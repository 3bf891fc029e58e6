"""Drivers meet the models of their devices in QEMU: four CPUs, affinity, and interrupt remapping.

Each device is on the bare vector domain and below Intel's remapping, with the driver that `imsgen
skeleton` makes. What arrived goes beside the counts of `e2e`, as rows with a `device`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from imsgen.generator.model.machine import PARENTS

from . import e2e, fetch, host, models, qemu, stages, trees
from .report import Report
from .stages import Place

DEVICES = ("crypto2", "idxd", "mlx5", "timer")


def rows(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Counts by stores, as `e2e` has them."""
    out = []
    for row in models.rows(found):
        mine = [m for m in found["messages"] if m["store"] == row["store"]]
        wrong = sum(message["wrong_cpu"] for message in mine)
        out.append(row | {"parent": found["parent"], "cpus": found["cpus"], "wrong_cpu": wrong})
    return out


def faults(counts: Sequence[dict[str, Any]]) -> list[str]:
    """What must not be in counts."""
    out = [] if any(row["arrived"] for row in counts) else ["nothing arrived"]
    for row in counts:
        bad = [name for name in ("lost", "duplicated", "wrong_cpu") if row[name]]
        out += [f"{row['store']}: {row[name]} {name}" for name in bad]
    return out


def devices(
    place: Place, tree: Path, program: str, names: Sequence[str], report: Report
) -> list[dict[str, Any]]:
    """Each device below each parent, with a QEMU; gives the counts."""
    counts: list[dict[str, Any]] = []
    for name in names:
        # The kernel is the same for all parents.
        for parent in PARENTS:
            label = f"model of {name} on {parent}"
            try:
                found = models.imsgen_run(place, tree, name, "--on", parent, "--qemu", program)
            except host.StageError as error:
                report.check(label, str(error).splitlines())
                continue
            for check in found["checks"]:
                report.check(f"{label}: {check['name']}", [] if check["good"] else [check["text"]])
            report.check(f"{label}: counts", faults(rows(found)))
            counts += rows(found)
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
    """All of it; ONLY is a regular expression that picks devices by name."""
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
