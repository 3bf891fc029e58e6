"""Series for drivers of the kernel's own, in `examples/drivers`.

What imsgen makes of the layout there comes first, then the driver's own patches, from
`linux-VERSION` beside it.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from . import checks, fetch, git, host, stages, trees
from .report import Report
from .stages import Place

GLUE = 2
"""Patches at the end of what is generated that are about the device: glue and suite."""


@dataclass(frozen=True)
class Made:
    """The series in a tree."""

    base: str
    """The kernel without it"""
    generated: trees.Applied
    driver: trees.Applied
    tail: bytes
    """The mails of the patches about the device"""

    @property
    def last(self) -> tuple[str, ...]:
        """The commits about the device, oldest first."""
        return (*self.generated.commits[-GLUE:], *self.driver.commits)


def folder(place: Place, name: str) -> Path:
    """Where the layout NAME.ims, the driver's patches and the cover letter are."""
    return place.root / "examples" / "drivers" / name


def patches_for(where: Path, kernel: str) -> list[Path]:
    """The driver's patches in WHERE for KERNEL ("linux-source-7.3"), or for the one before it."""
    kept = sorted(where.glob("linux-*"), key=lambda path: version_of(path.name))
    fitting = [path for path in kept if version_of(path.name) <= version_of(kernel)]
    return sorted(fitting[-1].glob("*.patch")) if fitting else []


def version_of(name: str) -> tuple[int, ...]:
    """The numbers in a kernel's name."""
    return tuple(map(int, re.findall(r"\d+", name)))


def mails(mbox: bytes) -> list[bytes]:
    """The mails of a mailbox that imsgen or git has made."""
    return re.split(rb"(?m)^(?=From [0-9a-f]{40} )", mbox)[1:]


def letter(text: str, cover: str) -> str:
    """A cover letter of git with subject and TEXT: the first line is the subject."""
    subject, _, body = text.partition("\n")
    cover = cover.replace("*** SUBJECT HERE ***", subject)
    return cover.replace("*** BLURB HERE ***", body.strip("\n"))


def apply(place: Place, tree: fetch.Tree, name: str) -> Made:
    """The whole series on an untouched kernel. Raises `StageError`."""
    base = trees.base_of(tree)
    trees.reset(tree.apply, base)
    where = folder(place, name)
    mbox = stages.generator(place, where / f"{name}.ims", "--tree", tree.apply, "-o", "-")
    generated = trees.apply_series(tree, base, mbox, f"{name}.ims")
    patches = patches_for(where, tree.package)
    if not patches:
        raise host.StageError(f"no patches of the driver for {tree.package} in {where.name}")
    own = b"\n".join(path.read_bytes() for path in patches) + b"\n"
    driver = trees.apply_series(tree, generated.head, own, "the driver's patches")
    return Made(base, generated, driver, b"".join(mails(mbox)[-GLUE:]) + own)


def write(place: Place, tree: fetch.Tree, made: Made, name: str) -> Path:
    """The series as it would be sent, in build/NAME. Returns the folder."""
    out = place.root / "build" / name / tree.package.removeprefix("linux-source-")
    shutil.rmtree(out, ignore_errors=True)
    options = ("--quiet", "--zero-commit", "--no-signature", "--cover-letter", f"-o{out}")
    git.git(tree.apply, "format-patch", *options, f"{made.base}..{made.driver.head}")
    cover = out / "0000-cover-letter.patch"
    text = (folder(place, name) / "cover.txt").read_text()
    cover.write_text(letter(text, cover.read_text()))
    return out


def changed(tree: fetch.Tree, made: Made, commit: str) -> list[str]:
    """The files that the series changes up to a COMMIT of it."""
    return git.git(tree.apply, "diff", "--name-only", made.base, commit).split()


def check(place: Place, tree: fetch.Tree, made: Made, name: str, report: Report) -> None:
    """What the kernel's own scripts say of the patches about the device; the series is written."""
    tag = tree.kernel
    notes = (*made.generated.notes, *made.driver.notes)
    report.check(f"{tag} git am of the {name} series, no fuzz", notes)
    checks.checkpatch(tree, {f"{name} series": made.tail}, report, tag)
    added = trees.added_files(tree, f"{made.last[0]}^", made.driver.head)
    checks.maintained(tree, added, report, tag)
    checks.kernel_doc(tree, added, report, tag)
    host.say(f"  {tag} {name}: {write(place, tree, made, name).relative_to(place.root)}")
