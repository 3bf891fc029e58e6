"""``imsgen update``: from what a tree has of a device to what its layout says now."""

from __future__ import annotations

import argparse
import os

from imsgen.dsl.diagnostics import printable
from imsgen.dsl.model import Device

from .. import __version__, emit
from ..kernel.edits import EditError
from ..kernel.proof import ProofError, is_repository, prove
from ..kernel.scripts import ScriptError
from ..kernel.target import TargetError, probe
from ..patches import PatchError, mbox
from ..render import RenderError
from ..series import NamesTaken, Series, SeriesError, series_files
from ..terminal import OK, Failure, report, say
from ..update import UpdateError, update
from .common import add_input, load_named, new_parser, put


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    made = new_parser(
        "update",
        "Make the series which brings a kernel tree that has a device's series up to date with "
        "its layout. The tree stays as it is; edits by hand are named, and nothing is made.",
    )
    add_input(made, many=False)
    made.add_argument("--tree", metavar="PATH", required=True, help="the tree, a git repository")
    made.add_argument(
        "--old",
        metavar="OLD.ims",
        help="the layout that the tree's files were made of: the commit message says what changes, "
        "and edits by hand are found without the history",
    )
    made.add_argument(
        "-o",
        "--output",
        default=".",
        metavar="DIR",
        help="write DIR/<device>/*.patch (default: the current folder); "
        "'-': one mailbox for git am to standard output",
    )
    return made


def run(args: argparse.Namespace) -> int:
    """Make the series, or say that there is nothing to do."""
    files = [args.file] if args.old is None else [args.file, args.old]
    results = load_named(files, args.folders or ())
    device, *old = (_one(path, result.devices) for path, result in zip(files, results))
    if old and old[0].name != device.name:
        raise Failure(f"error: {args.old} is of device {old[0].name}, not of {device.name}")
    series = _series(device, args.tree, old[0] if old else None)
    if series is None:
        # Not to standard output, where a mailbox may be wanted.
        say(f"{args.tree} has what {device.file} says: nothing to do")
        return OK
    if args.output == "-":
        put(mbox(series.commits, __version__))
        return OK
    folder = os.path.join(args.output, device.name)
    try:
        (result,) = emit.write({folder: series_files(series)}, args.output).values()
    except emit.EmitError as error:
        raise Failure(f"error: {error}") from error
    removed = f", {len(result.extra)} removed" if result.extra else ""
    count = len(result.missing) + len(result.stale)
    put(f"{printable(folder)}: {count} written, {len(result.fresh)} unchanged{removed}\n")
    return OK


def _one(path: str, devices: tuple[Device, ...]) -> Device:
    if len(devices) != 1:
        raise Failure(f"error: {path} has {len(devices)} devices; one is updated at a time")
    return devices[0]


def _series(device: Device, tree: str, old: Device | None) -> Series | None:
    try:
        target = probe(tree)
        if not is_repository(tree):
            raise Failure(f"error: {tree}: not a git repository, so nobody knows what was there")
        series = update(device, target, old)
        if series is not None:
            prove(tree, series.commits)
    except NamesTaken as taken:
        report(taken.findings)
        raise Failure from taken
    except (TargetError, SeriesError, UpdateError, ProofError) as error:
        raise Failure(f"error: {error}") from error
    except (RenderError, ScriptError, PatchError, EditError) as error:
        raise Failure(f"error: the generator failed: {error}") from error
    return series
