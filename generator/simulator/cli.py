"""``imsgen simulate``: what a device's pools do on a large machine.

Loaded by the command line for this command only.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from imsgen.dsl.model import Device

from ..terminal import Parser, add_folders
from .pool import FullCpu
from .run import Outcome, Setup, SimulationError, simulate
from .show import PLOTS, as_json, plot, text

__all__ = ["SimulationError", "parse", "parser", "run"]

#: CPUs, queues and so on that can be asked for.  8,192 is the largest ``NR_CPUS`` of x86.
MAX_CPUS, MAX_QUEUES, MAX_SUBDEVICES, MAX_VECTORS = 8192, 1_000_000, 65536, 65536


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options; leaves by ``SystemExit`` with 2 where they are wrong."""
    made = parser()
    args = made.parse_args(arguments)
    if args.plot is not None and os.path.splitext(args.plot)[1] not in PLOTS:
        made.error(f"--plot: {args.plot!r} must end with {' or '.join(PLOTS)}")
    return args


def run(devices: Sequence[Device], args: argparse.Namespace) -> None:
    """Simulate all DEVICES that have a pool, and write what came of it to standard output.

    Raises `SimulationError` for what the devices can't do, `OSError` for a closed output.
    """
    chosen = [device for device in devices if device.pools]
    if not chosen:
        names = ", ".join(device.name for device in devices)
        raise SimulationError(f"there is nothing to simulate: no pool in {names}")
    outcomes = [simulate(device, _setup(device, args)) for device in chosen]
    if args.plot is not None:
        plot(outcomes, args.plot)
    sys.stdout.write(as_json(outcomes) if args.json else _all_text(outcomes))
    sys.stdout.flush()


def _all_text(outcomes: Sequence[Outcome]) -> str:
    return "\n".join(text(outcome) for outcome in outcomes)


def _setup(device: Device, args: argparse.Namespace) -> Setup:
    queues = args.queues
    if queues is None:
        subdevices = sum(wanted for _, wanted in args.subdevices)
        queues = min(args.cpus * max(subdevices, 1), MAX_QUEUES)
    return Setup(
        cpus=args.cpus,
        queues=queues,
        vectors_per_cpu=args.vectors_per_cpu,
        full_cpu=FullCpu(args.full_cpu),
        interrupts=args.interrupts,
        per_second=args.per_second,
        subdevices=tuple(args.subdevices),
        dedicated=args.dedicated,
        slots=next((size for name, size in reversed(args.slots) if not name), None),
        named=tuple((name, size) for name, size in args.slots if name),
        msix=args.msix,
        msi=args.msi,
        pools=tuple(args.pool),
        compare=args.compare,
        sample=args.plot is not None,
    )


def _within(low: int, high: int) -> Callable[[str], int]:
    def read(word: str) -> int:
        try:
            value = int(word)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{word!r} is not a number") from None
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{value} is not from {low} to {high}")
        return value

    return read


def _subdevices(word: str) -> tuple[str, int]:
    kind, _, count = word.rpartition("=")
    return kind, _within(1, MAX_SUBDEVICES)(count)


def _slots(word: str) -> tuple[str, int]:
    store, _, count = word.rpartition("=")
    return store, _within(0, MAX_VECTORS)(count)


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    made = Parser(
        prog="imsgen simulate",
        description="Say what a device's pools do when many queues come: vectors per CPU, how "
        "many users share one, and what runs out first.",
        allow_abbrev=False,
    )
    made.add_argument("file", metavar="DEVICE.ims")
    number = made.add_argument
    number("--cpus", type=_within(1, MAX_CPUS), default=64, metavar="N", help="default: 64")
    number(
        "--queues",
        type=_within(1, MAX_QUEUES),
        metavar="N",
        help="queues in all (default: one a CPU, for each subdevice)",
    )
    number(
        "--subdevices",
        type=_subdevices,
        action="append",
        default=[],
        metavar="[KIND=]N",
        help="share the queues out over N subdevices, of the file's first kind if none is named; "
        "may be repeated: the kinds come in turn",
    )
    number(
        "--dedicated",
        type=_within(0, MAX_QUEUES),
        default=0,
        metavar="N",
        help="then N owners want a vector for themselves",
    )
    number(
        "--vectors-per-cpu",
        type=_within(1, MAX_VECTORS),
        default=200,
        metavar="N",
        help="default: 200, about what x86 leaves",
    )
    number(
        "--full-cpu",
        choices=[choice.value for choice in FullCpu],
        default=FullCpu.OTHER.value,
        help="what a request for a CPU without free vectors gets: one of another CPU, as on x86 "
        "(default), or -ENOSPC",
    )
    number(
        "--interrupts",
        type=_within(1, MAX_QUEUES),
        metavar="N",
        help="what the parent domain has for the device, as 512 on AMD (default: enough)",
    )
    number(
        "--per-second",
        type=_within(1, MAX_QUEUES),
        default=1000,
        metavar="N",
        help="queues that come in a second (default: 1000); a pool that is full tries to make a "
        "vector once a second",
    )
    number(
        "--slots",
        type=_slots,
        action="append",
        default=[],
        metavar="[STORE=]N",
        help="slots of an IMS store, or of each if none is named, where the file leaves it open "
        "(default: the most); may be repeated",
    )
    number(
        "--msix",
        type=_within(0, MAX_VECTORS),
        metavar="N",
        help="entries of the MSI-X table (default: the most)",
    )
    number("--msi", type=_within(0, MAX_VECTORS), metavar="N", help="messages of MSI")
    number(
        "--pool", action="append", default=[], metavar="NAME", help="only this one; may be repeated"
    )
    number("--compare", action="store_true", help="the same with each policy that there is")
    number("--json", action="store_true", help="for tools")
    number("--plot", metavar="FILE", help="draw a plot: FILE.png or FILE.svg; needs imsgen[plot]")
    add_folders(made)
    return made
