"""Settings: which value wins, where it came from, and what is refused."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

import pytest

from nox_cli.argv import Call
from nox_cli.config.settings import load, load_nothing
from workers.errors import NoxError, SettingsInvalid

if TYPE_CHECKING:
    from pathlib import Path

SHOW = Call("config", ("show",))


class Ground:
    """A home, a project in it, and a site, each with room for a file of settings."""

    def __init__(self, root: Path) -> None:
        self.home = root / "home"
        self.project = self.home / "work/project"
        self.site = root / "site"
        self.project.mkdir(parents=True)
        self.environ = {"HOME": str(self.home), "XDG_CONFIG_DIRS": str(self.site)}

    def write(self, path: Path, text: str, mode: int = 0o600) -> Path:
        """Write a file of settings."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def own(self, text: str) -> Path:
        """Write the user's own settings."""
        return self.write(self.home / ".config/nox/config.toml", text)

    def here(self, text: str, mode: int = 0o600) -> Path:
        """Write the project's settings, one directory above the current one."""
        return self.write(self.home / "work/.nox.toml", text, mode)


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ground:
    """A ground for one test, which stands in its project."""
    made = Ground(tmp_path)
    monkeypatch.chdir(made.project)
    return made


def refused(ground: Ground, **environ: str) -> str:
    """Load settings that cannot be used; return what is said."""
    with pytest.raises(SettingsInvalid) as caught:
        load(ground.environ | environ, SHOW)
    assert caught.value.did == "nothing was done"
    assert caught.value.hint
    return caught.value.what


def test_defaults_need_no_environment_at_all() -> None:
    """
    With an empty environment, as in cron, home and name come from the system's list of users.
    """
    settings = load({}, SHOW)
    user = pwd.getpwuid(os.getuid())

    assert user.pw_name == settings.owner
    assert f"{user.pw_dir}/.local/state/nox" == str(settings.home)
    assert settings.store.redis_url is None
    assert "nox:" == settings.store.prefix
    assert "auto" == settings.autostart


def test_strength_is_flag_variable_project_user_site(ground: Ground) -> None:
    """
    Each stronger place wins over all weaker ones, and the origin names it.
    """
    seen = []

    def look(*, call: Call = SHOW, **environ: str) -> None:
        settings = load(ground.environ | environ, call)
        seen.append((settings.color, settings.origins["color"]))

    look()
    site = ground.write(ground.site / "nox/config.toml", 'color = "never"\n', 0o644)
    look()
    own = ground.own('user = "me"\ncolor = "always"\n')
    look()
    project = ground.here('# ours\n\ncolor = "never"\n')
    look()
    look(FORCE_COLOR="1")
    look(call=Call("config", (), color="auto"), FORCE_COLOR="1")

    assert [
        ("auto", "default"),
        ("never", f"{site}, line 1"),
        ("always", f"{own}, line 2"),
        ("never", f"{project}, line 3"),
        ("always", "FORCE_COLOR"),
        ("auto", "--color"),
    ] == seen


@pytest.mark.parametrize(
    ("variable", "value", "name"),
    [
        ("REDIS_URL", "redis://localhost:6379/3", "redis_url"),
        ("NOX_REDIS_PASSWORD_FILE", "/run/secret", "redis_password_file"),
        ("NOX_PREFIX", "mine:", "prefix"),
        ("NOX_HOME", "/var/lib/nox", "home"),
        ("NOX_FALLBACK", "hold", "fallback"),
        ("NOX_ARTIFACTS", "/scratch/nox", "artifacts"),
        ("NOX_USER", "ada", "user"),
        ("NOX_AUTOSTART", "never", "autostart"),
    ],
)
def test_every_variable_is_read_at_each_call(ground: Ground, variable: str, value: str, name: str) -> None:
    """
    A variable sets its setting while it is there, and no longer.
    """
    with_it = load(ground.environ | {variable: value}, SHOW)
    without = load(ground.environ, SHOW)

    assert (value, variable) == (with_it.shown[name], with_it.origins[name])
    assert "default" == without.origins[name]


