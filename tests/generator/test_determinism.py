"""The same input gives the same bytes: any hash seed, locale, folder, and Python."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import imsgen

from .conftest import EXAMPLES, REPOSITORY


def run(python: str, folder: Path, **environment: str) -> bytes:
    """The mailbox of both examples, made by another process."""
    made = subprocess.run(
        [
            *(python, "-m", "imsgen.generator.cli", "-o", "-", "--kernel", "linux-6.12"),
            *(str(EXAMPLES / "idxd.ims"), str(EXAMPLES / "timer.ims")),
        ],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr.decode()
    assert str(REPOSITORY).encode() not in made.stdout
    return made.stdout


@pytest.mark.slow
def test_hash_seed_and_locale(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    one = run(sys.executable, tmp_path, PYTHONHASHSEED="1", LC_ALL="C", TZ="UTC")
    two = run(sys.executable, tmp_path / "a", PYTHONHASHSEED="2", LC_ALL="C.UTF-8", TZ="Asia/Tokyo")
    assert one == two


def pythons() -> list[str]:
    """Other Python versions on this machine: on PATH, and those of pyenv."""
    found = [shutil.which(f"python3.{minor}") for minor in range(11, 16)]
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found += [str(path) for path in sorted(root.glob("3.*/bin/python3"))]
    out = {}
    for path in filter(None, found):
        shown = subprocess.run(
            [path, "-c", "import sys; print(*sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
        if shown.returncode == 0:
            version = tuple(map(int, shown.stdout.split()))
            if version >= (3, 11) and version != sys.version_info[:2]:
                out.setdefault(version, path)
    return list(out.values())


@pytest.mark.slow
def test_other_pythons(tmp_path: Path) -> None:
    others = pythons()
    if not others:
        pytest.skip("SKIP: no other Python of version 3.11 or later here")
    # Pure Python packages of ours and of the running interpreter, linked to as they are installed.
    # In the same place each time, for the sake of their bytecode.
    site = REPOSITORY / "build" / "other-pythons"
    shutil.rmtree(site, ignore_errors=True)
    package = site / "imsgen"
    package.mkdir(parents=True)
    for name in ("dsl", "generator", "templates"):
        (package / name).symlink_to(REPOSITORY / name)
    for name in ("lark", "jinja2"):
        module = __import__(name)
        (site / name).symlink_to(Path(str(module.__file__)).parent)
    # markupsafe's speed-ups are built for one Python; without them it falls back to Python.
    import markupsafe

    skip = shutil.ignore_patterns("*.so", "__pycache__")
    shutil.copytree(Path(str(markupsafe.__file__)).parent, site / "markupsafe", ignore=skip)
    assert imsgen.__path__ is not None
    mine = run(sys.executable, tmp_path)
    cached = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(site.parent / "pycache")}
    for python in others:
        theirs = run(python, tmp_path, **cached, PYTHONPATH=str(site))
        assert theirs == mine, python
