"""Reading of requests as JSON: one value, an array, or one after the other (NDJSON)."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from workers.errors import InputRefused
from workers.spec import MAX_ATOMS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import ValidationError

    from nox_cli.inputs.files import Input
    from workers.documents import EchoRequest, XtbRequest

MAX_INTEGER = 2**63
# The most parts of one value: a small object takes about three hundred bytes in Python.
MAX_PARTS = 250_000
MAX_FIELDS = 100
MAX_VALUES = 100_000
_BLANKS = re.compile(r"[ \t\r\n]*")
_SHOWN = 120
_ENDED = "; what follows is not read"


class Requested(NamedTuple):
    """A request and its place: `requests.json:3`, or `requests.json[2]` in an array."""

    request: EchoRequest | XtbRequest
    place: str


def looks_like_requests(source: Input) -> bool:
    """Whether the first character that is not blank is one of JSON."""
    return source.content[:4_096].removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in {b"{", b"["}


def read_requests(source: Input) -> Iterator[Requested | InputRefused]:
    """Read requests, in order; one that cannot be read gives its refusal.

    The end of a malformed value is unknown, so reading stops there, and the refusal mentions it.  In a file
    named .ndjson or .jsonl only that line is lost.
    """
    from workers.documents import REQUEST

    validate = REQUEST.validate_python
    for place, value in read_values(source):
        if isinstance(value, InputRefused):
            yield value
            continue
        try:
            _refuse_many_fields(value)
            yield Requested(validate(value), place)
        except ValueError as error:
            yield _refusal(place, error)


def _refuse_many_fields(value: Any, place: str = "") -> None:
    """Refuse objects with many more fields than a request has: each would become an error of its own.

    Raises:
        ValueError: there is one.  The payload of an echo job is not checked.
    """
    if isinstance(value, dict):
        if len(value) > MAX_FIELDS:
            raise ValueError(f"{place or 'a request'} has {len(value):,} fields, more than {MAX_FIELDS}")
        for name in ("inputs", "params"):
            _refuse_many_fields(value.get(name), name)
        frozen = value.get("freeze")
        if isinstance(frozen, list) and len(frozen) > MAX_ATOMS:
            raise ValueError(f"freeze: {len(frozen):,} atoms, more than {MAX_ATOMS:,}")


def read_value(text: str, place: str) -> Any:
    """Read one JSON value, as of `--payload`.

    Raises:
        InputRefused: it is not JSON, or JSON that programs read differently.
    """
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise _refusal(place, error) from None


def read_values(source: Input) -> Iterator[tuple[str, Any]]:
    """Read JSON values with their places; malformed values, and too many, give a refusal."""
    for count, (place, value) in enumerate(_values(source)):
        if count == MAX_VALUES:
            what = f"{source.shown}: more than {MAX_VALUES:,} values"
            yield place, InputRefused(what, hint="write them into several files")
            return
        yield place, value


def _values(source: Input) -> Iterator[tuple[str, Any]]:
    try:
        text = source.content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = source.content.count(b"\n", 0, error.start) + 1
        yield "", InputRefused(f"{source.shown}:{line}: the text is not UTF-8")
        return
    if _is_one_a_line(source) or _parts(text) > MAX_PARTS:
        yield from _read_lines(source, text)
        return
    line = 1
    at, seen = _past_blanks(text, 0), 0
    while at < len(text):
        line, seen = line + text.count("\n", seen, at), at
        place = f"{source.shown}:{line}"
        try:
            value, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            refused, end = _refusal(place, error), text.find("\n", at)
            at = _next_line(text, at, error)
            if end >= 0 and at == len(text) and text[end:].strip():
                refused.what += _ENDED
            yield place, refused
        else:
            yield from _items(source, place, value)
        at = _past_blanks(text, at)


def _read_lines(source: Input, text: str) -> Iterator[tuple[str, Any]]:
    """Read a text with one value per line; only a file named so continues after a malformed line."""
    one_a_line = _is_one_a_line(source)
    for number, line in enumerate(_lines(text), 1):
        place = f"{source.shown}:{number}"
        if not line.strip(" \t\r"):
            continue
        try:
            value = _read_line(line, place)
        except InputRefused as refused:
            refused.hint = "requests are written one a line here, or in several files"
            if not one_a_line and number < text.rstrip().count("\n") + 1:
                refused.what += _ENDED
            yield place, refused
            if not one_a_line:
                return
        else:
            yield from _items(source, place, value)


def _is_one_a_line(source: Input) -> bool:
    """Whether the name of a file promises one value per line: a malformed one then ends with its line."""
    return source.shown.lower().removesuffix(".gz").endswith((".ndjson", ".jsonl"))


def _lines(text: str) -> Iterator[str]:
    """Split a text into lines, one at a time: there may be millions."""
    start = 0
    while (end := text.find("\n", start)) >= 0:
        yield text[start:end]
        start = end + 1
    yield text[start:]


def _read_line(line: str, place: str) -> Any:
    if _parts(line) > MAX_PARTS:
        raise InputRefused(f"{place}: more than {MAX_PARTS:,} numbers and other parts")
    return read_value(line, place)


def _parts(text: str) -> int:
    """Return the largest possible number of parts of a value: arrays, objects and their elements."""
    return sum(map(text.count, ",[{"))


def _items(source: Input, place: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        yield from ((f"{source.shown}[{index}]", item) for index, item in enumerate(value))
    else:
        yield place, value


def _past_blanks(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return found.end() if found else at


def _next_line(text: str, start: int, error: Exception) -> int:
    """Return the position after the line of a malformed value, if it ends with the line; else the end."""
    end = text.find("\n", start)
    line = text[start : end if end >= 0 else len(text)]
    if isinstance(error, json.JSONDecodeError):
        ends_there = error.pos <= end
    else:
        ends_there = line.startswith("{") and line.count("{") == line.count("}")
    return end if end >= 0 and ends_there else len(text)


def _refusal(place: str, error: Exception) -> InputRefused:
    """Make a refusal of the error of a decoder or a model."""
    from pydantic import ValidationError

    if isinstance(error, RecursionError):
        return InputRefused(f"{place}: the JSON is nested too deep")
    if isinstance(error, json.JSONDecodeError):
        start = error.doc.rfind("\n", 0, error.pos) + 1
        return InputRefused(f"{place}: not JSON at column {error.pos - start + 1}: {error.msg.lower()}")
    if isinstance(error, ValidationError):
        return InputRefused(f"{place}: {_model_fault(error)}", hint=_FORMS)
    return InputRefused(f"{place}: {error}")


def _model_fault(error: ValidationError) -> str:
    """Describe the first error of a model, with its field."""
    first = error.errors(include_url=False)[0]
    if first["type"] in _NO_REQUEST:
        return _NO_REQUEST[first["type"]]
    field = ".".join(str(part) for part in first["loc"] if part not in _KINDS)
    said = first["msg"].removeprefix("Value error, ")
    return f"{field}: {said[:1].lower()}{said[1:]}"[:_SHOWN] if field else said[:_SHOWN]


_KINDS = ("echo", "opt_properties")
_NO_REQUEST = {
    "model_attributes_type": "a request is a JSON object",
    "union_tag_not_found": 'a request has a "kind"',
    "union_tag_invalid": f'"kind" is none of {", ".join(_KINDS)}',
}
_FORMS = (
    'write {"kind": "echo", "payload": ...} or {"engine": "xtb", "kind": "opt_properties", '
    '"inputs": {"xyz": "...", "charge": 0, "multiplicity": 1, "params": {"gfn": 2, "opt": true}}}'
)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object; equal keys are refused, since programs differ in which of them they use."""
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = ""
        for twice, _ in pairs:
            if twice in seen:
                break
            seen.add(twice)
        raise ValueError(f'the key "{twice[:_SHOWN]}" is there twice')
    return found


def _constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a finite number")


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:_SHOWN]} is not a finite number")
    return number


def _integer(text: str) -> int:
    number = int(text) if len(text) <= len(str(-MAX_INTEGER)) else MAX_INTEGER
    if not -MAX_INTEGER <= number < MAX_INTEGER:
        raise ValueError(f"{text[:20]}... does not fit into 64 bits")
    return number


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_float=_float, parse_int=_integer
)
