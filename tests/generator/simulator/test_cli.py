"""The command `imsgen simulate`: what it says, its JSON and plots, and what it refuses."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest

from ..conftest import EXAMPLES, REPOSITORY

Run = Callable[..., int]
Capture = pytest.CaptureFixture[str]

GOLDEN = REPOSITORY / "tests" / "golden" / "simulate"
IDXD, MLX5, TIMER = (EXAMPLES / f"{name}.ims" for name in ("idxd", "mlx5", "timer"))

#: Golden files, and the options that make them again.
GOLDENS = {
    "idxd-16.txt": ["--cpus", 16, "--queues", 100_000, "--dedicated", 10, "--compare"],
    "idxd-4096.txt": ["--cpus", 4096, "--queues", 100_000],
    "idxd-small.json": ["--cpus", 4, "--queues", 40, "--vectors-per-cpu", 3, "--json"],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", GOLDENS)
def test_as_it_was(name: str, imsgen: Run, capsys: Capture) -> None:
    """IMSGEN_GOLDEN=1 makes the files again."""
    assert imsgen("simulate", IDXD, *GOLDENS[name]) == 0
    said = capsys.readouterr().out
    if os.environ.get("IMSGEN_GOLDEN"):
        (GOLDEN / name).write_text(said)
    assert said == (GOLDEN / name).read_text()


def test_the_page_shows_what_it_says() -> None:
    text = (GOLDEN / "idxd-16.txt").read_text()
    page = (REPOSITORY / "docs" / "simulate.md").read_text()
    assert "".join(f"    {line}".rstrip() + "\n" for line in text.splitlines()) in page


def test_json(imsgen: Run, capsys: Capture) -> None:
    assert imsgen("simulate", IDXD, "--cpus", "4", "--json") == 0
    body = json.loads(capsys.readouterr().out)
    assert body["version"] == 2
    (device,) = body["devices"]
    assert device["device"] == "idxd" and device["machine"]["cpus"] == 4
    (pool,) = device["pools"]
    assert (pool["queues"], pool["vectors"], pool["first"]) == (4, 4, None)
    assert pool["vectors_per_cpu"] == {"min": 1, "median": 1, "max": 1}


@pytest.mark.slow
def test_fast_enough(imsgen: Run) -> None:
    begin = time.perf_counter()
    assert imsgen("simulate", IDXD, "--cpus", "4096", "--queues", "100000", "--compare") == 0
    assert time.perf_counter() - begin < 30


@pytest.mark.slow
@pytest.mark.parametrize("end", ("png", "svg"))
def test_plot(end: str, imsgen: Run, tmp_path: Path) -> None:
    paths = [tmp_path / f"one.{end}", tmp_path / f"two.{end}"]
    for path in paths:
        assert imsgen("simulate", IDXD, "--queues", "3000", "--compare", "--plot", path) == 0
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert sorted(path.name for path in tmp_path.glob("*.???")) == [path.name for path in paths]
    if end == "svg":
        assert ElementTree.parse(paths[0]).getroot().tag.endswith("svg")
    else:
        assert paths[0].read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_plot_of_an_exhausted_pool(imsgen: Run) -> None:
    """What ran out is seen, and there are titles and units."""
    words = ["--cpus", "4", "--queues", "9000", "--compare", "--plot", "x.svg"]
    assert imsgen("simulate", IDXD, *words) == 0
    text = Path("x.svg").read_text()
    for label in ("gets nothing", "beyond the limit", "users of a vector", "queues that came"):
        assert label in text
    assert "idxd.queue: dedicated, on 4 CPUs" in text and "799 queues served, 8,201 not" in text


@pytest.mark.slow
def test_plot_of_several_pools_and_kinds(imsgen: Run, tmp_path: Path, capsys: Capture) -> None:
    """One picture: a row a pool, with its title and units, and each kind in it."""
    text = (REPOSITORY / "tests/layouts/policies.ims").read_text()
    (keeper,) = [part for part in text.split("\n\n") if "device keeper" in part]
    (tmp_path / "keeper.ims").write_text(keeper)
    words = ["--cpus", "4", "--subdevices", "port=3", "--subdevices", "queue=2", "--queues", "40"]
    assert imsgen("simulate", tmp_path / "keeper.ims", *words, "--plot", "x.svg") == 0
    said = capsys.readouterr().out
    assert "subdevice port: 3 wanted" in said and "subdevice queue: 2 wanted" in said
    drawn = re.findall(r">([^<>]*)</text>", Path("x.svg").read_text())
    for pool in ("io", "own", "tiny"):
        assert sum(text.startswith(f"keeper.{pool}: ") for text in drawn) == 1
    assert sum("3 of 3 port created, 1 of 2 queue created" in text for text in drawn) == 3
    assert drawn.count("vectors on a CPU") == drawn.count("queues that came") - 2 == 3
    # `own` has no shared vectors.
    assert drawn.count("users of a vector") == 2


def test_plot_without_matplotlib(
    imsgen: Run, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert imsgen("simulate", IDXD, "--plot", "x.svg") == 1
    assert "imsgen[plot]" in capsys.readouterr().err
    assert not Path("x.svg").exists()


@pytest.mark.slow
def test_plot_that_cannot_be_written(imsgen: Run, capsys: Capture) -> None:
    assert imsgen("simulate", IDXD, "--plot", "none/x.svg") == 1
    said = capsys.readouterr()
    assert said.err == "imsgen: error: --plot: none/x.svg: No such file or directory\n"
    assert not said.out


@pytest.mark.parametrize(
    ("words", "text"),
    (
        ([TIMER], "no pool in timer"),
        (["none.ims"], "No such file"),
        ([IDXD, "--slots", "20000"], "ims has at most 16128"),
        ([IDXD, "--slots", "8", "--slots", "ims=20000"], "ims has at most 16128"),
        ([IDXD, "--subdevices", "2"], "idxd has no subdevices"),
        ([MLX5, "--subdevices", "vf=2"], "mlx5 has no subdevices vf, but sf"),
        ([IDXD, "--pool", "rx"], "no pool rx, but queue"),
        ([IDXD, "--msi", "2"], "--msi: idxd has no store"),
    ),
)
def test_bad_input(words: list[object], text: str, imsgen: Run, capsys: Capture) -> None:
    assert imsgen("simulate", *words) == 1
    said = capsys.readouterr()
    assert text in said.err and not said.out and "Traceback" not in said.err


def test_bad_file(imsgen: Run, capsys: Capture, tmp_path: Path) -> None:
    path = tmp_path / "bad.ims"
    path.write_text("device foo {")
    assert imsgen("simulate", path) == 1
    assert "error[" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    (
        [],
        [IDXD, "--cpus", "0"],
        [IDXD, "--cpus", "8193"],
        [IDXD, "--queues", "many"],
        [MLX5, "--subdevices", "sf=0"],
        [IDXD, "--vectors-per-cpu", "-1"],
        [IDXD, "--full-cpu", "wait"],
        [IDXD, "--plot", "x.pdf"],
        [IDXD, "--que", "5"],
        [IDXD, TIMER],
    ),
)
def test_wrong_usage(words: list[object], imsgen: Run, capsys: Capture) -> None:
    assert imsgen("simulate", *words) == 2
    assert "usage: imsgen simulate" in capsys.readouterr().err


def test_others_do_not_load_it() -> None:
    script = (
        "import sys; from imsgen.generator.cli import main; code = main(sys.argv[1:]);"
        "print([n for n in sys.modules if 'sim' in n.rpartition('.')[2]]); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "check", str(IDXD)], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
