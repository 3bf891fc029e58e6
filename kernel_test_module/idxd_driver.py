"""IMS with a user: a series that gives the in-tree idxd driver interrupts from IMS.

Only what `stages` doesn't do for the examples is done here: the last patches are checked, and
compiled one by one in the folders that they change.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from . import build, checks, fetch, host, in_tree, kconfig, stages, trees
from .in_tree import Made
from .report import Report
from .stages import Place

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


def configuration(place: Place, tree: fetch.Tree) -> build.Build:
    """How to compile the driver; nothing is linked."""
    wanted = kconfig.merge(kconfig.fragments("x86_64", "idxd"))
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
    try:
        trees.work_at(tree, commit)
        build.configure(one, partial=commit != made.driver.head)
        said = build.compile_targets(one, TARGETS, step, *options)
    except host.StageError as error:
        return tuple(str(error).splitlines())
    return checks.warnings_about(said, in_tree.changed(tree, made, commit))


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
    made = in_tree.apply(place, tree, "idxd")
    in_tree.check(place, tree, made, "idxd", report)
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
