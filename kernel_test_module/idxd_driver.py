"""IMS with a user: a series that gives the in-tree idxd driver interrupts from IMS.

What imsgen makes of `examples/drivers/idxd/idxd.ims` for a tree comes first, then the driver's own
patches, from `linux-VERSION` beside the layout. Only what `stages` doesn't do for the examples is
done here: the last patches are checked, and compiled one by one in the folders that they change.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from . import build, checks, fetch, git, host, kconfig, stages, trees
from .arch import ARCHS
from .report import Report
from .stages import Place

GLUE = 2
"""Patches at the end of what is generated that are about the device: glue and suite."""

TARGETS = ("drivers/dma/idxd/", "drivers/pci/msi/", "kernel/irq/")
"""What the driver's IMS is in, for make."""

OFF = (
    ("CONFIG_INTEL_IDXD_IMS", "n"),
    ("CONFIG_INTEL_IDXD_IMS_KUNIT_TEST", "n"),
    ("CONFIG_IDXD_IRQS_KUNIT_TEST", "n"),
)
MODULES = (
    ("CONFIG_INTEL_IDXD", "m"),
    ("CONFIG_INTEL_IDXD_IMS_KUNIT_TEST", "m"),
    ("CONFIG_IDXD_IRQS_KUNIT_TEST", "m"),
)
VARIANTS = (
    checks.Variant("IDXD=y", ("W=1", "C=2")),
    checks.Variant("IDXD=m", ("W=1",), MODULES),
    checks.Variant("IDXD=y without IMS", ("W=1",), OFF),
    checks.Variant("IDXD=m without IMS", ("W=1",), (*MODULES, *OFF)),
)

GLOB = "idxd*"
"""The suites of the glue and of the driver, for the kernel's command line."""


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


def folder(place: Place) -> Path:
    """Where the layout, the driver's patches and the cover letter are."""
    return place.root / "examples" / "drivers" / "idxd"


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


def apply(place: Place, tree: fetch.Tree) -> Made:
    """The whole series on an untouched kernel. Raises `StageError`."""
    base = trees.base_of(tree)
    trees.reset(tree.apply, base)
    where = folder(place)
    mbox = stages.generator(place, where / "idxd.ims", "--tree", tree.apply, "-o", "-")
    generated = trees.apply_series(tree, base, mbox, "idxd.ims")
    patches = patches_for(where, tree.package)
    if not patches:
        raise host.StageError(f"no patches of the driver for {tree.package} in {where.name}")
    own = b"\n".join(path.read_bytes() for path in patches) + b"\n"
    driver = trees.apply_series(tree, generated.head, own, "the driver's patches")
    return Made(base, generated, driver, b"".join(mails(mbox)[-GLUE:]) + own)


def write(place: Place, tree: fetch.Tree, made: Made) -> Path:
    """The series as it would be sent, in build/idxd. Returns the folder."""
    out = place.root / "build" / "idxd" / tree.package.removeprefix("linux-source-")
    shutil.rmtree(out, ignore_errors=True)
    options = ("--quiet", "--zero-commit", "--no-signature", "--cover-letter", f"-o{out}")
    git.git(tree.apply, "format-patch", *options, f"{made.base}..{made.driver.head}")
    cover = out / "0000-cover-letter.patch"
    text = (folder(place) / "cover.txt").read_text()
    cover.write_text(letter(text, cover.read_text()))
    return out


def configuration(place: Place, tree: fetch.Tree) -> build.Build:
    """How to compile the driver; nothing is linked."""
    lean = ARCHS["x86_64"].lean if tree.kernel != stages.REFERENCE else ()
    wanted = kconfig.merge(kconfig.fragments("x86_64", *lean, "idxd"))
    label = f"{tree.kernel}-idxd"
    return build.Build(tree.work, tree.objects("idxd"), "x86_64", wanted, place.logs, label)


