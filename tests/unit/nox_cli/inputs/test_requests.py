"""Requests as JSON: what is read, and what is refused so that every program reads the same."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nox_cli.inputs.files import Input
from nox_cli.inputs.requests import Requested, looks_like_requests, read_requests, read_value
from workers.documents import EchoRequest, XtbRequest
from workers.errors import InputRefused

ECHO = '{"kind": "echo", "payload": 1}'
XTB = (
    '{"engine": "xtb", "kind": "opt_properties", '
    '"inputs": {"xyz": "1\\n\\nHe 0 0 0\\n", "params": {"gfn": 1, "opt": false}}}'
)


def read(text: str | bytes) -> list[Requested | InputRefused]:
    """Read a file of this content, named `r.json`."""
    return list(read_requests(Input("r.json", text.encode() if isinstance(text, str) else text)))


def refusal(text: str | bytes) -> str:
    """Read one request that is refused, and hand the words over."""
    [found] = read(text)
    assert isinstance(found, InputRefused)
    return found.what


def places(text: str) -> list[str]:
    """Read requests, and say where each stands, or what is wrong."""
    return [found.place if isinstance(found, Requested) else found.what for found in read(text)]


def test_reads_both_kinds() -> None:
    """
    An echo request and a calculation come as what they are.
    """
    echo, xtb = [found.request for found in read(ECHO + "\n" + XTB) if isinstance(found, Requested)]

    assert EchoRequest(kind="echo", payload=1) == echo
    assert isinstance(xtb, XtbRequest)
    assert (1, False) == (xtb.inputs.params.gfn, xtb.inputs.params.opt)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ECHO, ["r.json:1"]),
        ("\ufeff" + ECHO, ["r.json:1"]),
        (f"\n\n{ECHO}\n{ECHO}\r\n\n{ECHO}", ["r.json:3", "r.json:4", "r.json:6"]),
        (f"[{ECHO},\n{ECHO}]", ["r.json[0]", "r.json[1]"]),
        (json.dumps(json.loads(ECHO), indent=2) + "\n" + ECHO, ["r.json:1", "r.json:5"]),
        ("[]", []),
        ("", []),
    ],
)
def test_requests_one_after_the_other_or_an_array(text: str, expected: list[str]) -> None:
    """
    Requests may be lines, pretty-printed or an array; each knows where it stands.
    """
    assert expected == places(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON at column 2"),
        ('{"kind": "echo"', "not JSON at column 16"),
        ("{'kind': 'echo'}", "not JSON at column 2"),
        ('"echo"', "a request is a JSON object"),
        ("{}", 'a request has a "kind"'),
        ('{"kind": "ohess"}', '"kind" is none of echo, opt_properties'),
        ('{"kind": "echo", "name": 3}', "name: input should be a valid string"),
        ('{"kind": "echo", "sleep": 3}', "sleep: extra inputs are not permitted"),
        ('{"kind": "echo", "payload": NaN}', "NaN is not a finite number"),
        ('{"kind": "echo", "payload": [-Infinity]}', "-Infinity is not a finite number"),
        ('{"kind": "echo", "payload": 1e999}', "1e999 is not a finite number"),
        ('{"kind": "echo", "payload": 9223372036854775808}', "does not fit into 64 bits"),
        (f'{{"kind": "echo", "payload": {"9" * 10_000}}}', "does not fit into 64 bits"),
        ('{"kind": "echo", "kind": "echo"}', 'the key "kind" is there twice'),
        ('{"kind": "echo", "payload": {"a": 1, "a": 2}}', 'the key "a" is there twice'),
        (f'{{"kind": "echo", "payload": {"[" * 40}{"]" * 40}}}', "nested deeper than 32"),
        (f'{{"kind": "echo", "payload": {"[" * 100_000}{"]" * 100_000}}}', "nested"),
        ("[" * 100_000, "nested"),
        (b'{"kind": "echo", "payload": "\xff"}', "not UTF-8"),
        (XTB.replace('"gfn": 1', '"gfn": 7'), "inputs.params.gfn"),
        (XTB.replace("xtb", "rm -rf"), "engine"),
    ],
)
def test_refuses_what_programs_read_differently(text: str | bytes, words: str) -> None:
    """
    What is no JSON, no request, not finite, too large, too deep or ambiguous is refused with its place.
    """
    said = refusal(text)

    assert said.startswith("r.json:1: ")
    assert words in said


_NO_INTEGERS = ('"1"', '" 1 "', "1.0", "1e0", "true", "[1]")
_NO_NUMBERS = ('"1"', '"1e2"', "true", "[1.0]")
_NO_BOOLEANS = ('"yes"', '"true"', "1", "0", "1.0", "null")


@pytest.mark.parametrize(
    ("field", "odd"),
    [
        *((f"inputs.{name}", _NO_INTEGERS) for name in ("charge", "multiplicity")),
        *((f"inputs.params.{name}", _NO_INTEGERS) for name in ("gfn", "iterations", "cycles")),
        *(
            (f"inputs.params.{name}", _NO_NUMBERS)
            for name in ("temperature_k", "pressure_pa", "accuracy", "electronic_temperature_k")
        ),
        *((f"inputs.params.{name}", _NO_BOOLEANS) for name in ("opt", "frequencies", "spinpol")),
        *((f"inputs.params.{name}", ("1", "true", '["thf"]')) for name in ("opt_level", "alpb", "gbsa")),
        ("inputs.params.freeze", ("1", '"1"', "true")),
        ("inputs.params.freeze.0", ('"1"', "1.0", "true")),
        ("inputs.xyz", ("1", "null", '["1"]')),
        ("name", ("1", "null", "true")),
    ],
)
def test_requests_are_typed_strictly(field: str, odd: tuple[str, ...]) -> None:
    """
    A text is no number, a fraction no integer and neither is true or false: the field is named.
    """
    for value in odd:
        request = json.loads(XTB)
        part = request
        *path, last = field.removesuffix(".0").split(".")
        for name in path:
            part = part[name]
        part[last] = [json.loads(value)] if field.endswith(".0") else json.loads(value)

        assert refusal(json.dumps(request)).startswith(f"r.json:1: {field}: input should be "), value


def test_whole_numbers_stand_for_fractions_too() -> None:
    """
    JSON knows one kind of number: `300` is a temperature as `300.0` is.
    """
    params = {"temperature_k": 300, "opt_level": "tight", "freeze": [1, 2], "cycles": None}
    [found] = read(json.dumps(json.loads(XTB) | {"inputs": {"xyz": "x", "params": params}}))

    assert isinstance(found, Requested)
    assert isinstance(found.request, XtbRequest)
    assert (300.0, (1, 2)) == (found.request.inputs.params.temperature_k, found.request.inputs.params.freeze)


def test_the_largest_numbers_are_read() -> None:
    """
    A number of 64 bits is kept as it is.
    """
    assert -(2**63) == read_value(str(-(2**63)), "--payload")
    assert 2**63 - 1 == read_value(str(2**63 - 1), "--payload")


@pytest.mark.parametrize("bad", ["{bad", '{"kind": "echo", "payload": NaN}', "nonsense", '{"kind": "ec'])
def test_a_bad_line_costs_that_line(bad: str) -> None:
    """
    After a line that is no JSON the next line is read again.
    """
    first, _, third = places(f"{ECHO}\n{bad}\n{ECHO}")

    assert ("r.json:1", "r.json:3") == (first, third)


def test_requests_what_is_cut_off_ends_the_reading() -> None:
    """
    What stands inside a value that cannot be read is never taken for a request of its own.
    """
    found = read(f'{{"a":\n{ECHO}\n"b"\n{ECHO}')

    assert [True] == [isinstance(one, InputRefused) for one in found]


def test_requests_what_is_cut_off_costs_a_line_of_ndjson() -> None:
    """
    In a file named .ndjson a value ends with its line; elsewhere the refusal says that no more is read.
    """
    text = f'{ECHO}\n{{"kind": "echo", "payload":\n{ECHO}\n'
    found = [list(read_requests(Input(name, text.encode()))) for name in ("r.ndjson", "r.jsonl.gz", "r.json")]

    kinds = [[isinstance(one, Requested) for one in several] for several in found]
    assert [[True, False, True], [True, False, True], [True, False]] == kinds
    assert "what follows is not read" in getattr(found[2][1], "what", "")


def test_an_array_that_is_broken_gives_nothing() -> None:
    """
    An array with a fault in it is refused as a whole.
    """
    assert 1 == len(read(f'[{ECHO},\n{{"kind": "echo", "payload": NaN}},\n{ECHO}]'))


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b" \n{", True), (b"[", True), (b"\xef\xbb\xbf{", True), (b"3\n", False), (b"", False)],
)
def test_stdin_is_told_by_its_first_character(content: bytes, expected: bool) -> None:
    """
    JSON starts with a brace or a bracket, and a structure with a number.
    """
    assert expected == looks_like_requests(Input("-", content))


@given(st.binary(max_size=200))
def test_requests_no_bytes_break_the_reader(content: bytes) -> None:
    """
    Any bytes are read or refused.
    """
    assert all(isinstance(found, Requested | InputRefused) for found in read(content))


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_requests_any_payload_comes_through(payload: object) -> None:
    """
    A payload is read back as the value that was written.
    """
    [found] = read(json.dumps({"kind": "echo", "payload": payload}))

    assert isinstance(found, Requested)
    assert payload == found.request.model_dump()["payload"]


def test_very_many_requests_are_read_one_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A text of more parts than Python has room for is read line by line; an array of as many is refused, once.
    """
    monkeypatch.setattr("nox_cli.inputs.requests.MAX_PARTS", 20)
    array = f"[{', '.join([ECHO] * 12)}]"

    assert [f"r.json:{n}" for n in range(1, 41)] == places("\n".join([ECHO] * 40))
    assert ["r.json:1: more than 20 numbers and other parts"] == places(array)
    assert "not JSON at column 2" in places(array.replace("[", "[\n"))[0]
