"""Names that a kernel has already: refused with a code and the place of the name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from imsgen.dsl import load
from imsgen.dsl.model import Device
from imsgen.generator.kernel.target import Target, probe
from imsgen.generator.series import NamesTaken, Planner

from .conftest import EXAMPLES, device_of

Run = Callable[..., int]


def renamed(pool: str) -> str:
    """idxd with another name for its pool."""
    return (EXAMPLES / "idxd.ims").read_text().replace("pool queue", f"pool {pool}")


def device(text: str) -> Device:
    (made,) = load("idxd.ims", text.encode()).devices
    return made


def findings(target: Target, made: Device) -> list[str]:
    with pytest.raises(NamesTaken) as caught:
        Planner(target).series([made])
    return [f"{f.code} {f.span.line}:{f.span.column} {f.message}" for f in caught.value.findings]


def test_profile(profile: Target) -> None:
    """drivers/dma/idxd has the function, so that it could not include the header."""
    text = renamed("wq")
    line = text[: text.index("pool wq")].count("\n") + 1
    assert findings(profile, device(text)) == [
        f"IMS023 {line}:10 `wq` makes `idxd_wq_get`, which linux-6.12 has already"
    ]


def test_macros(profile: Target) -> None:
    """A member of that name would not compile, whatever the device is called."""
    text = renamed("cpu_online_mask").replace("vector misc", "vector nr_cpu_ids")
    text = text.replace("pasid", "pgoff_t")
    found = findings(profile, device(text))
    assert sorted(line.partition(" `")[2] for line in found) == [
        f"{name}` is a macro of linux-6.12" for name in ("cpu_online_mask", "nr_cpu_ids", "pgoff_t")
    ]


def test_macros_of_a_tree(tree: Path) -> None:
    header = tree / "include/linux/other.h"
    header.write_text("#define misc 4\n#define queue queue\n#define wanted(a) (a)\n")
    found = findings(probe(str(tree)), device(renamed("queue")))
    assert len(found) == 1 and "`misc` is a macro of linux-6.12" in found[0]


def test_examples_have_free_names(profile: Target) -> None:
    for path in sorted(EXAMPLES.glob("*.ims")):
        Planner(profile).series([device_of(path)])


@pytest.mark.parametrize(
    ("path", "text", "name"),
    [
        ("drivers/dma/idxd/init.c", "static int idxd_queue_put(int a)\n{\n}\n", "queue"),
        ("include/linux/other.h", "#define IDXD_QUEUE_LIMIT 4\n", "queue"),
        ("arch/um/include/asm/other.h", "#define IDXD_IMS 4\n", "ims"),
        ("include/linux/other.h", "struct idxd_irqs_params {\n};\n", "idxd"),
        ("include/linux/other.h", "int idxd_irq_misc(void);\n", "misc"),
    ],
)
def test_tree(tree: Path, path: str, text: str, name: str) -> None:
    made = device_of(EXAMPLES / "idxd.ims")
    file = tree / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    (found,) = findings(probe(str(tree)), made)
    assert f"`{name}` makes `" in found and found.endswith(f", in {path}")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("drivers/dma/idxd/init.c", "/* Not idxd_queue_put */\nint x = myidxd_queue_put(1);\n"),
        ("drivers/other/init.c", "static int idxd_queue_put(int a)\n{\n}\n"),
        ("tools/include/idxd.h", "int idxd_queue_put(int a);\n"),
        ("include/linux/other.h", "struct idxd_queue_put;\nint idxd_queue_putter(void);\n"),
    ],
)
def test_what_is_no_clash(tree: Path, path: str, text: str) -> None:
    file = tree / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    Planner(probe(str(tree))).series([device_of(EXAMPLES / "idxd.ims")])


def test_command_line(
    imsgen: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], tree: Path
) -> None:
    path = tmp_path / "idxd.ims"
    path.write_text(renamed("wq"))
    assert imsgen(path, "--kernel", "linux-6.12", "-o", tmp_path / "out") == 1
    shown = capsys.readouterr().err
    assert "idxd.ims:26:10: error[IMS023]: `wq` makes `idxd_wq_get`" in shown
    assert "= help: choose another name" in shown and "^^ " not in shown.split("help")[1]
    assert not (tmp_path / "out").exists()


def test_each_of_several_devices_is_looked_for(tree: Path) -> None:
    """Headers are read once for those behind the first: what is found is the same."""
    for path in ("include/linux/other.h", "drivers/dma/idxd/idxd.h", "arch/x86/include/asm/a.h"):
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        name = path.partition(".")[0].replace("/", "_")
        (tree / path).write_text(f"void idxd_{name}(void);\n")
    files = probe(str(tree)).provider
    names = {
        "idxd_include_linux_other",
        "idxd_drivers_dma_idxd_idxd",
        "idxd_arch_x86_include_asm_a",
    }
    first = files.taken("idxd", names)
    assert first.keys() == names
    assert files.taken("other", {"other_one"}) == {}
    assert files.taken("idxd", names) == first