def test_an_empty_variable_counts_as_unset(ground: Ground) -> None:
    """
    `REDIS_URL= nox ...` is the local store, and empty settings are defaults.
    """
    settings = load(ground.environ | {"REDIS_URL": "", "NOX_USER": " ", "NOX_HOME": ""}, SHOW)

    assert settings.store.redis_url is None
    assert {"default"} == set(settings.origins.values())


@pytest.mark.parametrize("value", ["1", "true", "yes", "on", "TRUE"])
def test_force_local_leaves_redis_aside(ground: Ground, value: str) -> None:
    """
    NOX_FORCE_LOCAL means the local store although REDIS_URL is set, and both are shown.
    """
    settings = load(ground.environ | {"REDIS_URL": "redis://h:1", "NOX_FORCE_LOCAL": value}, SHOW)

    assert settings.store.redis_url is None
    assert "redis://h:1" == settings.shown["redis_url"]
    assert ("local", "NOX_FORCE_LOCAL") == (settings.shown["store"], settings.origins["store"])


def test_the_local_flag_wins_over_redis(ground: Ground) -> None:
    """
    `--local` means the local store, whatever the environment says.
    """
    settings = load(
        ground.environ | {"REDIS_URL": "redis://h:1", "NOX_FORCE_LOCAL": "0"}, Call("status", (), local=True)
    )

    assert settings.store.redis_url is None
    assert "--local" == settings.origins["store"]


def test_paths_start_beside_the_file_that_names_them(ground: Ground) -> None:
    """
    A relative path in a file belongs to the file's directory, one in a variable to the current one, and
    `~` is the home.
    """
    ground.here('artifacts = "files"\n')
    ground.own('home = "~/jobs"\n')

    settings = load(ground.environ, SHOW)
    assert ground.home / "work/files" == settings.artifacts
    assert ground.home / "jobs" == settings.home

    settings = load(ground.environ | {"NOX_ARTIFACTS": "files"}, SHOW)
    assert ground.project / "files" == settings.artifacts


def test_artifacts_lie_in_the_state_directory(ground: Ground) -> None:
    """
    Unless it is told otherwise, NOX_HOME holds the artifacts too; XDG_STATE_HOME moves both.
    """
    assert (
        ground.home / "x/artifacts"
        == load(ground.environ | {"NOX_HOME": str(ground.home / "x")}, SHOW).artifacts
    )
    state = load(ground.environ | {"XDG_STATE_HOME": str(ground.home / "s")}, SHOW)
    assert ground.home / "s/nox/artifacts" == state.artifacts


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_project_file_others_may_write_is_not_believed(ground: Ground, mode: int) -> None:
    """
    A `.nox.toml` that somebody else could have written is left aside.
    """
    ground.here('autostart = "never"\n', mode)

    assert "auto" == load(ground.environ, SHOW).autostart


@pytest.mark.parametrize("name", ["redis_url", "redis_password_file", "store", "home", "prefix"])
def test_a_project_file_names_no_store(ground: Ground, name: str) -> None:
    """
    Where jobs lie cannot be set by the directory one happens to stand in.
    """
    path = ground.here(f'\n{name} = "redis://elsewhere"\n')

    assert f"{path}, line 2: {name} cannot be set in .nox.toml" == refused(ground)


