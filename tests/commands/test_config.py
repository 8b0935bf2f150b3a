"""`nox config`: what is in force, and from where."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

import pytest

from nox_cli.config.settings import KEYS
from tests.support.shells import Shell

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox


def test_show_names_value_and_origin(nox: Nox) -> None:
    """
    Each setting stands on a line with its value and where it comes from.
    """
    (nox.cwd / ".nox.toml").write_text('\nautostart = "never"\n')

    shown = nox("config", "show", "--local", check=True).stdout
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in shown.splitlines()}

    assert "value from" == lines["setting"]
    assert f"never {nox.cwd}/.nox.toml, line 2" == lines["autostart"]
    assert f"{nox.home} NOX_HOME" == lines["home"]
    assert "local --local" == lines["store"]
    assert "- default" == lines["redis_url"]


def test_show_never_prints_the_password(nox: Nox) -> None:
    """
    Of REDIS_URL all is shown but the password, as text and as JSON.
    """
    environ = {"REDIS_URL": "redis://me:canary@localhost:1/0"}
    as_text = nox("config", "show", env=environ, check=True)
    as_json = nox("config", "show", "--json", env=environ, check=True)

    assert "canary" not in as_text.stdout + as_text.stderr + as_json.stdout + as_json.stderr
    assert {"value": "redis://me:***@localhost:1/0", "origin": "REDIS_URL"} == json.loads(as_json.stdout)[
        "settings"
    ]["redis_url"]


def test_show_as_json_holds_every_setting(nox: Nox) -> None:
    """
    The JSON form maps each setting to value and origin; what is not set is null.
    """
    document = json.loads(nox("config", "show", "--json", check=True).stdout)

    assert ["schema", "settings"] == list(document)
    assert {"value": None, "origin": "default"} == document["settings"]["redis_password_file"]
    assert "nox:" == document["settings"]["prefix"]["value"]


def test_path_in_a_pipe_is_the_users_own_file(nox: Nox) -> None:
    """
    In a pipe one path is printed, whether the file exists or not, ready for an editor.
    """
    shown = nox("config", "path", env={"XDG_CONFIG_HOME": "/somewhere"}, check=True).stdout

    assert "/somewhere/nox/config.toml\n" == shown


def test_path_as_json_lists_every_place_by_strength(nox: Nox) -> None:
    """
    The JSON form lists the places in order with what became of each.
    """
    project = nox.cwd / ".nox.toml"
    project.write_text("")
    project.chmod(0o666)

    document = json.loads(nox("config", "path", "--json", check=True).stdout)

    assert {"path": str(project), "state": "distrusted"} == document["files"][0]
    assert f"{nox.cwd}/.config/nox/config.toml" == document["own"]
    assert ["/etc/xdg/nox/config.toml", "/etc/nox/config.toml"] == [f["path"] for f in document["files"]][-2:]


def test_path_on_a_terminal_tells_what_was_read(nox: Nox) -> None:
    """
    A person sees the files that count, and why one does not.
    """
    (nox.cwd / ".nox.toml").write_text("")
    (nox.cwd / ".nox.toml").chmod(0o622)
    terminal = Shell(["sh", "-c", "$NOX config path; echo DONE"], nox.cwd, environ=nox.environ)
    shown = terminal.read_until("DONE")
    terminal.close()

    assert f"{nox.cwd}/.nox.toml" in shown
    assert "ignored: it is not yours, or others may write it" in shown
    assert f"{nox.cwd}/.config/nox/config.toml" in shown


def own_file(nox: Nox) -> Path:
    """The user's own settings file."""
    return nox.cwd / ".config/nox/config.toml"


def test_set_keeps_comments_order_and_rights(nox: Nox) -> None:
    """
    `nox config set` changes one line of the user's file, and nothing else of it.
    """
    own = own_file(nox)
    own.parent.mkdir(parents=True)
    own.write_text('# mine\ncolor = "never"  # dark\nuser = "ada"\n\n[profile.a]\nopt = "tight"\n')
    own.chmod(0o640)

    nox("config", "set", "color", "always", check=True)
    nox("config", "set", "autostart", "never", check=True)
    nox("config", "set", "profile.a.opt", "loose", check=True)
    assert (
        '# mine\ncolor = "always"  # dark\nuser = "ada"\nautostart = "never"\n\n[profile.a]\nopt = "loose"\n'
    ) == own.read_text()
    assert 0o640 == own.stat().st_mode & 0o777
    assert ["config.toml"] == [path.name for path in own.parent.iterdir()]


def test_set_makes_a_private_file(nox: Nox) -> None:
    """
    Where there is no file, one is made that only its owner can read.
    """
    said = nox("config", "set", "redis_url", "redis://me:canary@localhost/0", check=True)

    assert 0o600 == own_file(nox).stat().st_mode & 0o777
    assert 0o700 == own_file(nox).parent.stat().st_mode & 0o777
    assert f"redis_url = redis://me:***@localhost/0 in {own_file(nox)}\n" == said.stdout


