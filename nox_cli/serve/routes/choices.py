"""Choices that a form for `POST /jobs` offers: parameters with bounds, methods, solvents, engines."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.responses import Response
from typing_extensions import TypedDict

from nox_cli.argv import OPTIONAL_LEVEL
from nox_cli.commandline.job_options import START, SUBMIT, UNIQUE
from nox_cli.doctor.versions import installed
from nox_cli.inputs.files import MAX_FILE_BYTES
from nox_cli.inputs.formats import EXTENSIONS
from nox_cli.results.json_objects import Record, closed
from nox_cli.serve.access import Reader
from nox_cli.serve.documents import answer
from nox_cli.serve.parameters import MODELS
from nox_cli.serve.routes.jobs import SUBMIT_QUERY
from nox_cli.serve.state import ServerState, State
from nox_cli.serve.submission import MAX_JOBS
from nox_cli.submission.jobs import DEFAULT_MEMORY_BYTES
from workers.engine.molecule.solvents import solvents
from workers.job import RETRIABLE
from workers.names import METHOD_TITLES, Method, Solvation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

router = APIRouter(tags=["server"])
_DECLARED: Mapping[str, Any] = {**SUBMIT, **START, **UNIQUE}
_PARAMETERS: Mapping[str, Mapping[str, int | bool]] = {
    Method.GFN2: {"gfn": 2},
    Method.GFN1: {"gfn": 1},
    Method.GFN0: {"gfn": 0},
    Method.GFNFF: {"gfnff": True},
    Method.IPEA1: {"ipea1": True},
}


@closed
class Choice(TypedDict):
    """A parameter of `POST /jobs`, and the group of the option of `nox submit` that it is."""

    help: str
    group: str
    type: str  # string, integer, number, boolean, or array: it may be repeated
    implied: str | None  # the value that the option means without one; null: it has one, or is a flag
    choices: list[str]  # empty: any value within the bounds
    least: float | None
    most: float | None


@closed
class MethodChoice(TypedDict):
    """A method: the parameters that choose it, and its solvents by model."""

    name: str
    title: str
    parameters: dict[str, int | bool]
    solvents: dict[str, list[str]]


@closed
class EngineChoice(TypedDict):
    """An engine, with its version on the machine of the server, and those of the living workers."""

    name: str
    version: str | None
    workers: list[str]


class Choices(Record):
    """Lists the choices of a form for `POST /jobs`, and its limits."""

    parameters: dict[str, Choice]
    methods: list[MethodChoice]
    engines: list[EngineChoice]
    retry_on: list[str]
    extensions: list[str]  # of files that are read
    smiles: bool  # whether SMILES are read here
    default_memory_bytes: int
    most_bytes: int  # of one request
    most_jobs: int  # of one request


@router.get("/choices", summary="What a form for POST /jobs offers", response_model=Choices)
async def read_choices(state: State, _principal: Reader) -> Response:
    """Return parameters with their bounds, methods with their solvents, engines, and limits of a request."""
    return answer(await state.call(_choices, state))


def _choices(state: ServerState) -> Choices:
    offered = sorted(frozenset[str]().union(*(one.beat.engines for one in state.view.workers() if one.alive)))
    here, parameters = installed().engines, dict(_parameters())
    return {
        "parameters": parameters,
        "methods": [
            {
                "name": name,
                "title": METHOD_TITLES[name],
                "parameters": dict(chosen),
                "solvents": {model: sorted(solvents(model, name)) for model in Solvation},
            }
            for name, chosen in _PARAMETERS.items()
        ],
        "engines": [
            {
                "name": name,
                "version": here.get(name),
                "workers": [key.partition("@")[2] for key in offered if key.startswith(f"{name}@")],
            }
            for name in parameters["engine"]["choices"]
        ],
        "retry_on": sorted(RETRIABLE),
        "extensions": sorted(EXTENSIONS),
        "smiles": find_spec("rdkit") is not None,
        "default_memory_bytes": DEFAULT_MEMORY_BYTES,
        "most_bytes": MAX_FILE_BYTES,
        "most_jobs": MAX_JOBS,
    }


def _parameters() -> Iterator[tuple[str, Choice]]:
    """Describe the parameters of `POST /jobs`, as its model of them does."""
    schema = MODELS[SUBMIT_QUERY].model_json_schema()
    levels = {option.removeprefix("--"): level for option, level in OPTIONAL_LEVEL["submit"].values()}
    for name, one in schema["properties"].items():
        part = next(kind for kind in one.get("anyOf", [one]) if kind.get("type") != "null")
        part = _resolved(part, schema.get("$defs", {}))
        yield (
            name,
            {
                "help": one.get("description", ""),
                "group": _DECLARED[name].rich_help_panel or "",
                "type": part["type"],
                "implied": levels.get(name),
                "choices": part.get("enum", []),
                "least": part.get("minimum"),
                "most": part.get("maximum"),
            },
        )


def _resolved(part: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = part.get("$ref")
    found: Mapping[str, Any] = part if reference is None else definitions[reference.rpartition("/")[2]]
    return found