def test_a_password_in_a_file_others_read_is_refused(ground: Ground) -> None:
    """
    An address with a password must lie in a file of mode 0600, and is not repeated in the message.
    """
    path = ground.own('redis_url = "redis://:hunter2@host"\n')
    assert "redis://:***@host" == load(ground.environ, SHOW).shown["redis_url"]

    path.chmod(0o644)
    assert f"{path}, line 1: redis_url holds a password that others can read" == refused(ground)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('color = "blue"', ", line 1: color cannot be 'blue'"),
        ('# no\n\ncolour = "never"', ", line 3: there is no setting 'colour'"),
        ("[redis]\nurl = 1", ", line 1: there is no setting 'redis'"),
        ("autostart = true", ", line 1: autostart is not text"),
        ('user = "a b"', ", line 1: user cannot be 'a b'"),
        ('prefix = "*"', ", line 1: prefix cannot be '*'"),
        ('redis_url = "localhost"', ", line 1: redis_url is no Redis address"),
        ('store = "sqlite"', ", line 1: store cannot be 'sqlite'"),
        ("color = never", ", line 1, column 9: invalid value"),
        ('a = 1\na = 2\n"', ", line 2, column 6: cannot overwrite a value"),
    ],
)
def test_a_file_that_makes_no_sense_is_named_with_line_and_key(ground: Ground, text: str, said: str) -> None:
    """
    The message names the file, the line and the setting, or where the TOML breaks.
    """
    path = ground.own(text)

    assert f"{path}{said}" == refused(ground)


def test_a_file_that_is_no_text_is_refused(ground: Ground) -> None:
    """
    Bytes that are no UTF-8, a directory and a file without end are named, not read.
    """
    path = ground.own("")
    path.write_bytes(b'user = "\xff"')
    assert f"{path} is not UTF-8 text (byte 8)" == refused(ground)

    path.write_bytes(b"#" * 70_000)
    assert f"{path} is larger than 64 KiB" == refused(ground)

    path.unlink()
    path.mkdir()
    assert f"{path} is not a regular file" == refused(ground)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("NOX_AUTOSTART", "sometimes", "NOX_AUTOSTART cannot be 'sometimes'"),
        ("NOX_FORCE_LOCAL", "maybe", "NOX_FORCE_LOCAL cannot be 'maybe'"),
        ("NOX_USER", "a\nb", "NOX_USER cannot be 'a\\nb'"),
        ("NOX_PREFIX", "a b", "NOX_PREFIX cannot be 'a b'"),
        ("REDIS_URL", "http://:hunter2@host", "REDIS_URL is no Redis address"),
        ("REDIS_URL", "redis://", "REDIS_URL is no Redis address"),
    ],
)
def test_a_variable_nox_cannot_use_is_named(ground: Ground, variable: str, value: str, said: str) -> None:
    """
    The message names the variable, and a password in it is not repeated.
    """
    assert said == refused(ground, **{variable: value})


def test_broken_settings_do_not_stop_help(ground: Ground) -> None:
    """
    Commands that need no settings get defaults, whatever the files and variables hold.
    """
    ground.own("color = ")

    settings = load_nothing(ground.environ | {"NOX_AUTOSTART": "x", "NO_COLOR": "1"}, SHOW)

    assert ("auto", "never") == (settings.autostart, settings.color)


def test_a_deleted_directory_is_no_hindrance(ground: Ground) -> None:
    """
    Settings are found where the current directory is gone.
    """
    ground.project.rmdir()

    assert "auto" == load(ground.environ, SHOW).autostart


@pytest.mark.parametrize("value", ["relative", ""])
def test_relative_xdg_directories_are_ignored(ground: Ground, value: str) -> None:
    """
    As the XDG rules say, a relative directory counts as unset.
    """
    environ = ground.environ | {"XDG_CONFIG_HOME": value, "XDG_STATE_HOME": value}
    ground.own('autostart = "never"')

    settings = load(environ, SHOW)
    assert ("never", ground.home / ".local/state/nox") == (settings.autostart, settings.home)


def test_every_error_is_one_of_settings(ground: Ground) -> None:
    """
    What settings cannot be is told by an error a person can act on, with exit code 2.
    """
    ground.own("=")

    with pytest.raises(NoxError) as caught:
        load(ground.environ, SHOW)
    assert "settings_invalid" == caught.value.code