def test_set_by_several_at_once_loses_nothing(nox: Nox) -> None:
    """
    Processes that set different options at the same time leave all of them.
    """
    started = [nox.popen("config", "set", f"profile.p{number}.gfn", "1") for number in range(8)]

    assert [0] * 8 == [process.wait(60) for process in started]
    assert {f"p{number}" for number in range(8)} == set(tomllib.loads(own_file(nox).read_text())["profile"])


def test_set_in_a_table_of_one_line_is_refused(nox: Nox) -> None:
    """
    A file that is written so that a key cannot be added stays as it is, and is named.
    """
    own_file(nox).parent.mkdir(parents=True, exist_ok=True)
    own_file(nox).write_text(before := 'profile = {a = {opt = "tight"}}\n')

    refused = nox("config", "set", "profile.b.gfn", "1")

    assert (2, before) == (refused.returncode, own_file(nox).read_text())
    assert f"{own_file(nox)} cannot be edited here" in refused.stderr


def test_set_writes_through_a_link(nox: Nox) -> None:
    """
    A file that is a link to another stays one.
    """
    own, kept = own_file(nox), nox.cwd / "dotfiles.toml"
    own.parent.mkdir(parents=True)
    kept.write_text("")
    own.symlink_to(kept)

    nox("config", "set", "color", "never", check=True)
    assert own.is_symlink()
    assert 'color = "never"\n' == kept.read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("autostart", "perhaps"), "autostart cannot be 'perhaps'"),
        (("colour", "never"), "there is no setting 'colour'"),
        (("color", "never", "always"), "color takes one value"),
        (("redis_url", "localhost"), "redis_url is no Redis address"),
        (("user", "a b"), "user cannot be 'a b'"),
        (("profile.a", "x"), "'profile.a' is no option of a profile"),
        (("profile.a b.opt", "tight"), "is no option of a profile"),
        (("profile.a.method", "gfn2"), "a profile has no option 'method'"),
        (("profile.a.gfn", "7"), "7 is not from 0 to 2"),
        (("profile.a.ohess", "tight"), "--opt and --ohess contradict each other"),
        (("profile.a.alpb", "blah"), 'ALPB has no solvent "blah"'),
    ],
)
def test_set_refuses_what_nox_could_not_use(nox: Nox, words: tuple[str, ...], said: str) -> None:
    """
    A value is checked before it is written: the file stays as it is.
    """
    nox("config", "set", "profile.a.opt", "tight", check=True)
    before = own_file(nox).read_text()
    ended = nox("config", "set", *words)

    assert 2 == ended.returncode
    assert said in ended.stderr
    assert before == own_file(nox).read_text()


def test_set_repairs_a_value_that_stops_other_commands(nox: Nox) -> None:
    """
    A file with a bad value can be mended by `set`, which does not need the settings in force.
    """
    own = own_file(nox)
    own.parent.mkdir(parents=True)
    own.write_text('autostart = "perhaps"\n')

    assert 2 == nox("config", "show").returncode
    nox("config", "set", "autostart", "auto", check=True)
    nox("config", "show", check=True)


def test_set_names_what_is_stronger(nox: Nox) -> None:
    """
    If a variable has another value, `set` writes the file and says that it is not in force.
    """
    nox.environ["NOX_AUTOSTART"] = "never"
    ended = nox("config", "set", "autostart", "auto", "--json", check=True)

    assert "NOX_AUTOSTART" == json.loads(ended.stdout)["overridden_by"]
    assert "note: NOX_AUTOSTART" in nox("config", "set", "autostart", "auto", check=True).stderr


def test_unset_removes_settings_and_profiles(nox: Nox) -> None:
    """
    `nox config unset` removes a line, or a profile; what is not set is nothing that matches.
    """
    for key, value in (("color", "never"), ("profile.a.opt", "tight"), ("profile.b.gfn", "1")):
        nox("config", "set", key, value, check=True)

    nox("config", "unset", "color", check=True)
    nox("config", "unset", "profile.a", check=True)
    assert {"profile": {"b": {"gfn": 1}}} == tomllib.loads(own_file(nox).read_text())
    nox("config", "unset", "profile.b.gfn", check=True)
    assert {} == tomllib.loads(own_file(nox).read_text())
    assert 3 == nox("config", "unset", "color").returncode


def test_show_lists_profiles(nox: Nox) -> None:
    """
    `nox config show` lists the profiles with their options, the file and the line.
    """
    nox("config", "set", "profile.a.tag", "x=1", "y=2", check=True)
    origin = f"{own_file(nox)}, line 1"

    shown = [" ".join(line.split()) for line in nox("config", "show", check=True).stdout.splitlines()]
    assert f"profile.a --tag x=1 --tag y=2 {origin}" in shown
    document = json.loads(nox("config", "show", "--json", check=True).stdout)
    assert {"a": {"options": {"tag": ["x=1", "y=2"]}, "origin": origin}} == document["profiles"]


def test_a_project_sets_nothing_that_is_executed() -> None:
    """
    What `.nox.toml` may set is listed here: no store, no profile, and no command.
    """
    assert {"artifacts", "user", "autostart", "color"} == {key.name for key in KEYS if key.in_project}
