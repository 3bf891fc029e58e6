"""What the package build makes ahead: equal to its sources, used while fresh, and never after."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

import imsgen.dsl
from imsgen.dsl import ahead, grammar
from imsgen.generator import build, cli, prepared, series
from imsgen.generator.series import Planner
from imsgen.generator.targets import DEFAULT, embedded

from .conftest import EXAMPLES, REPOSITORY, device_of

#: Where a module that was made ahead would be imported from.
PLACES = {
    "dsl/_tables.py": (imsgen.dsl, "_tables"),
    "generator/_prepared.py": (imsgen.generator, "_prepared"),
}


#: The texts of the modules: each worker makes them once.
modules = cache(build.modules)


def load(path: str, folder: Path) -> ModuleType:
    """The module that the build would make at that path."""
    file = folder / os.path.basename(path)
    file.write_text(modules()[path])
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[ModuleType, ModuleType]]:
    """The tables and the prepared kernels, in their places as in a built package."""
    loaded = []
    for path, (package, name) in PLACES.items():
        module = load(path, tmp_path)
        monkeypatch.setattr(package, name, module, raising=False)
        monkeypatch.setitem(sys.modules, f"{package.__name__}.{name}", module)
        loaded.append(module)
    grammar.tables.cache_clear()
    yield loaded[0], loaded[1]
    grammar.tables.cache_clear()


def test_nothing_made_ahead_is_in_the_repository() -> None:
    for path in modules():
        assert not (REPOSITORY / path).exists()


def test_tables_are_larks(
    made: tuple[ModuleType, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = grammar.compile_tables(grammar.grammar_text())
    with monkeypatch.context() as patch:
        patch.setattr(grammar, "compile_tables", None)  # not by Lark
        assert grammar.tables() == wanted
    assert vars(grammar.tables()) == vars(wanted)
    grammar.tables.cache_clear()
    made[0].SOURCES["dsl/ims.lark"] ^= 1
    made[0].TABLES["start"] = -1
    assert grammar.tables() == wanted, "tables of another grammar must not be used"


def test_prepared_commits_are_the_scripts(made: tuple[ModuleType, ModuleType]) -> None:
    target = embedded(DEFAULT)
    assert target.core is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepared, "kernel", lambda name: None)
        patch.setattr(prepared, "outputs", lambda: None)
        other = embedded(DEFAULT)
    assert other.core is None
    assert Planner(target).core().commits == Planner(other).core().commits
    for example in sorted(EXAMPLES.glob("*.ims")):
        device = device_of(example)
        assert Planner(target).series([device]) == Planner(other).series([device])
    devices = [device_of(path) for path in sorted(EXAMPLES.glob("*.ims"))]
    assert Planner(target).series(devices) == Planner(other).series(devices)


def test_prepared_files_are_what_the_commits_leave(made: tuple[ModuleType, ModuleType]) -> None:
    target = embedded(DEFAULT)
    assert target.core is not None
    core = Planner(embedded(DEFAULT), root=str(REPOSITORY / "templates") + "/").core()
    assert core is not target.core and core.commits == target.core.commits
    for path in {diff.path for commit in core.commits for diff in commit.diffs}:
        assert target.core.provider.exists(path)
        assert target.core.provider.lines(path) == core.provider.lines(path)


def test_prepared_commits_of_other_sources_are_not_used(
    made: tuple[ModuleType, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = made[1].KERNELS[DEFAULT]["sources"]
    kinds = {path.split("/")[0] for path in sources}
    assert kinds == {"generator", "kernel_test_module", "templates"}
    for path in sources:
        monkeypatch.setitem(sources, path, sources[path] ^ 1)
        assert embedded(DEFAULT).core is None
        monkeypatch.undo()
        monkeypatch.setattr(imsgen.generator, "_prepared", made[1], raising=False)
    assert embedded(DEFAULT).core is not None
    made[1].KERNELS[DEFAULT]["scripts"].pop()
    assert embedded(DEFAULT).core is None, "a script came after the build"


def test_outputs_are_the_files(
    made: tuple[ModuleType, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = series._load_outputs(series.ROOT)
    made[1].OUTPUTS_SOURCES[prepared.OUTPUTS] ^= 1
    assert prepared.outputs() is None
    made[1].OUTPUTS.clear()
    assert series._load_outputs(series.ROOT) == ready


def test_a_built_package(tmp_path: Path) -> None:
    """The build's own result has the modules, and makes what generated/ has without Lark, Jinja2,
    and the other things that take their time."""
    source, built = tmp_path / "source", tmp_path / "built"
    for name in ("dsl", "generator", "templates", "kernel_test_module"):
        shutil.copytree(
            REPOSITORY / name, source / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(REPOSITORY / name, source)
    command = f"from setuptools import setup; setup(script_args=['build', '-b', {str(built)!r}])"
    run = subprocess.run(
        [sys.executable, "-c", command],
        cwd=source,
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    package = built / "lib" / "imsgen"
    for path, text in modules().items():
        assert (package / path).read_text() == text, path
    slow = "argparse dataclasses difflib hashlib inspect jinja2 json lark pathlib tempfile tomllib"
    script = (
        "import sys; from imsgen.generator.cli import main; code = main(sys.argv[1:])\n"
        f"print(*sorted(set({slow.split()!r}) & set(sys.modules)))\nsys.exit(code)"
    )
    # -S: not the editable install of the repository, if there is one.
    run = subprocess.run(
        [sys.executable, "-S", "-c", script, str(EXAMPLES / "idxd.ims"), "-o", str(tmp_path / "o")],
        env={**os.environ, "PYTHONPATH": str(built / "lib")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == "", "something slow was imported"
    wanted = Planner(embedded(DEFAULT)).series([device_of(EXAMPLES / "idxd.ims")])
    for name, text in series.series_files(wanted).items():
        assert (tmp_path / "o" / "idxd" / name).read_text() == text


def test_digest_of_a_file_that_is_not_there() -> None:
    assert ahead.digest("dsl/nothing.lark") is None
    assert not ahead.fresh({"dsl/nothing.lark": 0})
    assert ahead.fresh({})


words = st.sampled_from(
    ["a.ims", "b/c.ims", "-o", "--output", "out", "-", ".", "", "--check", "-x", "--", "-oout"]
)


@given(st.lists(words, max_size=5), st.booleans())
def test_usual_arguments_are_what_argparse_says(arguments: list[str], check: bool) -> None:
    """Where argparse isn't asked, it would have said the same."""
    usual = cli._usual(arguments, check)
    if usual is None:
        return
    parsed = cli._parse_check(arguments) if check else cli._parse(arguments)
    for name in ("files", "output", "tree", "kernel", "check", "diff", "sources", "signoff"):
        assert getattr(usual, name) == getattr(parsed, name), name


def test_usual_arguments() -> None:
    for arguments in (["a.ims"], ["a.ims", "b.ims", "-o", "x"], ["-o", "-", "a.ims"]):
        assert cli._usual(arguments) is not None
    assert cli._usual(["a.ims"], check=True) is not None
    for arguments in ([], ["-o"], ["-o", "x"], ["a.ims", "-o", ""], ["a.ims", "--check"]):
        assert cli._usual(arguments) is None
