"""``imsgen check --json`` and ``--sarif``: findings for other programs.

Plain ``imsgen check`` needs none of this: it is in ``cli.py``.
"""

from __future__ import annotations

import argparse

from ..terminal import FAILED, OK
from .common import load_all, put_json

#: Version of the JSON form.  Raised whenever a key changes its meaning or goes away.
JSON_VERSION = 1


def run(args: argparse.Namespace) -> int:
    """All findings of all files to standard output."""
    results = load_all(args.files, args.folders or ())
    found = [item for result in results for item in result.diagnostics]
    if args.form == "sarif":
        from .sarif import of_findings

        put_json(of_findings(found))
    else:
        put_json({"version": JSON_VERSION, "findings": [item.to_dict() for item in found]})
    return OK if all(result.ok for result in results) else FAILED
