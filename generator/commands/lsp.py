"""``imsgen lsp``: the language server, over standard input and output.

Needs ``pip install imsgen[lsp]``.  What it answers is worked out in ``dsl/editor/``; here are the
protocol and its places: lines and columns as the client counts them.
"""

from __future__ import annotations

import argparse
import os
from importlib.util import find_spec

from ..terminal import OK, Failure, add_folders
from .common import new_parser


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    made = new_parser(
        "lsp",
        "Be a language server for an editor, which starts it: diagnostics, hover, completion, "
        "definition, references, rename, format and code actions.",
    )
    add_folders(made)
    return made


def run(args: argparse.Namespace) -> int:
    """Serve until the client leaves."""
    if find_spec("pygls") is None:
        raise Failure("error: the language server needs pygls: pip install 'imsgen[lsp]'")
    from .lsp_server import make_server

    # The library closes what it is given at the end: standard output stays open for the process.
    with os.fdopen(os.dup(0), "rb") as source, os.fdopen(os.dup(1), "wb") as sink:
        make_server(tuple(args.folders or ())).start_io(source, sink)
    return OK
