"""`python -m imsgen.kernel_test_module`: the stages one by one, or all of them."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from . import build, counts, e2e, fetch, host, stages, trees
from .report import Report
from .stages import Place


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m imsgen.kernel_test_module", description=__doc__)
    top.add_argument(
        "stage",
        choices=(
            "setup",
            "lint",
            "fetch",
            "prepare",
            "build",
            "boot",
            "kunit",
            "all",
            "test",
            "layouts",
            "mutants",
            "e2e",
            "models",
            "simulate",
            "tutorial",
            "updates",
        ),
        help="all: every kernel stage with its checks; test: lint and pytest too",
    )
    top.add_argument("--root", type=Path, default=Path.cwd(), help="the repository (default: here)")
    top.add_argument(
        "--kernel",
        action="append",
        choices=sorted(fetch.KERNELS),
        help="which kernel, may be repeated (default: the reference kernel)",
    )
    top.add_argument(
        "--where",
        action="append",
        choices=sorted(stages.WHERES),
        help="UML or QEMU, may be repeated (default: both)",
    )
    top.add_argument("--filter", help="glob of KUnit suites or suite.case to run")
    top.add_argument("--pristine", action="store_true", help="no series: the stock example suite")
    top.add_argument("--fast", action="store_true", help="test: only what needs no kernel")
    top.add_argument(
        "--only",
        default="",
        metavar="REGEX",
        help="e2e, models: only the boots or devices it matches",
    )
    top.add_argument(
        "--torture",
        type=int,
        default=e2e.TORTURE,
        metavar="SECONDS",
        help=f"e2e: on each parent (default: {e2e.TORTURE}; the long mode: {e2e.LONG})",
    )
    top.add_argument("--kasan", action="store_true", help="e2e: with KASAN, in a kernel of its own")
    top.add_argument(
        "--break-write",
        action="store_true",
        help="e2e: swap two fields in the generated code, and expect the run to fail",
    )
    return top


def single_stage(
    place: Place, stage: str, kernel: str, wheres: Sequence[str], pristine: bool
) -> None:
    """fetch, prepare or build for one kernel. Raises `StageError`."""
    tree = stages.for_kernel(place, kernel)
    if stage == "fetch":
        return
    with fetch.locked(tree.home):
        prepared = stages.prepare(place, tree, () if pristine else stages.EXAMPLES)
        if stage == "prepare":
            return
        trees.work_at(tree, prepared.applied.head)
        for arch in wheres:
            build.kernel(stages.configuration(place, prepared, arch))


def end_to_end(place: Place, args: argparse.Namespace, kernel: str, report: Report) -> None:
    """Real interrupts in QEMU; a stage that can't run is a failure, as in `stages.one_kernel()`."""
    try:
        e2e.run(
            place,
            report,
            kernel=kernel,
            only=args.only,
            seconds=args.torture,
            kasan=args.kasan,
            broken=args.break_write,
        )
    except host.Unavailable as error:
        stages.unavailable(fetch.KERNELS[kernel], f"{kernel} e2e", error, report)
    except host.StageError as error:
        report.check("e2e", str(error).splitlines())


def modelled(place: Place, report: Report, only: str) -> None:
    """Drivers meet the models of their devices under UML."""
    from . import models

    try:
        models.run(place, report, only)
    except host.StageError as error:
        report.check("models", str(error).splitlines())


def simulated(place: Place, report: Report) -> None:
    """The simulator does what generated pools do in a booted kernel."""
    from . import simulated

    try:
        simulated.run(place, report)
    except host.StageError as error:
        report.check("simulated", str(error).splitlines())


def updated(place: Place, report: Report) -> None:
    """Trees that `imsgen update` has brought up to date build."""
    from . import updates

    try:
        updates.run(place, report)
    except host.StageError as error:
        report.check("updated devices", str(error).splitlines())


def taught(place: Place, report: Report) -> None:
    """The commands of the tutorial, in a whole kernel tree."""
    from . import tutorial

    try:
        tutorial.run(place, report)
    except host.StageError as error:
        report.check("tutorial", str(error).splitlines())


def seeded(place: Place, report: Report, faults: bool = True) -> None:
    """The layouts that no example has, and the seeded FAULTS, on the reference kernel."""
    from . import mutants

    try:
        mutants.stage(place, report, seeded=faults)
    except host.StageError as error:
        report.check("seeded faults", str(error).splitlines())


def run(args: argparse.Namespace) -> int:
    """Run the stages that the command line asks for. Returns the exit code."""
    place = Place(args.root.resolve())
    wheres = args.where or list(stages.WHERES)
    kernels = args.kernel or [stages.REFERENCE]
    report = Report()
    if args.stage == "mutants":
        from . import mutants

        return mutants.run(place)
    if args.stage in ("fetch", "prepare", "build"):
        for kernel in kernels:
            single_stage(place, args.stage, kernel, wheres, args.pristine)
        return 0
    boots = args.stage in ("boot", "kunit", "all", "test") and not args.fast
    if boots:
        shutil.rmtree(place.results, ignore_errors=True)
    if args.stage == "lint":
        with stages.lint(place, report):
            pass
    tree = None
    able = True
    if args.stage in ("setup", "all", "test") and not args.fast:
        able = stages.setup(report)
    if args.stage == "test":
        if able and not args.fast:
            try:
                tree = stages.for_kernel(place, stages.REFERENCE)
                trees.reset(tree.apply, trees.base_of(tree))
            except host.StageError as error:
                report.check("fetch for the tests of the generator", str(error).splitlines())
        with stages.lint(place, report):
            stages.pytest(place, report, tree.apply if tree else None, fast=args.fast)
    if able and boots:
        for kernel in kernels:
            stages.one_kernel(
                place,
                fetch.KERNELS[kernel],
                report,
                wheres,
                names=() if args.pristine else stages.EXAMPLES,
                with_checks=args.stage in ("all", "test"),
                kunit_args=(f"kunit.filter_glob={args.filter}",) if args.filter else (),
            )
    if able and args.stage == "test" and not args.fast:
        counts.stage(place, report)
    if args.stage == "tutorial":
        taught(place, report)
    if able and args.stage in ("updates", "all", "test") and not (args.fast or args.pristine):
        updated(place, report)
    if able and args.stage in ("layouts", "all", "test") and not (args.fast or args.pristine):
        seeded(place, report, args.stage != "layouts")
    if able and args.stage in ("simulate", "all", "test") and not (args.fast or args.pristine):
        simulated(place, report)
    if able and args.stage in ("e2e", "test") and not args.fast:
        # The devices and parents are the same on all kernels: the others only when asked for.
        for kernel in kernels if args.stage == "e2e" else [stages.REFERENCE]:
            end_to_end(place, args, kernel, report)
    if able and args.stage in ("models", "test") and not args.fast:
        modelled(place, report, args.only if args.stage == "models" else "")
    if boots or args.stage in ("e2e", "layouts", "models", "simulate"):
        report.save(place.results)
    return report.close()


def main() -> int:
    """Exit code 0: all passed. 1: something failed or could not run. 130: interrupted."""
    # Who is called by a hook of git must not work on the hook's repository.
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        del os.environ[name]
    try:
        return run(parser().parse_args())
    except host.StageError as error:
        host.fail(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        host.fail("interrupted")
        return 130


if __name__ == "__main__":
    sys.exit(main())
