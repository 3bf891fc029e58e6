"""``imsgen skeleton``: a driver for a layout, to start from."""

from __future__ import annotations

import argparse
import re

from imsgen.dsl.model import Device
from imsgen.dsl.rules.words import public

from ..names import names_of
from ..render import Renderer, RenderError
from ..series import gen, parts_of
from ..terminal import OK, Failure
from ..views.device import device_view
from ..views.skeleton import skeleton_view
from .common import add_input, load_named, new_parser, put, refuse_platform


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    made = new_parser(
        "skeleton",
        "Write a driver that uses all interrupts of a layout: it compiles in a tree with the "
        "device's series. A file that is there stays as it is.",
    )
    add_input(made, many=False)
    made.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="the file to write (default: DEVICE-skeleton.c); '-': standard output",
    )
    return made


def text_of(device: Device) -> str:
    """The driver's text.

    Raises :class:`Failure` for a platform device, when names clash, or when the generator fails.
    """
    refuse_platform(device, "a skeleton")
    context = {
        "dev": device_view(device),
        "drv": skeleton_view(device),
        "names": names_of(device),
        "gen": gen(device),
    }
    try:
        text = Renderer().file("skeleton/driver.c.j2", device.name, context, "skeleton")
    except RenderError as error:
        raise Failure(f"error: the generator failed: {error}") from error
    _check_names(device, text)
    return text


def _check_names(device: Device, text: str) -> None:
    """What the driver calls its own is not what the generated header has."""
    taken = {name.rpartition(" ")[2] for name, _ in public(*parts_of(device))}
    mine = re.findall(r"(?m)^(?:static .*?\b|struct |#define )(\w+)(?:\(| \{|\t)", text)
    if clashes := sorted({name for name in mine if name in taken or mine.count(name) > 1}):
        raise Failure(
            f"error: a driver would define {clashes[0]}, which the device's header has; "
            "choose another name in the layout"
        )


def run(args: argparse.Namespace) -> int:
    """Write the file."""
    (result,) = load_named([args.file], args.folders or ())
    if len(result.devices) != 1:
        raise Failure(f"error: {args.file} has {len(result.devices)} devices; a driver is for one")
    (device,) = result.devices
    text = text_of(device)
    path = args.output or f"{device.name.replace('_', '-')}-skeleton.c"
    if path == "-":
        put(text)
        return OK
    try:
        with open(path, "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError as error:
        raise Failure(f"error: {path} is there already, and stays as it is") from error
    except OSError as error:
        raise Failure(f"error: {path}: {error.strerror}") from error
    put(f"{path}: written; it uses <linux/irqchip/{names_of(device).module}.h>\n")
    return OK
