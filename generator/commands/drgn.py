"""``imsgen drgn``: a drgn script that prints a device's live vectors from a kernel or a core."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from imsgen.dsl.model import Device

from ..kinds import kind_of
from ..render import Renderer, RenderError
from ..series import gen
from ..terminal import OK, Failure
from ..views.device import device_view
from .common import add_input, load_named, new_parser, put, refuse_platform


@dataclass(frozen=True)
class DrgnView:
    """A device's names, as entries of Python lists."""

    specials: tuple[str, ...]
    stores: tuple[str, ...]
    pools: tuple[str, ...]
    managed: str
    subdevices: tuple[str, ...]


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    made = new_parser(
        "drgn",
        "Print a script for drgn, which prints the vectors that a device has in a running kernel "
        "or in a core: index, interrupt, CPUs and users, by the names of the layout.",
    )
    add_input(made, many=False)
    return made


def text_of(device: Device) -> str:
    """The script.  Raises :class:`Failure` for a platform device, or when the generator fails."""
    refuse_platform(device, "a script for drgn")
    dev = device_view(device)
    view = DrgnView(
        specials=tuple(
            f'("{v.name}", "{v.store}", {None if v.runtime or v.at_end else v.index})'
            for v in device.vectors
        ),
        stores=tuple(f'"{s.name}"' for s in device.stores if kind_of(device, s).ENUM),
        pools=tuple(f'("{pool.name}", "{pool.title}")' for pool in dev.pools),
        managed="".join(f'"{pool.name}"' for pool in device.pools if pool.managed),
        subdevices=tuple(f'"{sub.name}"' for sub in device.subdevices),
    )
    context = {"dev": dev, "drgn": view, "gen": gen(device)}
    try:
        return Renderer().render("drgn/vectors.py.j2", context)
    except RenderError as error:
        raise Failure(f"error: the generator failed: {error}") from error


def run(args: argparse.Namespace) -> int:
    """Print it."""
    (result,) = load_named([args.file], args.folders or ())
    if len(result.devices) != 1:
        raise Failure(f"error: {args.file} has {len(result.devices)} devices; a script is for one")
    put(text_of(result.devices[0]))
    return OK
