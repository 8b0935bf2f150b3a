"""The description of the API (OpenAPI): names of operations, bodies, errors, and the token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from nox_cli.serve.parameters import MODELS
from nox_cli.serve.problems import MEDIA_TYPE, ProblemDocument
from workers.documents import JobRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fastapi import FastAPI
    from starlette.routing import BaseRoute

_TEMPLATE = "#/components/schemas/{model}"
_XYZ = "3\nwater\nO 0 0 0\nH 0.76 0.59 0\nH -0.76 0.59 0\n"
_REQUEST = {
    "engine": "xtb",
    "kind": "opt_properties",
    "name": "water",
    "inputs": {"xyz": _XYZ, "charge": 0, "multiplicity": 1, "params": {"gfn": 2, "opt": True}},
}
_OPEN = {("get", "/health/live"), ("post", "/session")}  # without a token
_READS = ("/jobs", "/jobs/check")  # these read a body as `nox submit -` reads its input


def name_of(route: APIRoute) -> str:
    """Name an operation after the function of its route."""
    return route.name


def describe(app: FastAPI, routes: Iterable[BaseRoute]) -> None:
    """Complete the description that FastAPI makes of an application with some routes."""
    usual = app.openapi

    def complete() -> dict[str, Any]:
        if app.openapi_schema is None:
            _complete(usual(), [route for route in routes if isinstance(route, APIRoute)])
        return app.openapi_schema or {}

    app.openapi = complete  # type: ignore[method-assign]


def _complete(found: dict[str, Any], routes: list[APIRoute]) -> None:
    components = found.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    problem = {
        "description": "An error.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": _TEMPLATE.format(model="ProblemDocument")}}},
    }
    schemas["ProblemDocument"] = _schema(ProblemDocument, schemas)
    body = _body(schemas)
    for route in routes:
        added = list(_parameters(route, schemas))
        for method in (route.methods or ()) if added else ():
            found["paths"][route.path_format][method.lower()].setdefault("parameters", []).extend(added)
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            responses = operation["responses"]
            # Parameters that are not valid are errors like others.
            responses.pop("422", None)
            if (method, path) not in _OPEN:
                operation["security"] = [{"token": []}]
            if path != "/health/live":
                responses["default"] = problem
            if method == "post" and path in _READS:
                operation["requestBody"] = body
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for name, schema in schemas.items():
        # The pages of lists have one title, after which generators of clients name their classes.
        schema["title"] = "".join(reversed(name.split("_")))


def _parameters(route: APIRoute, schemas: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Describe the parameters that a dependency of `parameters.query` reads."""
    for dependency in route.dependant.dependencies:
        model = MODELS.get(dependency.call) if dependency.call else None
        described = _schema(model, schemas, "validation")["properties"] if model else {}
        for name, schema in described.items():
            if schema.get("default", ...) is None:
                del schema["default"]
            text = {"description": schema["description"]} if "description" in schema else {}
            yield {"name": name, "in": "query", "required": False, "schema": schema, **text}


def _schema(kind: Any, schemas: dict[str, Any], mode: Any = "serialization") -> dict[str, Any]:
    """Describe a type, and add the types that it refers to."""
    made = TypeAdapter(kind).json_schema(mode=mode, ref_template=_TEMPLATE)
    schemas |= made.pop("$defs", {})
    return made


def _body(schemas: dict[str, Any]) -> dict[str, Any]:
    one = _schema(JobRequest, schemas, "validation")
    many = {"type": "array", "items": one}
    text = {"type": "string"}
    files = {"type": "array", "items": {"type": "string", "format": "binary"}, "minItems": 1}
    examples = {
        "echo": {"value": {"kind": "echo", "payload": 1}},
        "water": {"value": _REQUEST},
        "two": {"value": [_REQUEST, {"kind": "echo", "payload": "a test"}]},
    }
    return {
        "required": True,
        "description": "What `nox submit -` reads, requests as JSON or structures as text, or files.",
        "content": {
            "application/json": {"schema": {"anyOf": [one, many]}, "examples": examples},
            "application/x-ndjson": {"schema": text},
            "chemical/x-xyz": {"schema": text, "example": _XYZ},
            "text/plain": {"schema": text},
            "multipart/form-data": {
                "schema": {"type": "object", "properties": {"file": files}, "required": ["file"]}
            },
        },
    }