def compiled(tree: fetch.Tree, made: Made, full: build.Build, report: Report) -> None:
    """Each prefix of the last patches, and all of them in each variant: without a warning.

    What passed once, with this content, configuration and compiler, is not compiled again.
    """
    tag = tree.kernel
    for number, commit in enumerate(made.last, 1):
        name = f"{tag} idxd prefix {number}/{len(made.last)} builds"
        proof = checks.build_proof(tree, commit, full, *TARGETS)
        faults: Sequence[str] = ()
        if not proof.exists():
            faults = faults_in(tree, made, full, commit, ("W=1",), f"prefix-{number}")
        if report.check(name, faults):
            proof.touch()
    for variant in VARIANTS:
        one = replace(full, wanted=checks.wanted_in(variant, full.wanted))
        proof = checks.build_proof(tree, made.driver.head, one, repr(variant), *TARGETS)
        faults = ()
        if not proof.exists():
            step = re.sub(r"\W+", "-", variant.name)
            for left in (one.objects / "drivers/dma/idxd").glob("**/*.o"):
                left.unlink()
            faults = faults_in(tree, made, one, made.driver.head, variant.options, step)
        if report.check(f"{tag} idxd compiles with {variant.name}", faults):
            proof.touch()


def faults_in(
    tree: fetch.Tree,
    made: Made,
    one: build.Build,
    commit: str,
    options: Sequence[str],
    step: str,
) -> tuple[str, ...]:
    """What is wrong with the driver at COMMIT; symbols may not exist yet in a prefix."""
    changed = git.git(tree.apply, "diff", "--name-only", made.base, commit).split()
    try:
        trees.work_at(tree, commit)
        build.configure(one, partial=commit != made.driver.head)
        said = build.compile_targets(one, TARGETS, step, *options)
    except host.StageError as error:
        return tuple(str(error).splitlines())
    return checks.warnings_about(said, changed)


def booted(place: Place, tree: fetch.Tree, made: Made, report: Report) -> None:
    """The suites of the glue and of the driver under UML, which has no such driver itself."""
    both = trees.Applied(made.base, (*made.generated.commits, *made.driver.commits), ())
    prepared = stages.Prepared(tree, both, {})
    trees.work_at(tree, both.head)
    built = stages.configuration(place, prepared, "um")
    build.kernel(built)
    own = replace(built, label=f"{tree.kernel}-uml-idxd")
    glob = (f"kunit.filter_glob={GLOB}",)
    suites = [name for name in stages.expected_suites(prepared) if name.startswith("idxd")]
    stages.run_boot(place, own, stages.WHERES["um"], tree.work, suites, report, glob)


def one_kernel(place: Place, tree: fetch.Tree, report: Report) -> None:
    """All of it on one kernel. Raises `StageError`."""
    made = apply(place, tree)
    tag = tree.kernel
    notes = (*made.generated.notes, *made.driver.notes)
    report.check(f"{tag} git am of the idxd series, no fuzz", notes)
    checks.checkpatch(tree, {"idxd series": made.tail}, report, tag)
    added = trees.added_files(tree, f"{made.last[0]}^", made.driver.head)
    checks.maintained(tree, added, report, tag)
    checks.kernel_doc(tree, added, report, tag)
    host.say(f"  {tag} idxd: {write(place, tree, made).relative_to(place.root)}")
    compiled(tree, made, configuration(place, tree), report)
    booted(place, tree, made, report)


def run(place: Place, report: Report, kernels: Sequence[str]) -> None:
    """The series on each of KERNELS; only the reference kernel has to be there."""
    for name in kernels:
        kernel = fetch.KERNELS[name]
        try:
            tree = stages.for_kernel(place, name)
            with fetch.locked(tree.home):
                one_kernel(place, tree, report)
        except host.Unavailable as error:
            stages.unavailable(kernel, f"{name} idxd series", error, report)
        except host.StageError as error:
            report.check(f"{name} idxd series", str(error).splitlines())
