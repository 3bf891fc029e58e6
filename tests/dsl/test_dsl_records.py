"""``imsgen.dsl.records`` against the standard library's, for every class that uses it."""

from __future__ import annotations

import dataclasses
import importlib
from pathlib import Path
from typing import Any

import pytest

import imsgen.dsl
import imsgen.generator
from imsgen.dsl import records as quick

MODULES = [
    importlib.import_module(f"{package.__name__}.{path.stem}")
    for package in (imsgen.dsl, imsgen.generator)
    for path in sorted(Path(package.__path__[0]).glob("[a-z]*.py"))
    if path.stem != "build"
]
CLASSES = sorted(
    {
        value
        for module in [imsgen.dsl, *MODULES]
        for value in vars(module).values()
        if isinstance(value, type)
        and isinstance(vars(value).get("__init__"), type(quick._finish))
        and vars(value)["__init__"].__module__ == quick.__name__
        and value is not quick._Field
        and value is not quick._Standard
    },
    key=lambda cls: (cls.__module__, cls.__name__),
)


def twin(cls: type[Any]) -> type[Any]:
    """The class as the standard library would have made it."""
    fields = cls.__dataclass_fields__
    given = {
        f.name: dataclasses.field(
            **{
                key: getattr(f, key)
                for key in ("default", "default_factory", "init", "repr", "compare")
            }
        )
        for f in fields.values()
    }
    extra = {"__post_init__": lambda self: None} if hasattr(cls, "__post_init__") else {}
    made = type(cls.__name__, (), {"__annotations__": cls.__annotations__, **given, **extra})
    made.__qualname__ = cls.__qualname__
    frozen = "__setattr__" in vars(cls)
    return dataclasses.dataclass(frozen=frozen, eq="__eq__" in vars(cls))(made)


def outcome(run: Any) -> Any:
    try:
        return run()
    except (TypeError, AttributeError) as error:
        return type(error)


def test_there_are_classes() -> None:
    assert len(CLASSES) > 50


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__qualname__)
def test_like_the_standard_librarys(cls: type[Any]) -> None:
    if "__post_init__" in vars(cls):
        pytest.skip("it does more than hold fields: see below")
    other = twin(cls)
    names = [f.name for f in dataclasses.fields(other) if f.init]
    values = {name: f"<{name}>" for name in names}
    args = list(values.values())
    calls: list[tuple[list[Any], dict[str, Any]]] = [
        (args, {}),
        ([], values),
        (args[:1], dict(list(values.items())[1:])),
        (args[:-1], {}),
        ([*args, 1], {}),
        (args, {names[0]: 1}),
        (args, {"foreign": 1}),
        ([], {}),
    ]
    for positional, named in calls:
        ours = outcome(lambda p=positional, n=named: repr(cls(*p, **n)))
        assert ours == outcome(lambda p=positional, n=named: repr(other(*p, **n)))
    a, b = cls(*args), cls(*args)
    x = other(*args)
    assert (a == b) == (x == other(*args)) and a != x
    assert outcome(lambda: hash(a) == hash(b)) == outcome(lambda: hash(x) == hash(other(*args)))
    for name in names:
        changed, expected = (dataclasses.replace(v, **{name: 0}) for v in (a, x))
        assert getattr(changed, name) == 0
        assert (changed == a) == (expected == x), name
        for action in (lambda v, n=name: setattr(v, n, 1), lambda v, n=name: delattr(v, n)):
            fresh = cls(*args), other(*args)
            ours, theirs = (outcome(lambda v=v, act=action: act(v)) for v in fresh)
            assert ours == theirs
    assert [f.name for f in dataclasses.fields(cls)] == [f.name for f in dataclasses.fields(other)]
    assert dataclasses.is_dataclass(cls) and dataclasses.is_dataclass(a)


def test_fields_of_all_kinds() -> None:
    @quick.dataclass(frozen=True, eq=False)
    class One:
        a: int
        b: list[int] = quick.field(default_factory=list)
        c: int = quick.field(default=3, repr=False)
        d: int = quick.field(init=False, repr=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "d", self.a + 1)

    one, two = One(1), One(1)
    assert (one.a, one.b, one.c, one.d) == (1, [], 3, 2)
    assert one.b is not two.b and one != two and hash(one) != hash(two)
    assert repr(one).endswith("One(a=1, b=[])")
    assert dataclasses.replace(one, a=5).d == 6
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.a = 2  # type: ignore[misc]
