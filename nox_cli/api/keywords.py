"""Keyword arguments of the API: the options of the command line, checked and turned into typed options."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence  # noqa: TC003  pydantic reads them
from difflib import get_close_matches
from enum import StrEnum
from numbers import Real
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from nox_cli.api.connection import Selected, named
from nox_cli.argv import OPTIONAL_LEVEL
from nox_cli.inputs.comment import MAX_CHARGE
from nox_cli.results.comparison import ComparisonOptions
from nox_cli.results.query import ResultsOptions
from nox_cli.results.thermochemistry import Conditions, Temperatures, standard_state, temperatures
from nox_cli.submission.engine_choice import EngineWanted
from nox_cli.submission.handover import NOT_SUBMITTED
from nox_cli.submission.options import Found, KindWanted, StartOptions, SubmitOptions, UniqueOptions
from nox_cli.times import seconds_of
from nox_cli.values import atom_numbers, memory_bytes, pressure_pa, retried_reasons
from workers.errors import UsageError
from workers.names import OptLevel

if TYPE_CHECKING:
    from collections.abc import Callable

E = TypeVar("E", bound=StrEnum)
_Positive = Annotated[float, Field(gt=0)]


@with_config(ConfigDict(strict=True, extra="forbid", allow_inf_nan=False))
class PlainKeywords(TypedDict, total=False):
    """The keyword arguments of `submit` that name no jobs: the options of `nox submit` by their long names.

    Left out or None means what it means there.
    """

    sp: bool | None
    grad: bool | None
    opt: bool | str | None  # True: normal; or crude, sloppy, loose, normal, tight, vtight, extreme
    hess: bool | None
    ohess: bool | str | None  # True: tight
    bhess: bool | str | None  # True: tight
    temp: _Positive | None  # K
    pressure: _Positive | str | None  # Pa, or "1bar"
    symmetry_number: Annotated[int, Field(ge=1, le=1_000)] | None
    gfn: Annotated[int, Field(ge=0, le=2)] | None
    gfnff: bool | None
    ipea1: bool | None
    alpb: str | None  # a solvent
    gbsa: str | None
    spinpol: bool | None
    engine: str | None  # auto, xtb, tblite, xtb-cli
    chrg: Annotated[int, Field(ge=-MAX_CHARGE, le=MAX_CHARGE)] | None
    uhf: Annotated[int, Field(ge=0)] | str | None  # unpaired electrons, or "auto"
    mult: Annotated[int, Field(ge=1, le=1_001)] | None
    acc: _Positive | None
    etemp: _Positive | None  # K
    iterations: Annotated[int, Field(ge=1, le=10_000)] | None
    cycles: Annotated[int, Field(ge=1, le=100_000)] | None
    freeze: str | Sequence[int] | None  # atoms, counted from 1: "1-4,7" or [1, 2, 3, 4, 7]
    input: str | None  # the path of an input file for the xtb program
    force: bool | None
    passed_on: Sequence[str] | None  # further options for the xtb program
    kind: str | None  # "echo": nothing is computed
    payload: Any  # the JSON value that an echo job returns
    name: str | None
    tags: Mapping[str, str] | None
    batch: str | None
    priority: int | None
    cores: int | None
    memory: Annotated[int, Field(ge=1)] | str | None  # bytes, or "4G"
    time: _Positive | str | None  # s, or "30m"
    retries: int | None
    retry_on: str | Sequence[str] | None
    max_fails: int | None
    smiles: str | Sequence[str] | None
    split: bool | None
    skip_bad: bool | None
    allow_empty: bool | None
    hold: bool | None
    begin: str | None  # a time: "06:00", "2026-03-01T14:00"
    delay: Annotated[float, Field(ge=0)] | str | None  # s, or "2h"
    unique: bool | str | None  # store only what is not stored yet: True, or a key
    if_exists: str | None  # skip, error, new, retry-failed
    start: bool | None  # False: start no worker on this machine
    durable: bool | None  # return only once a power cut cannot lose the jobs


class SubmitKeywords(PlainKeywords, total=False):
    """All keyword arguments of `submit` and `check`."""

    after: Selected | None  # start once these have completed
    after_any: Selected | None  # once these have finished, completed or not
    after_fail: Selected | None  # once these have failed
    from_jobs: Selected | None  # a job for each of these, which starts from its final geometry


@with_config(ConfigDict(strict=True, extra="forbid", allow_inf_nan=False))
class ResultKeywords(TypedDict, total=False):
    """Selects and compares results: the options of `nox results` by their long names."""

    every: bool  # failed and cancelled jobs, too
    sort: str  # a column; "-COLUMN": descending
    limit: Annotated[int, Field(ge=1)] | None
    attempt: Annotated[int, Field(ge=1)] | None
    relative: bool
    boltzmann: bool
    within: Annotated[float, Field(ge=0)] | None  # kcal/mol above the lowest
    keep_reacted: bool
    no_mirror: bool
    electronic: bool
    temp: _Positive | str | Sequence[float] | None  # K; several: a list, or "273:373:25"
    standard_state: str | None  # "1M", "1bar"
    symmetry_number: Annotated[int, Field(ge=1, le=1_000)] | None


class SubmitArguments(NamedTuple):
    """The keyword arguments of `submit` as the options of the command."""

    options: SubmitOptions
    start: StartOptions
    unique: UniqueOptions
    starts_worker: bool
    durable: bool


_JOBS = ("after", "after_any", "after_fail", "from_jobs")
_PLAIN = TypeAdapter(PlainKeywords)
_RESULTS = TypeAdapter(ResultKeywords)


def submit_arguments(keywords: Mapping[str, Any]) -> SubmitArguments:
    """Check keyword arguments, and make options of them.

    Raises:
        UsageError: there is no such option, or its value cannot be used.
        NothingMatched: an argument names no jobs.
    """
    known = SubmitKeywords.__annotations__
    plain = {name: value for name, value in keywords.items() if name not in _JOBS}
    starts: dict[str, Any] = {name: named(keywords[name]) for name in _JOBS if keywords.get(name) is not None}
    found = _checked(_PLAIN, plain, known, did=NOT_SUBMITTED)
    values = {name: _READERS[name](value) if name in _READERS else value for name, value in found.items()}
    if "tags" in values:
        values["tag"] = values.pop("tags")
    if "from_jobs" in starts:
        starts["from_"] = starts.pop("from_jobs")
    starts |= {name: values.pop(name) for name in ("begin", "delay", "hold") if name in values}
    starts_worker, durable = values.pop("start", True), values.pop("durable", False)
    unique = UniqueOptions(*(values.pop(name, None) for name in UniqueOptions._fields))
    given = {name: value for name, value in values.items() if value is not None}
    return SubmitArguments(SubmitOptions(**given), StartOptions(**starts), unique, starts_worker, durable)


def result_options(
    keywords: Mapping[str, Any],
) -> tuple[ResultsOptions, ComparisonOptions, Conditions]:
    """Check keyword arguments, and make options of results of them.

    Raises:
        UsageError: there is no such option, or its value cannot be used.
    """
    found = _checked(_RESULTS, keywords, ResultKeywords.__annotations__)
    temp, state = found.pop("temp", None), found.pop("standard_state", None)
    conditions = Conditions(
        None if temp is None else _temperatures(temp),
        None if state is None else standard_state(state),
        found.pop("symmetry_number", None),
    )
    names = ComparisonOptions._fields
    compared = ComparisonOptions(**{name: found.pop(name) for name in names if name in found})
    return ResultsOptions(**found), compared, conditions


def seconds(value: float | str | None) -> float | None:
    """Read a duration: seconds, or a text such as `30m`.

    Raises:
        UsageError: the text is no duration, or the number is negative.
    """
    if isinstance(value, str):
        return seconds_of(value)
    if not isinstance(value, Real | None):
        raise UsageError(f"a {type(value).__name__} is no duration", hint='seconds, or a text such as "30m"')
    if value is not None and not value >= 0:
        raise UsageError(f"{value} s is no duration")
    return value


def _checked(
    adapter: TypeAdapter[Any], keywords: Mapping[str, Any], known: Iterable[str], *, did: str = ""
) -> dict[str, Any]:
    given = {name: _plain(value) for name, value in keywords.items() if value is not None}
    try:
        found: dict[str, Any] = adapter.validate_python(given)  # whole numbers become floats where they must
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0])
        if first["type"] == "extra_forbidden":
            near = get_close_matches(name, list(known), 1)
            hint = f"do you mean {near[0]}?" if near else ""
            raise UsageError(f"there is no option {name}", did=did, hint=hint) from None
        raise UsageError(f"{name}={given[name]!r}: {first['msg'].lower()}", did=did) from None
    return found


def _plain(value: Any) -> Any:
    """Return numbers and arrays of numpy, ranges and sets as plain values."""
    if isinstance(value, range | set | frozenset):
        return sorted(value)
    is_numpy = type(value).__module__ == "numpy"
    return value.tolist() if is_numpy else value


def _level(name: str) -> Callable[[bool | str], OptLevel | None]:
    usual = OPTIONAL_LEVEL["submit"][f"--{name}"][1]

    def read(value: bool | str) -> OptLevel | None:
        return (usual if value else None) if isinstance(value, bool) else _one_of(OptLevel, value)

    return read


def _one_of(kind: type[E], value: str) -> E:
    try:
        return kind(value)
    except ValueError:
        raise UsageError(f'"{value[:40]}" is none of {", ".join(kind)}', did=NOT_SUBMITTED) from None


def _json(value: object) -> str:
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"payload: {error}", did=NOT_SUBMITTED) from None


def _temperatures(value: float | str | Sequence[float]) -> Temperatures:
    if not isinstance(value, str | float | int):
        return Temperatures(tuple(sorted(temperatures(str(one)).kelvin[0] for one in value)))
    return temperatures(str(value))


def _listed(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "opt": _level("opt"),
    "ohess": _level("ohess"),
    "bhess": _level("bhess"),
    "pressure": lambda value: pressure_pa(value) if isinstance(value, str) else value,
    "engine": lambda value: _one_of(EngineWanted, value),
    "uhf": str,
    "freeze": lambda value: atom_numbers(value if isinstance(value, str) else ",".join(map(str, value))),
    "kind": lambda value: _one_of(KindWanted, value),
    "payload": _json,
    "tags": lambda value: [f"{key}={label}" for key, label in value.items()],
    "memory": lambda value: memory_bytes(value) if isinstance(value, str) else value,
    "time": seconds,
    "retry_on": lambda value: retried_reasons(",".join(_listed(value))),
    "delay": seconds,
    "unique": lambda value: ("" if value else None) if isinstance(value, bool) else value,
    "if_exists": lambda value: _one_of(Found, value),
    "smiles": _listed,
    "passed_on": _listed,
}
