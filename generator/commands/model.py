"""``imsgen model``: the device itself, made from its layout."""

from __future__ import annotations

import argparse
import os

from ..model import emit
from ..render import RenderError
from ..terminal import OK, Failure
from .common import add_input, load_named, new_parser, put, refuse_platform, store


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    made = new_parser(
        "model",
        "Write a model of the device: a short Python file, and the run-time that it needs. The "
        "file is the user's to extend, and one that is there stays as it is.",
    )
    add_input(made, many=False)
    made.add_argument(
        "-o",
        "--output",
        default=".",
        metavar="DIR",
        help="where to write (default: the current folder)",
    )
    return made


def run(args: argparse.Namespace) -> int:
    """Write the files."""
    if args.output == "-":
        raise Failure("error: a model is several files, and '-' is no folder for them")
    (result,) = load_named([args.file], args.folders or ())
    if len(result.devices) != 1:
        raise Failure(f"error: {args.file} has {len(result.devices)} devices; a model is of one")
    (device,) = result.devices
    refuse_platform(device, "a model")
    try:
        text = emit.text_of(device)
    except RenderError as error:
        raise Failure(f"error: the generator failed: {error}") from error
    own = os.path.join(args.output, f"{device.name}_model.py")
    try:
        os.makedirs(args.output, exist_ok=True)
        try:
            with open(own, "x", encoding="utf-8", newline="\n") as file:
                file.write(text)
            said = f"{own}: written\n"
        except FileExistsError:
            said = f"{own}: is there already, and stays as it is\n"
        for name, content in emit.runtime_texts().items():
            store(os.path.join(args.output, name), content.encode())
    except OSError as error:
        raise Failure(f"error: {error.filename or args.output}: {error.strerror}") from error
    put(said)
    return OK
