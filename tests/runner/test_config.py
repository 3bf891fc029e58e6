"""Configuration fragments: what is asked for must come out."""

from pathlib import Path

import pytest

from imsgen.kernel_test_module import build, checks, fetch, host, kconfig, stages, trees
from imsgen.kernel_test_module.arch import ARCHS


def test_later_fragments_win_and_unset_is_n() -> None:
    wanted = kconfig.merge(["CONFIG_A=y\nCONFIG_B=4\n# text\n", "# CONFIG_A is not set\n"])
    assert wanted == {"CONFIG_A": "n", "CONFIG_B": "4"}
    assert kconfig.as_text(wanted) == "# CONFIG_A is not set\nCONFIG_B=4\n"


def test_unmet_names_each_symbol_and_what_it_is() -> None:
    got = kconfig.assignments("CONFIG_A=m\nCONFIG_C=y\n# CONFIG_D is not set\n")
    wanted = {"CONFIG_A": "y", "CONFIG_B": "y", "CONFIG_C": "y", "CONFIG_D": "n", "CONFIG_E": "n"}
    assert kconfig.unmet(wanted, got) == ("CONFIG_A=y (is m)", "CONFIG_B=y (is n)")


@pytest.mark.parametrize("arch", sorted(ARCHS))
def test_fragments_ask_for_what_the_suites_need(arch: str) -> None:
    wanted = kconfig.merge(kconfig.fragments(arch))
    for name in ("KUNIT", "PCI_MSI", "PROVE_LOCKING", "DEBUG_FS", "PROC_FS"):
        assert wanted[f"CONFIG_{name}"] == "y"


@pytest.mark.parametrize("path", sorted(kconfig.CONFIGS.glob("*.config")), ids=lambda p: p.stem)
def test_every_line_of_a_fragment_is_understood(path: Path) -> None:
    text = path.read_text()
    lines = [x for x in text.splitlines() if x and not x.startswith("#")]
    unset = [x for x in text.splitlines() if x.endswith("is not set")]
    assert len(kconfig.assignments(text)) == len(lines) + len(unset)


def test_a_configuration_that_loses_a_symbol_fails(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    # A "kernel" whose allnoconfig ignores what is asked for.
    (source / "Makefile").write_text("allnoconfig:\n\techo CONFIG_A=y >$(O)/.config\n")
    good = build.Build(source, tmp_path / "o", "um", {"CONFIG_A": "y"}, tmp_path, "good")
    build.configure(good)
    bad = build.Build(
        source, tmp_path / "o", "um", {"CONFIG_A": "y", "CONFIG_PCI_MSI": "y"}, tmp_path, "bad"
    )
    with pytest.raises(host.StageError, match=r"CONFIG_PCI_MSI=y \(is n\)"):
        build.configure(bad)
    build.configure(bad, partial=True)


@pytest.mark.parametrize("arch", sorted(ARCHS))
def test_all_kernels_are_configured_alike(
    arch: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trees, "added_files", lambda *_: ())
    found = []
    for name in fetch.KERNELS:
        tree = fetch.Tree(name, "linux-source-0", "1", tmp_path)
        prepared = stages.Prepared(tree, trees.Applied("base", (), ()), {})
        found.append(stages.configuration(stages.Place(tmp_path), prepared, arch).wanted)
    assert found[0] == found[1]
    assert found[0]["CONFIG_EXPERT"] == "y"


def test_variants_change_what_they_say() -> None:
    kernel = {"CONFIG_SMP": "y", "CONFIG_NR_CPUS": "64", "CONFIG_FOO_IRQS_KUNIT_TEST": "y"}
    kernel |= {"CONFIG_PCI_MSI": "y", "CONFIG_INTEL_IOMMU": "y", "CONFIG_KUNIT": "y"}
    found = {x.name: checks.wanted_in(x, kernel) for x in checks.VARIANTS}
    assert found["W=1 C=2"] == kernel
    assert found["SMP=n"]["CONFIG_SMP"] == "n"
    assert "CONFIG_NR_CPUS" not in found["SMP=n"]
    assert found["modules"]["CONFIG_FOO_IRQS_KUNIT_TEST"] == "m"
    assert found["modules"]["CONFIG_KUNIT"] == "y"
    assert set(found["PCI_MSI=n"]) == {
        "CONFIG_SMP",
        "CONFIG_NR_CPUS",
        "CONFIG_PCI_MSI",
        "CONFIG_KUNIT",
    }
    assert found["PCI_MSI=n"]["CONFIG_PCI_MSI"] == "n"
