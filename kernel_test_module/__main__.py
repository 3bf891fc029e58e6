"""`python -m imsgen.kernel_test_module`: the stages one by one, or all of them."""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from . import (
    build,
    converted,
    counts,
    e2e,
    fetch,
    host,
    idxd_driver,
    mainline,
    models,
    models_qemu,
    mutants,
    simulated,
    stages,
    trees,
    tutorial,
    updates,
)
from .report import Report
from .stages import Place


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m imsgen.kernel_test_module", description=__doc__)
    top.add_argument(
        "stage",
        choices=(
            *("setup", "lint", "fetch", "prepare", "build", "kunit", "mutants", "test"),
            *LATER,
            *APART,
        ),
        help="test: lint, pytest, and all of them but the tutorial and models-qemu",
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
        help="e2e, models, models-qemu: only the boots or devices it matches",
    )
    top.add_argument(
        "--torture",
        type=int,
        default=e2e.TORTURE,
        metavar="SECONDS",
        help=f"e2e: on each parent (default: {e2e.TORTURE}; the long mode: {e2e.LONG})",
    )
    top.add_argument(
        "--boots", type=int, default=1, metavar="N", help="converted: with each driver (default: 1)"
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


MAIN = r"-4$"
"""Of the real interrupts on other kernels than the reference: one boot below each parent."""


def end_to_end(place: Place, report: Report, args: argparse.Namespace) -> None:
    """Real interrupts in QEMU. In a whole run the reference kernel has all boots."""
    whole = args.stage == "test"
    for kernel in dict.fromkeys((stages.REFERENCE, *args.kernels)) if whole else args.kernels:
        main = whole and kernel != stages.REFERENCE
        try:
            e2e.run(
                place,
                report,
                kernel=kernel,
                only=MAIN if main else only(args, "e2e"),
                seconds=args.torture,
                kasan=args.kasan,
                broken=args.break_write,
            )
        except host.Unavailable as error:
            stages.unavailable(fetch.KERNELS[kernel], f"{kernel} e2e", error, report)


def only(args: argparse.Namespace, stage: str) -> str:
    """What --only says to STAGE: it is for who is asked for by name."""
    return str(args.only) if args.stage == stage else ""


Step = Callable[[Place, Report, argparse.Namespace], object]

LATER: dict[str, Step] = {
    "counts": lambda place, report, args: counts.stage(place, report),
    "mainline": lambda place, report, args: mainline.run(place, report),
    "updates": lambda place, report, args: updates.run(place, report, args.kernels[-1]),
    "idxd": lambda place, report, args: idxd_driver.run(place, report, args.kernels),
    "converted": lambda place, report, args: converted.run(place, report, args.boots),
    "layouts": lambda place, report, args: mutants.stage(
        place, report, seeded=args.stage == "test"
    ),
    "simulate": lambda place, report, args: simulated.run(place, report),
    "e2e": end_to_end,
    "models": lambda place, report, args: models.run(place, report, only(args, "models")),
}
"""What comes behind the suites of the kernels in a whole run, in this order."""

ON_NEWEST = ("mainline", "converted")
"""What works on the newest kernel alone, whichever are asked for."""

ON_EACH = ("idxd",)
"""What works on each kernel that is asked for."""

ON_LAST = ("updates",)
"""What works on the last kernel that is asked for; all others work on the reference kernel."""

ALONE = ("simulate", "e2e", "models")
"""Real interrupts, which have the machine to themselves."""

ALWAYS = ("simulate", "e2e")
"""What measures: it is run again even if nothing has changed."""

APART: dict[str, Step] = {
    "tutorial": lambda place, report, args: tutorial.run(place, report),
    "models-qemu": lambda place, report, args: models_qemu.run(
        place, report, only(args, "models-qemu")
    ),
}
"""What is only run by its name."""


def key(place: Place, args: argparse.Namespace) -> str:
    """What decides on the stages of a whole run beside the repository: kernels, compiler, emulator,
    release and options. Empty where one of them isn't there."""
    try:
        kernels = dict.fromkeys((stages.REFERENCE, *args.kernels))
        parts = [stages.for_kernel(place, kernel).home.name for kernel in kernels]
        parts += [host.run([tool, "--version"]) for tool in ("gcc", "qemu-system-x86_64")]
        parts += [sys.version, Path("/etc/debian_version").read_text()]
    except (host.StageError, FileNotFoundError):
        return ""
    options = {name: value for name, value in vars(args).items() if name != "root"}
    return "\n".join((*parts, repr(sorted(options.items()))))


def proof(place: Place, name: str, key: str) -> Path | None:
    """The file that says that a stage has passed in a whole run, with this KEY and the repository
    as it is now; None for what is run in any case."""
    if not key or name in ALWAYS:
        return None
    try:
        text = "\n".join((name, key, stages.content(place)))
    except host.StageError:
        return None
    return host.cache_dir() / "passed" / hashlib.sha256(text.encode()).hexdigest()


def one(
    name: str, step: Step, place: Place, report: Report, args: argparse.Namespace, key: str = ""
) -> None:
    """A stage; one that can't run is a failure."""
    try:
        with report.timed(name):
            report.once(name, lambda: proof(place, name, key), lambda own: step(place, own, args))
    except host.StageError as error:
        report.check(name, str(error).splitlines())


def generator(place: Place, report: Report, fast: bool, able: bool) -> None:
    """pytest; the tests that need a tree get the reference kernel's, if this machine is ABLE."""
    tree = None
    if able:
        try:
            tree = stages.for_kernel(place, stages.REFERENCE)
            trees.reset(tree.apply, trees.base_of(tree))
        except host.StageError as error:
            report.check("fetch for the tests of the generator", str(error).splitlines())
    stages.pytest(place, report, tree.apply if tree else None, fast=fast)


def suites(place: Place, report: Report, args: argparse.Namespace) -> None:
    """The KUnit suites on each kernel, with what can be checked of its patches in a whole run."""
    for kernel in args.kernels:
        stages.one_kernel(
            place,
            fetch.KERNELS[kernel],
            report,
            args.where or list(stages.WHERES),
            names=() if args.pristine else stages.EXAMPLES,
            with_checks=args.stage == "test",
            only=args.filter or "",
        )


def lane(
    place: Place,
    report: Report,
    args: argparse.Namespace,
    kernels: Iterable[str],
    names: Iterable[str],
) -> None:
    """The suites on KERNELS, then the later stages of these NAMES."""
    own = argparse.Namespace(**{**vars(args), "kernels": list(kernels)})
    same = key(place, own) if own.kernels else ""
    if own.kernels:
        one(f"Linux {' '.join(own.kernels)}", suites, place, report, own, same)
    for name in names:
        one(name, LATER[name], place, report, own, same)


def lanes(place: Place, report: Report, args: argparse.Namespace) -> None:
    """What needs kernels, in two lanes: that of the reference kernel, and that of the others.

    They share nothing but CPUs, of which a boot or a link uses one only.
    """
    reference = [name for name in args.kernels if name == stages.REFERENCE]
    others = [name for name in args.kernels if name != stages.REFERENCE]
    elsewhere = ON_NEWEST + (ON_LAST if others else ())
    first = [name for name in LATER if name not in elsewhere + ALONE]
    second = [name for name in LATER if name in elsewhere + ON_EACH]
    with ThreadPoolExecutor(2) as pool:
        both = [
            pool.submit(lane, place, report, args, reference, first),
            pool.submit(lane, place, report, args, others, second),
        ]
        try:
            for future in as_completed(both):
                future.result()
        except BaseException:
            host.stop()
            raise


def run(args: argparse.Namespace) -> int:
    """Run the stages that the command line asks for. Returns the exit code."""
    place, report = Place(args.root.resolve()), Report()
    args.kernels = args.kernel or [stages.REFERENCE]
    if args.stage == "mutants":
        return mutants.run(place)
    if args.stage in ("fetch", "prepare", "build"):
        for kernel in args.kernels:
            wheres = args.where or list(stages.WHERES)
            single_stage(place, args.stage, kernel, wheres, args.pristine)
        return 0
    whole = args.stage == "test" and not args.fast
    if whole or args.stage == "kunit":
        shutil.rmtree(place.results, ignore_errors=True)
    if args.stage == "lint":
        with stages.lint(place, report):
            pass
    if args.stage == "setup":
        stages.setup(report)
    if args.stage == "test":
        with report.timed("lint, setup, pytest"), stages.lint(place, report, whole):
            whole = whole and stages.setup(report)
            generator(place, report, args.fast, whole)
    if whole:
        lanes(place, report, args)
        same = key(place, args)
        for name in ALONE:
            one(name, LATER[name], place, report, args, same)
    elif args.stage == "kunit":
        one("suites", suites, place, report, args)
    elif step := (LATER | APART).get(args.stage):
        one(args.stage, step, place, report, args)
    if whole or args.stage == "kunit" or args.stage in LATER | APART:
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
