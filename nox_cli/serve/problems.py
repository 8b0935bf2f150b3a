"""Errors as problem documents (RFC 9457), with the code, message and hint that commands report."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NotRequired

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from typing_extensions import TypedDict

from nox_cli.exits import ExitCode, exit_code
from nox_cli.results.json_objects import Record, SubmittedJob
from nox_cli.serve.documents import answer
from workers.errors import InputRefused, LeaseLost, NoxError, Retry, StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI, Request
    from starlette.responses import Response


class Refusal(TypedDict):
    """A refused input: its place among all, from 0, and why."""

    index: int
    message: str
    hint: str | None


class ProblemDocument(Record):
    """An error (RFC 9457), with the code, message and hint of nox."""

    type: str
    title: str
    status: int
    detail: str  # what happened, and what nox did about it
    code: str  # as `nox --json` reports it
    hint: str | None  # what to do
    refusals: NotRequired[list[Refusal]]  # of inputs
    jobs: NotRequired[list[SubmittedJob]]  # that were stored before the store failed


MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 2
_STATUS: Mapping[ExitCode, HTTPStatus] = {
    ExitCode.USAGE: HTTPStatus.BAD_REQUEST,
    ExitCode.NOTHING_MATCHED: HTTPStatus.NOT_FOUND,
    ExitCode.STORE: HTTPStatus.SERVICE_UNAVAILABLE,
    ExitCode.INPUT_REFUSED: HTTPStatus.UNPROCESSABLE_ENTITY,
    ExitCode.JOB_FAILED: HTTPStatus.UNPROCESSABLE_ENTITY,  # no engine can do it
}


class Problem(Exception):
    """Raised to answer a request with an error."""

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        message: str,
        *,
        hint: str = "",
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        """Describe the error.

        Args:
            status: the status of the answer.
            code: the code that programs read, as `nox --json` reports it.
            message: what happened, and what nox did about it.
            hint: what to do.
            headers: further headers of the answer.
            more: further members of the document.
        """
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.hint = hint
        self.headers = dict(headers or {})
        self.more = more

    def response(self) -> Response:
        """Make the answer."""
        document = {
            "type": "about:blank",
            "title": self.status.phrase,
            "status": self.status.value,
            "detail": self.message,
            "code": self.code,
            "hint": self.hint or None,
            **self.more,
        }
        return answer(document, self.status, self.headers, MEDIA_TYPE)


def problem_of(error: NoxError) -> Problem:
    """Describe an error of nox as a problem."""
    more: dict[str, Any] = {}
    headers = {}
    if isinstance(error, LeaseLost):
        status = HTTPStatus.CONFLICT
    else:
        status = _STATUS.get(exit_code(error), HTTPStatus.INTERNAL_SERVER_ERROR)
    if isinstance(error, StoreError) and error.retry is Retry.LATER:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    if isinstance(error, InputRefused):
        more["refusals"] = [
            {"index": one.index, "message": one.what, "hint": one.hint or None}
            for one in error.each or (error,)
        ]
    return Problem(status, error.code, error.message, hint=error.hint, headers=headers, **more)


def install(app: FastAPI) -> None:
    """Have an application answer every error as a problem document."""
    app.add_exception_handler(Problem, _of_problem)
    app.add_exception_handler(NoxError, _of_nox)
    app.add_exception_handler(RequestValidationError, _of_parameters)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(Exception, _of_bug)


async def _of_problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response()


async def _of_nox(_request: Request, error: Exception) -> Response:
    assert isinstance(error, NoxError)
    return problem_of(error).response()


async def _of_parameters(_request: Request, error: Exception) -> Response:
    """Name the first parameter that is not valid."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"][1:])
    text = str(first["msg"]).removeprefix("Value error, ")
    return Problem(HTTPStatus.BAD_REQUEST, "usage", f"{place}: {text}"[:500]).response()


async def _of_http(_request: Request, error: Exception) -> Response:
    """Answer a request that has no route, or not by this method."""
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    code = status.name.lower()
    return Problem(status, code, str(error.detail), headers=error.headers).response()


async def _of_bug(_request: Request, error: Exception) -> Response:
    """Answer without details; the log has the traceback."""
    what = f"this is a bug in nox ({type(error).__name__})"
    hint = "the log of nox serve has more"
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", what, hint=hint).response()
