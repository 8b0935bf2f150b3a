"""`nox help`: topics."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest

from nox_cli.commandline.registry import COMMANDS, TOPICS
from nox_cli.completion.words import all_words
from nox_cli.config.settings import KEYS
from nox_cli.exits import MEANINGS
from workers.job import JobState

if TYPE_CHECKING:
    from tests.support.nox import Nox


@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_fits_a_terminal(nox: Nox, topic: str) -> None:
    """
    A topic is a page of lines no wider than 80 columns.
    """
    shown = nox("help", topic, check=True).stdout

    assert [] == [line for line in shown.splitlines() if len(line) > 80]
    assert shown.endswith("\n")


def test_exit_codes_are_the_table_of_the_source(nox: Nox) -> None:
    """
    Every code is listed with its meaning.
    """
    shown = re.sub(r"\s+", " ", nox("help", "exit-codes", check=True).stdout)

    assert [] == [code for code, means in MEANINGS.items() if f" {int(code)} {means}" not in shown]


def test_environment_names_every_variable_and_setting(nox: Nox) -> None:
    """
    Each variable and each name in a file is explained.
    """
    shown = nox("help", "environment", check=True).stdout.split()

    assert [] == [
        key for key in KEYS if key.name not in shown or (key.variable and key.variable not in shown)
    ]


def test_states_are_those_jobs_can_be_in(nox: Nox) -> None:
    """
    Each raw state stands beside its public form.
    """
    rows = [line.split()[:2] for line in nox("help", "states", check=True).stdout.splitlines()[1:]]

    assert [[state.value, state.public.value] for state in JobState] == rows


def test_examples_use_what_exists(nox: Nox) -> None:
    """
    Every nox command in the examples is a command, and every option of it an option it has.
    """
    options = {one.name: {n for o in one.options for n in o.names} for one in all_words().below}
    shown = nox("help", "examples", check=True).stdout
    calls = [shlex.split(call) for call in re.findall(r"\bnox ([^&|;>()\n]*)", shown)]

    assert 10 <= len(calls)
    assert [] == [name for name, *_ in calls if name not in COMMANDS]
    assert [] == [
        (name, w) for name, *ws in calls for w in ws if re.match("--?[a-z]", w) and w not in options[name]
    ]


def test_an_unknown_topic_lists_the_known(nox: Nox) -> None:
    """
    What there is no help on exits 2 and names what there is.
    """
    ended = nox("help", "nonsense")

    assert 2 == ended.returncode
    assert [] == [topic for topic in TOPICS if topic not in ended.stderr]
