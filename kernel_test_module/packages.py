"""Install the Debian packages of packages.txt, or say which ones are missing.

This file uses nothing but the standard library and no relative import: the
Makefile runs it with the system's Python before any virtual environment exists.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

LIST = Path(__file__).resolve().with_name("packages.txt")


def wanted(text: str) -> tuple[str, ...]:
    """The package names in TEXT, one a line; "#" begins a comment."""
    lines = (line.split("#", 1)[0].strip() for line in text.splitlines())
    return tuple(line for line in lines if line)


def installed(status: str) -> frozenset[str]:
    """The names that `dpkg-query -f '${db:Status-Abbrev} ${Package}\\n'` lists as installed."""
    rows = (line.split() for line in status.splitlines())
    return frozenset(row[1] for row in rows if len(row) == 2 and row[0].startswith("ii"))


def missing(names: tuple[str, ...]) -> tuple[str, ...]:
    """Which of NAMES this machine lacks. All where there is no dpkg."""
    if not shutil.which("dpkg-query"):
        return names
    query = ["dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package}\n"]
    have = installed(subprocess.run(query, check=True, capture_output=True, text=True).stdout)
    return tuple(name for name in names if name not in have)


def main(only: tuple[str, ...] = ()) -> int:
    """Install what is missing, of ONLY these packages if any are named.

    Exit code 0: all are there (now). 1: they are not, and standard error says what to do.
    """
    needed = only or wanted(LIST.read_text())
    names = missing(needed)
    if not names:
        return 0
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *names]
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print("These Debian packages are needed:", file=sys.stderr)
        print("    sudo " + " ".join(command), file=sys.stderr)
        return 1
    print("packages: installing " + " ".join(names), flush=True)
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    # A source that has nothing to do with these packages may fail the update; the install decides.
    for step in (["apt-get", "update", "--quiet=2"], [*command, "--quiet=2"]):
        done = subprocess.run(step, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        if done.returncode:
            print(f"packages: {' '.join(step[:2])} ended with {done.returncode}", file=sys.stderr)
    left = missing(needed)
    if left:
        print("packages: still missing: " + " ".join(left), file=sys.stderr)
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(tuple(sys.argv[1:])))
