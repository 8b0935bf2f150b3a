"""`--profile`: options of a profile take the place of those that the command line does not give."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, cast

from typer.exceptions import TyperException

from nox_cli.argv import OPTIONAL_LEVEL
from nox_cli.commandline import groups
from nox_cli.commandline.job_options import Files
from nox_cli.config.files import invalid
from nox_cli.config.profiles import OPTIONS
from nox_cli.inputs.charges import flags
from nox_cli.names import tags
from nox_cli.submission.calculation import calculation
from nox_cli.submission.engine_choice import EngineWanted
from nox_cli.submission.handover import NOT_SUBMITTED
from nox_cli.submission.jobs import common_job
from nox_cli.submission.options import OF_FREQUENCIES, SubmitOptions
from workers.errors import NoxError, SettingsInvalid, UsageError
from workers.names import OptLevel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typer import Context

    from nox_cli.commandline.context import Command, Parameter
    from nox_cli.config.profiles import Profile


class Inputs(NamedTuple):
    """The input files of jobs, and the profile that may have some of their options."""

    files: Files = None
    profile: Annotated[
        str | None,
        groups.jobs(
            "--profile", metavar="PROFILE", help="Take options from [profile.PROFILE] of your settings."
        ),
    ] = None


# Options that exclude each other: one on the command line takes the place of all in the profile.
_CALCULATIONS = frozenset({"sp", "grad", "opt", "hess", "ohess", "bhess"})
_ALTERNATIVES = (
    _CALCULATIONS,
    frozenset({"gfn", "gfnff", "ipea1"}),
    frozenset({"alpb", "gbsa"}),
    frozenset({"uhf", "mult"}),
)
_KINDS: Mapping[str, type[OptLevel | EngineWanted]] = {
    "opt": OptLevel,
    "ohess": OptLevel,
    "bhess": OptLevel,
    "engine": EngineWanted,
}


def with_profile(
    ctx: Context, options: SubmitOptions, profiles: Mapping[str, Profile], name: str | None
) -> tuple[SubmitOptions, Profile | None]:
    """Fill in the options that the command line does not give.

    Returns:
        The options, and the profile with those of its own that are among them; None: without `name`.

    Raises:
        UsageError: there is no profile of that name.
        SettingsInvalid: it has an unknown option, or a value that the option cannot have.
    """
    if name is None:
        return options, None
    if name not in profiles:
        hint = f"one of {', '.join(profiles)}" if profiles else "nox config set profile.NAME.OPTION VALUE"
        raise UsageError(f'there is no profile "{name[:80]}"', did=NOT_SUBMITTED, hint=hint)
    profile = profiles[name]
    found = checked(cast("Command", ctx.command), ctx, profile)
    replaced = _replaced(frozenset(field for field in SubmitOptions._fields if _is_given(ctx, field)))
    kept = {field: value for field, value in found.items() if field not in replaced}
    if options.tag and "tag" in kept:
        own = tags(options.tag)
        kept["tag"] = [*(word for word in kept["tag"] if word.partition("=")[0] not in own), *options.tag]
    used = {option: value for option, value in profile.options.items() if option.replace("-", "_") in kept}
    return options._replace(**kept), profile._replace(options=used)


def checked(command: Command, ctx: Context, profile: Profile, did: str = NOT_SUBMITTED) -> dict[str, Any]:
    """Read all options of a profile, by the fields of `SubmitOptions`, and check them together.

    Args:
        command: `nox submit`, or `nox run`.
        ctx: its context.
        profile: the profile.
        did: what an error states about what nox did.

    Raises:
        SettingsInvalid: there is no such option, it cannot have its value, or options contradict each other.
    """
    found: dict[str, Any] = {}
    option = ""
    try:
        for option, value in profile.options.items():
            found[option.replace("-", "_")] = _value(command, ctx, option, value)
        option = ""
        asked = SubmitOptions(**found)
        if not _CALCULATIONS & set(found):  # one may be on the command line
            asked = asked._replace(ohess=OptLevel.TIGHT)
        calculation(asked)
        flags(asked.chrg, asked.uhf, asked.mult)
        common_job(asked, "", "")
    except NoxError as error:
        option = option or next((one for one in profile.options if _is_about(error.what, one, profile)), "")
        what = f"{profile.where(option)}: {error.what}"
        raise SettingsInvalid(what, did=did, hint=error.hint) from error
    return found


def written(command: Command, option: str, words: list[str]) -> Any:
    """Turn the words for an option into the value that a settings file has.

    Raises:
        SettingsInvalid: there are several, and the option takes one.
    """
    field = option.replace("-", "_")
    param = next((one for one in cast("list[Parameter]", command.params) if one.name == field), None)
    if field == "tag":
        return words
    if len(words) > 1:
        raise invalid(f"{option} takes one value", "put a value with blanks in quotes")
    if words[0] in {"true", "false"}:
        return words[0] == "true"
    kind = "" if param is None else param.type.name
    for name, read in (("int", int), ("float", float)):
        if kind.startswith(name):
            with suppress(ValueError):
                return read(words[0])
    return words[0]


def _is_about(what: str, option: str, profile: Profile) -> bool:
    value = profile.options[option]
    return f"--{option}" in what or (isinstance(value, str) and f'"{value}"' in what)


def _replaced(given: frozenset[str]) -> frozenset[str]:
    """List the options of a profile that those of the command line replace, or make meaningless."""
    replaced = given.union(*(group for group in _ALTERNATIVES if group & given)) - {"tag"}
    if given & _CALCULATIONS and not given & {"hess", "ohess", "bhess"}:
        replaced |= {*OF_FREQUENCIES}
    if given & _CALCULATIONS and not given & {"opt", "ohess"}:
        replaced |= {"cycles"}
    return replaced


def _value(command: Command, ctx: Context, option: str, value: Any) -> Any:
    """Read the value of an option in a profile, as the command line reads it.

    Raises:
        SettingsInvalid, UsageError, InputRefused: there is no such option, or it cannot have that value.
    """
    field = option.replace("-", "_")
    if option not in OPTIONS:
        raise invalid(f"a profile has no option {option[:40]!r}", f"one of {', '.join(OPTIONS)}")
    param = next(one for one in cast("list[Parameter]", command.params) if one.name == field)
    is_flag = bool(getattr(param, "is_flag", False))
    usual = OPTIONAL_LEVEL["submit"].get(f"--{option}")
    if value is True and usual is not None:
        value = usual[1].value
    if is_flag is not isinstance(value, bool) or (
        isinstance(value, list) and field not in {"tag", "retry_on"}
    ):
        raise invalid(
            f"{option} cannot be {value!r}", "true" if is_flag else "a value as on the command line"
        )
    return value if is_flag else _read(param, ctx, value)


def _read(param: Parameter, ctx: Context, value: Any) -> Any:
    field = param.name or ""
    words = [value] if not isinstance(value, list) else value
    try:
        if field == "tag":
            tags(words)
            return words
        read = param.process_value(ctx, ",".join(map(str, words)))
        return _KINDS[field](read) if field in _KINDS else read
    except TyperException as error:
        from nox_cli.commandline.mistakes import reworded

        said, meant = reworded(error.format_message().strip().rstrip("."))
        hint = f"did you mean {meant}?  nox submit --help" if meant else "nox submit --help"
        raise invalid(said[:1].lower() + said[1:], hint) from error


def _is_given(ctx: Context, field: str) -> bool:
    source = ctx.get_parameter_source(field)
    return source is not None and source.name == "COMMANDLINE"
