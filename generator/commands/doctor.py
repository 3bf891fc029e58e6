"""``imsgen doctor``: what a log says about generated code, by the lines of the layout."""

from __future__ import annotations

import argparse
import sys

from imsgen.dsl.bounded import read_all
from imsgen.dsl.diagnostics import printable

from ..doctor import leads
from ..kernel.target import DEFAULT, embedded
from ..patches import PatchError
from ..render import RenderError
from ..series import Planner, SeriesError
from ..terminal import OK, Failure
from .common import add_input, load_good, new_parser, put

#: Bytes of a log at most.
MAX_LOG = 64 << 20


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    made = new_parser(
        "doctor",
        "Lead what a log says about generated code back to the layout: errors of compilers and "
        "linkers, warnings of sparse and checkpatch, failures of KUnit, splats of a kernel.",
    )
    add_input(made, many=False)
    made.add_argument("log", metavar="LOG", help="the log; '-': standard input")
    return made


def run(args: argparse.Namespace) -> int:
    """Print a line for each that is about the device; exit code 1 if there is none."""
    if args.file == args.log == "-":
        raise Failure("error: the layout and the log can't both be standard input")
    (result,) = load_good([args.file], args.folders or ())
    if len(result.devices) != 1:
        raise Failure(f"error: {args.file} has {len(result.devices)} devices; a log is of one")
    (device,) = result.devices
    try:
        files = Planner(embedded(DEFAULT)).files(device)
    except (SeriesError, RenderError, PatchError) as error:
        raise Failure(f"error: {args.file}: {error}") from error
    found = list(dict.fromkeys(leads(device, files, _log(args.log))))
    if not found:
        raise Failure(f"{args.log}: nothing is about the code that is made of {device.name}")
    # A file or a function of the whole device says little beside what is about a part of it.
    parts = [lead for lead in found if lead.name != device.name]
    for lead in parts or found:
        place = f"{lead.span.source.name}:{lead.span.line}:{lead.span.column}"
        put(printable(f"{place}: `{lead.name}`: {lead.text}") + "\n")
    return OK


def _log(path: str) -> str:
    """The text of the log.  Raises :class:`Failure`."""
    try:
        data = sys.stdin.buffer.read(MAX_LOG) if path == "-" else read_all(path, MAX_LOG)
    except OSError as error:
        raise Failure(f"error: {path}: {error.strerror}") from error
    return data.decode("utf-8", "replace")
