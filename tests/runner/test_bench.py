"""The benchmarks' log, the records made of it, and the table in the documentation."""

import json
from pathlib import Path

import pytest

from imsgen.dsl import load
from imsgen.kernel_test_module import bench, host
from imsgen.kernel_test_module.stages import Place

LOG = """\
[    1.1] KTAP version 1
[    1.2]     # bench_attach: imsbench bench attach 8 ours=1000/10 mlx5=4000/2
[    1.3]     # bench_attach: imsbench bench attach 8 ours=1200/10 mlx5=4400/2
[    1.4]     # bench_attach: imsbench bench attach 8 ours=1400/10 mlx5=4800/2
[    1.5]     # bench_chip: imsmmio bench mask 8 ours=2 idxd2022=3
[    1.6]     # bench_chip: imsbench bench mask 8 ours=20/1 idxd2022=30/1
[    1.7]     # bench_chip: imsbench bench mask 8 ours=20/1 idxd2022=30/1
[    1.8]     # bench_contended: imsbench bench attach-contended 8 ours=200/1 ours-alone=190/1 \
mlx5=9000/1 mlx5-alone=3000/1
[    1.9]     # bench_contended: imsbench bench attach-contended 8 ours=200/1 ours-alone=190/1 \
mlx5=9000/1 mlx5-alone=3000/1
[    2.0] imsbench is mentioned here
[    2.1]     # bench_lines: imslines bench attach 8 vec=2 user=1 shared=0
"""


@pytest.fixture
def log() -> bench.Log:
    return bench.parse(LOG)


def test_median_and_quartiles(log: bench.Log) -> None:
    sides = log.turns[bench.Key("bench", "attach", 8)]
    assert sides["ours"] == bench.Spread(120, 110, 130, 3)
    assert sides["mlx5"].median == 2200


def test_records(log: bench.Log) -> None:
    made = bench.records("uml", log, log.mmio)
    assert [(record.path, record.peer) for record in made] == [
        ("attach", "mlx5"),
        ("attach contended", "mlx5"),
        ("mask", "idxd2022"),
    ]
    first, _, mask = made
    assert (first.ours_ns, first.peer_ns, first.ratio) == (120, 2200, 18.33)
    assert (first.ours_mmio, first.peer_mmio) == (None, None)
    assert (mask.ours_mmio, mask.peer_mmio, mask.ratio) == (2, 3, 1.5)


def test_counts_serve_other_places(log: bench.Log) -> None:
    elsewhere = bench.Log(log.turns, {})
    made = bench.records("qemu", elsewhere, bench.merged({"uml": log, "qemu": elsewhere}))
    assert made[-1].ours_mmio == 2


def test_counts_of_other_sizes_serve_where_they_agree() -> None:
    def key(path: str, n: int) -> bench.Key:
        return bench.Key("bench", path, n)

    mmio = {
        key("mask", 1): {"ours": 2},
        key("mask", 8): {"ours": 2},
        key("write", 1): {"ours": 4},
        key("write", 8): {"ours": 5},
    }
    assert bench.mmio_of(key("mask", 2048), "ours", mmio) == 2
    assert bench.mmio_of(key("write", 2048), "ours", mmio) is None
    assert bench.mmio_of(key("write", 8), "ours", mmio) == 5
    assert bench.mmio_of(key("mask", 2048), "peer", mmio) is None


def test_more_accesses_than_the_least_are_a_fault(log: bench.Log) -> None:
    made = bench.records("uml", log, log.mmio)
    assert not bench.excess(made)
    more = bench.Log(log.turns, {bench.Key("bench", "mask", 8): {"ours": 3, "idxd2022": 3}})
    assert bench.excess(bench.records("uml", more, more.mmio)) == ["mask 8: 3 MMIO accesses"]


def test_faults_name_missing_paths_and_rounds(log: bench.Log) -> None:
    found = bench.faults("uml", log)
    assert "uml: nothing was measured for dispatch" in found
    assert "uml: attach 8 ours: 3 rounds only" in found
    assert not [fault for fault in found if "contended" in fault and "nothing" in fault]


def test_missing_contention_is_a_fault_where_there_are_cpus() -> None:
    assert "qemu: nothing was measured for attach contended" in bench.faults(
        "qemu", bench.parse("")
    )


def test_table(log: bench.Log) -> None:
    text = bench.table({"uml": log}, bench.records("uml", log, log.mmio))
    assert "| attach | uml | 8 | 120 ns ±8% | mlx5 | 2.2 us ±5% | 18.3 | ? / ? (least 0) |" in text
    assert "| 2 / 3 (least 2) |" in text


def test_contention(log: bench.Log) -> None:
    assert "| 8 | 95% | 33% |" in bench.contention({"qemu": log})


@pytest.mark.parametrize(
    ("ns", "text"), [(0.35, "0.35 ns"), (999, "999 ns"), (1500, "1.5 us"), (2.5e9, "2.5 s")]
)
def test_time_text(ns: float, text: str) -> None:
    assert bench.time_text(ns) == text


def test_results_go_between_the_marks() -> None:
    page = f"before\n{bench.BEGIN}\nold\n{bench.END}\nafter\n"
    made = bench.with_table(page, "new\n")
    assert made == f"before\n{bench.BEGIN}\n\nnew\n\n{bench.END}\nafter\n"
    assert bench.with_table(made, "new\n") == made


def test_lost_marks_are_refused() -> None:
    with pytest.raises(host.StageError, match="marks"):
        bench.with_table("nothing", "new")


def test_json_has_the_keys_that_are_promised(log: bench.Log, tmp_path: Path) -> None:
    bench.publish(Place(tmp_path), {"uml": log}, docs=False)
    found = json.loads((tmp_path / "build" / "bench.json").read_text())
    keys = "device path n where ours_ns peer peer_ns ratio ours_mmio peer_mmio".split()
    assert all(list(record) == keys for record in found)
    assert {record["path"] for record in found} <= set(bench.PATHS)


def test_devices_are_valid() -> None:
    result = load(bench.DEVICES)
    assert not result.diagnostics
    assert [device.name for device in result.devices] == ["bench", "benchtab"]


def test_sources_are_planted(tmp_path: Path) -> None:
    into = tmp_path / bench.INTO
    into.mkdir(parents=True)
    makefile = into.parent / "Makefile"
    makefile.write_text("obj-y += a.o\n")
    bench.plant(tmp_path)
    lines = makefile.read_text().splitlines()
    assert lines[0] == "obj-y += a.o"
    for source in into.glob("*.c"):
        assert f"tests/{source.stem}.o" in " ".join(lines[1:]).split()
    assert (into / "ims_bench.h").exists()


def test_no_checker_is_measured() -> None:
    for arch in bench.MACHINES:
        assert "CONFIG_PROVE_LOCKING" not in bench.wanted(arch)
