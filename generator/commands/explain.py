"""``imsgen explain``: what a finding's code means, why, and how it is mended."""

from __future__ import annotations

import argparse

from imsgen.dsl.codes import CODES

from ..terminal import OK
from .common import new_parser, put


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    made = new_parser(
        "explain",
        "Explain a finding: what its code means, why it is one, a layout that has it and one "
        "that hasn't. Without a code: all codes.",
    )
    made.add_argument("code", nargs="?", type=_code, metavar="CODE", help="for instance IMS034")
    return made


def _code(text: str) -> str:
    """A code of the catalogue, also in lower case or as a bare number."""
    code = f"IMS{text.upper().removeprefix('IMS').zfill(3)}"
    if code not in CODES:
        raise argparse.ArgumentTypeError(f"there is no {text!r}; `imsgen explain` lists all codes")
    return code


def run(args: argparse.Namespace) -> int:
    """Print the page of one code, or a line for each."""
    if args.code is None:
        put("".join(f"{code}  {entry.meaning}\n" for code, entry in CODES.items()))
        return OK
    from imsgen.dsl.explain import explain

    put(explain(args.code))
    return OK
