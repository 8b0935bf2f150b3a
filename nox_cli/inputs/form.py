"""Reading of forms as browsers and curl send them (multipart/form-data, RFC 7578): files with their names."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from nox_cli.inputs.files import Input
from workers.errors import UsageError

if TYPE_CHECKING:
    from python_multipart.multipart import Field, File

FORM = "multipart/form-data"
# Browsers and curl write these characters of a file's name so (WHATWG HTML, multipart/form-data).
_ESCAPED = {b"%22": b'"', b"%0D": b"\r", b"%0A": b"\n"}
_CHARGES = (".CHRG", ".UHF")


class SentFiles(NamedTuple):
    """The files of a form, in their order."""

    structures: list[Input]
    charges: dict[str, bytes]  # `.CHRG` and `.UHF` files, by path

    @property
    def folder(self) -> str:
        """The name of the folder that all structures share; empty: there is none."""
        folders = {os.path.dirname(one.path.lstrip("/")) for one in self.structures}
        return os.path.basename(os.path.commonpath(folders)) if folders else ""

    def content(self) -> bytes:
        """Return what identifies the files: browsers separate the same files in another way each time."""
        files = [(one.path, one.sha256) for one in self.structures]
        charges = [(path, content.hex()) for path, content in self.charges.items()]
        return repr((files, charges)).encode()


def read_form(content: bytes, content_type: str) -> SentFiles:
    """Read the files of a form; none is unpacked or checked.

    Args:
        content: the body.
        content_type: its type, with the boundary between the files.

    Raises:
        UsageError: it is malformed, or has a part that is no file.
    """
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import FormParser, parse_options_header

    form = SentFiles([], {})

    def keep(file: File) -> None:
        name = file.file_name or b""
        for escaped, character in _ESCAPED.items():
            name = name.replace(escaped, character)
        path = os.fsdecode(name)
        file.file_object.seek(0)
        if path.endswith(_CHARGES):
            form.charges[path] = file.file_object.read()
        elif path:
            form.structures.append(Input(path, file.file_object.read()))

    boundary = parse_options_header(content_type)[1].get(b"boundary")
    in_memory = {"MAX_MEMORY_FILE_SIZE": math.inf}
    ends: list[bool] = []
    with suppress(FormParserError):
        FormParser(FORM, _refuse_field, keep, lambda: ends.append(True), boundary, config=in_memory).write(
            content
        )
    if not ends:  # it is malformed, or cut off
        raise UsageError("the form cannot be read to its end", hint="curl -F file=@a.xyz -F file=@b.xyz")
    return form


def _refuse_field(field: Field) -> NoReturn:
    name = os.fsdecode(field.field_name or b"")[:40]
    raise UsageError(f'"{name}" of the form is no file', hint="options are parameters of the URL")
