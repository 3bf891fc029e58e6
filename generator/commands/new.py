"""``imsgen new``: a commented layout to start from."""

from __future__ import annotations

import argparse
import os

from imsgen.dsl import load
from imsgen.templates import ROOT

from ..terminal import OK, Failure
from .common import new_parser, put

FOLDER = os.path.join(ROOT, "new")

#: What the device is called in the layouts to start from.
PLACEHOLDER = "mydevice"

DEFAULT = "iomem"


def kinds() -> list[str]:
    """The kinds of devices that there is a layout for."""
    return sorted(name.removesuffix(".ims") for name in os.listdir(FOLDER))


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    made = new_parser(
        "new", "Write NAME.ims, a commented layout to start from. What is there stays as it is."
    )
    made.add_argument("name", metavar="NAME", help="what the device is called, in lower case")
    made.add_argument(
        "--like",
        choices=kinds(),
        default=DEFAULT,
        metavar="KIND",
        help=f"where the device keeps its messages: {', '.join(kinds())} (default: {DEFAULT})",
    )
    return made


def text_of(name: str, kind: str) -> str:
    """The layout of a device of that name.  Raises :class:`Failure` for what is no name."""
    with open(os.path.join(FOLDER, f"{kind}.ims"), encoding="utf-8") as file:
        text = file.read()
    # The name is put in where a device has it; whether it is one, the rules know.
    named = text.replace(f"device {PLACEHOLDER} ", f"device {name} ")
    probe = load("new", named.encode("utf-8", "surrogateescape"))
    if probe.diagnostics:
        found = probe.diagnostics[0]
        help_ = f": {found.hint}" if found.hint else ""
        raise Failure(f"error: no name for a device: {found.message}{help_}")
    return text.replace(PLACEHOLDER, name)


def run(args: argparse.Namespace) -> int:
    """Write the file."""
    text = text_of(args.name, args.like)
    path = f"{args.name}.ims"
    try:
        with open(path, "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError as error:
        raise Failure(f"error: {path} is there already, and stays as it is") from error
    except OSError as error:
        raise Failure(f"error: {path}: {error.strerror}") from error
    put(f"{path}: written; next: imsgen check {path}\n")
    return OK
