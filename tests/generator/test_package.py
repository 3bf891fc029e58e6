"""The package as a build makes it: all that a run needs, and the same as in the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from imsgen.generator.kernel.target import DEFAULT, embedded
from imsgen.generator.series import Planner, series_files

from .conftest import EXAMPLES, REPOSITORY, device_of

PACKAGES = ("dsl", "generator", "templates")


@pytest.mark.slow
def test_a_built_package(tmp_path: Path) -> None:
    source, built = tmp_path / "source", tmp_path / "built"
    for name in PACKAGES:
        shutil.copytree(
            REPOSITORY / name, source / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(REPOSITORY / name, source)
    command = f"from setuptools import setup; setup(script_args=['build', '-b', {str(built)!r}])"
    made = subprocess.run(
        [sys.executable, "-c", command], cwd=source, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    assert sorted(os.listdir(built / "lib" / "imsgen")) == sorted(PACKAGES)
    for name in PACKAGES:
        for path in (REPOSITORY / name).rglob("*.py"):
            assert (built / "lib" / "imsgen" / path.relative_to(REPOSITORY)).exists(), path
    script = (
        "import sys; from imsgen.generator.cli import main; code = main(sys.argv[1:])\n"
        "print(*(sys.modules[name].__file__ for name in ('imsgen.dsl', 'lark', 'jinja2')))\n"
        "assert not {'git', 'matplotlib', 'rich'} & set(sys.modules), 'nothing here needs that'\n"
        "sys.exit(code)"
    )
    # -S: not the editable install of the repository, if there is one.
    path = [str(built / "lib"), sysconfig.get_path("purelib")]
    run = subprocess.run(
        [sys.executable, "-S", "-c", script, str(EXAMPLES / "idxd.ims"), "-o", str(tmp_path / "o")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1].startswith(f"{built / 'lib'}/imsgen/dsl/")
    wanted = Planner(embedded(DEFAULT)).series([device_of(EXAMPLES / "idxd.ims")])
    for name, text in series_files(wanted).items():
        assert (tmp_path / "o" / "idxd" / name).read_text() == text
