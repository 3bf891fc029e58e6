"""``dataclass`` and ``field`` as the standard library has them, without what they cost at start.

``dataclasses`` imports ``inspect`` and compiles half a dozen functions for each class, which was
a quarter of what a run took.  Here a class gets closures instead.  Type checkers see the standard
library's; a test holds both to the same behaviour.  Only what this package uses is there: no
inheritance, no ``match``, ``slots``, ``order`` or ``kw_only``.
"""

from __future__ import annotations

# The same as typing's, which would have to be imported.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass, field
    from typing import Any

__all__ = ["dataclass", "field"]

_MISSING = object()


class _Field:
    """What ``field()`` was told about one field."""

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.default = options.get("default", _MISSING)
        self.factory = options.get("default_factory")
        self.init: bool = options.get("init", True)
        self.repr: bool = options.get("repr", True)
        self.compare: bool = options.get("compare", True)


if not TYPE_CHECKING:
    #: As :func:`dataclasses.field`.
    field = _Field

    def dataclass(cls=None, *, frozen=False, eq=True):
        """As :func:`dataclasses.dataclass`."""
        if cls is None:
            return lambda cls: _finish(cls, frozen, eq)
        return _finish(cls, frozen, eq)


def _finish(cls: type[Any], frozen: bool, eq: bool) -> type[Any]:
    fields: dict[str, _Field] = {}
    for name in cls.__annotations__:
        given = cls.__dict__.get(name, _MISSING)
        if isinstance(given, _Field):
            fields[name] = given
            delattr(cls, name)
        else:
            fields[name] = _Field() if given is _MISSING else _Field(default=given)
        if fields[name].default is not _MISSING:
            setattr(cls, name, fields[name].default)
    own: Any = cls
    own.__init__ = _init(cls, fields)
    own.__repr__ = _repr([name for name, f in fields.items() if f.repr])
    if eq:
        compared = [name for name, f in fields.items() if f.compare]
        own.__eq__ = _eq(compared)
        own.__hash__ = _hash(compared) if frozen else None
    if frozen:
        own.__setattr__ = _assign
        own.__delattr__ = _delete
    own.__dataclass_fields__ = _Standard(fields)
    return cls


def _init(cls: type[Any], fields: dict[str, _Field]) -> Callable[..., None]:
    names = tuple(name for name, f in fields.items() if f.init)
    count = len(names)
    factories = {name: f.factory for name, f in fields.items() if f.factory is not None}
    post_init = cls.__dict__.get("__post_init__")

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        state = self.__dict__
        if len(args) == count and not kwargs:
            state.update(zip(names, args))
        else:
            state.update(_bind(cls.__qualname__, names, fields, args, kwargs))
        for name, factory in factories.items():
            if name not in state:
                state[name] = factory()
        if post_init is not None:
            post_init(self)

    return init


def _bind(
    what: str,
    names: tuple[str, ...],
    fields: dict[str, _Field],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> dict[str, Any]:
    """The values of the fields, for a call that doesn't simply give all of them in order."""
    if len(args) > len(names):
        raise TypeError(f"{what}() takes {len(names)} arguments, not {len(args)}")
    given = dict(zip(names, args))
    for name, value in kwargs.items():
        if name not in names or name in given:
            raise TypeError(f"{what}() got an unexpected argument {name!r}")
        given[name] = value
    for name in names:
        if name not in given and fields[name].factory is None:
            if fields[name].default is _MISSING:
                raise TypeError(f"{what}() lacks the argument {name!r}")
            given[name] = fields[name].default
    return given


def _repr(names: list[str]) -> Callable[[Any], str]:
    def represent(self: Any) -> str:
        values = ", ".join([f"{name}={getattr(self, name)!r}" for name in names])
        return f"{self.__class__.__qualname__}({values})"

    return represent


def _eq(names: list[str]) -> Callable[[Any, object], Any]:
    def equal(self: Any, other: object) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in names)

    return equal


def _hash(names: list[str]) -> Callable[[Any], int]:
    def digest(self: Any) -> int:
        return hash(tuple([getattr(self, name) for name in names]))

    return digest


def _assign(self: object, name: str, value: object) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delete(self: object, name: str) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot delete field {name!r}")


class _Standard:
    """``__dataclass_fields__``, made when ``dataclasses.fields()`` or ``replace()`` asks for it."""

    def __init__(self, fields: dict[str, _Field]) -> None:
        self._fields = fields

    def __get__(self, instance: object, cls: type[Any]) -> dict[str, Any]:
        import dataclasses

        given = {name: dataclasses.field(**f.options) for name, f in self._fields.items()}
        twin = type(cls.__name__, (), {"__annotations__": cls.__annotations__, **given})
        own: Any = cls
        own.__dataclass_fields__ = vars(dataclasses.dataclass(twin))["__dataclass_fields__"]
        made: dict[str, Any] = own.__dataclass_fields__
        return made
