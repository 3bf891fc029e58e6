"""Each kind of store has all that belongs to one: what is missing of a new one is named here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import pytest

from imsgen.dsl import load, model
from imsgen.dsl.editor.hover import hover
from imsgen.dsl.kinds import BY_WORD, KINDS, StoreKind
from imsgen.generator.commands.show import svg_of
from imsgen.generator.kernel.target import DEFAULT, embedded
from imsgen.generator.kinds import KINDS as IN_C
from imsgen.generator.kinds import UnknownKind, kind_of
from imsgen.generator.series import Planner
from imsgen.generator.views.page import parts_of
from imsgen.generator.views.suite_stores import fake_memory
from imsgen.kernel_test_module import layouts, skeletons
from imsgen.kernel_test_module.stages import EXAMPLES, Place

ROOT = Path(__file__).resolve().parents[1]

#: Kinds that no example has yet: they have no golden, and layouts of the planted ones are booted.
WITHOUT_EXAMPLE = {"msi", "memory"}


def stores(folder: Path) -> Iterator[tuple[Path, model.Device, model.Store]]:
    """The stores of all devices in a folder."""
    for path in sorted(folder.glob("*.ims")):
        for device in load(path).devices:
            for store in device.stores:
                yield path, device, store


@pytest.fixture(params=KINDS, ids=lambda kind: kind.word)
def kind(request: pytest.FixtureRequest) -> StoreKind:
    found = request.param
    assert isinstance(found, StoreKind)
    return found


def started(kind: StoreKind) -> tuple[Path, model.Device, model.Store]:
    """The layout that `imsgen new` gives for a kind: the file, its device and the store."""
    path = ROOT / "templates" / "new" / f"{kind.word}.ims"
    assert path.exists(), f"{path.relative_to(ROOT)} is missing"
    (device,) = load(path).devices
    (store,) = [store for store in device.stores if type(store) is kind.model]
    return path, device, store


def machine_of(device: model.Device, store: model.Store) -> tuple[tuple[str, str], ...]:
    """What the fake device has of a store beside its messages."""
    return fake_memory(device).stores[store.name].machine


def test_each_has_a_model() -> None:
    assert {kind.model for kind in KINDS} == set(get_args(model.Store))
    assert len(BY_WORD) == len(KINDS)


def test_it_asks_for_its_places(kind: StoreKind) -> None:
    """The model has a number for each of them."""
    assert {place.word for place in kind.places} <= set(kind.required)


def test_what_is_missing_is_said(kind: StoreKind) -> None:
    """An empty block lacks each statement that must be there, and a rule says so."""
    bus = 'platform "vendor,chip";' if kind.platform else "pci 1af4:1234;"
    text = f"device mydevice {{ {bus} store s: {kind.word} {{ }} }}"
    found = load("x.ims", text.encode()).diagnostics
    lost = {one.message for one in found if one.code == "IMS041"}
    assert lost == {f"`{word}` is missing" for word in kind.required}


def test_one_is_in_c(kind: StoreKind) -> None:
    """The generator has a class for it."""
    _, device, store = started(kind)
    assert kind_of(device, store).words


def test_none_hides_what_is_private_to_its_base() -> None:
    """A helper that happens to be called as one of `Kind` gives wrong C, and nothing fails."""
    for made in IN_C.values():
        own = {name for name in vars(made) if re.match(r"_(?!_|abc_)", name)}
        for base in made.__mro__[1:]:
            assert not own & vars(base).keys(), (made.__name__, base.__name__)


def test_what_nobody_knows_raises() -> None:
    @dataclass(frozen=True)
    class New:
        name: str

    _, device, _ = next(stores(ROOT / "examples"))
    with pytest.raises(UnknownKind, match=f"store new of device {device.name}: New"):
        kind_of(device, New("new"))  # type: ignore[arg-type]


def test_an_example_is_golden_and_booted(kind: StoreKind) -> None:
    found = stores(ROOT / "examples")
    devices = {path.stem: device for path, device, store in found if type(store) is kind.model}
    if kind.word in WITHOUT_EXAMPLE:
        assert not devices, f"{kind.word} has an example now"
        return
    booted = devices.keys() & set(EXAMPLES)
    assert booted, f"no example with a store of kind {kind.word} is booted"
    for name in booted:
        assert (ROOT / "generated" / devices[name].name / "linux-6.12" / "manifest.json").exists()


def test_slots_are_drawn_and_linked(kind: StoreKind) -> None:
    if "slot" not in kind.words:
        return
    _, device, store = started(kind)
    assert f"A slot of {store.name}: " in svg_of([device]).decode()
    assert f"{store.name}.slot" in [part.key for part in parts_of(device)]


def test_its_places_are_in_what_is_made(kind: StoreKind) -> None:
    """Glue that knows no select register is that of another kind; a fake without a part for the
    slot that shows in a window can't answer."""
    _, device, store = started(kind)
    shows = any(place.size is None for place in kind.places)
    assert kind.is_pci or shows is bool(machine_of(device, store))
    if kind.places:
        files = Planner(embedded(DEFAULT)).series([device]).files
        made = "".join(text for path, text in files.items() if "/tests/" not in path)
        for place in kind.places:
            assert f"= {getattr(store, place.word):#x}" in made


def test_a_skeleton_is_run() -> None:
    """Each PCI example has one (`make generated`), and a row in the suite that runs them."""
    examples = [device for _, device, _ in stores(ROOT / "examples") if not device.is_platform]
    rows = {row.driver for device in examples for row in skeletons.rows(device)}
    assert rows == {path.stem for path in ROOT.glob("examples/*/*-skeleton.c")}


def test_an_odd_layout(kind: StoreKind) -> None:
    """A random layout with such a store is booted: other byte orders, sizes, masks."""
    if not kind.is_pci:
        assert kind.word in layouts.WORDS
        text = layouts.random(Place(ROOT), kind.word)
        result = load(str(ROOT / "examples" / "random.ims"), text.encode())
        assert any(type(store) is kind.model for d in result.devices for store in d.stores)


def test_the_page_has_it(kind: StoreKind) -> None:
    page = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
    if not kind.words:
        assert f"`store NAME: {kind.word};`" in page
        return
    row = re.search(rf"^\| `store NAME: {kind.word} {{ \.\.\. }}` \|.*$", page, re.M)
    assert row, "IMSGEN_UPDATE=1 pytest tests/dsl/test_document.py makes its row"
    assert set(kind.words) <= set(re.findall(r"`(\w+)`", row[0]))


def test_editors_say_what_it_comes_to(kind: StoreKind) -> None:
    path, _, _ = started(kind)
    text = path.read_bytes()
    found = hover(str(path), text, text.index(b"store ") + len(b"store "))
    assert found and found[0].startswith("**")
