"""`nox config`: what is in force, and from where."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.shells import Shell

if TYPE_CHECKING:
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
