"""The words for sbatch: those that nox sets itself, in every spelling of sbatch, are refused."""

from __future__ import annotations

import pytest

from nox_cli.alloc.sbatch_words import REFUSED, check_words
from workers.errors import InputRefused


@pytest.mark.parametrize(
    "line",
    [
        "",
        "-p main -A project",
        "-pmain --account=project --qos=long",
        "--constraint=[avx2|avx512] --exclude=n1,n2",
        "--exclusive --nice --mail-type=END --mail-user ada@example.org",
        "--gres=gpu:1 --mem-bind=local --begin=22:00 -s -k -vQ",
        "--no-requeue -D /tmp --comment x",
        "-vp main --nice=100 -s -A project --gpus 1",
    ],
)
def test_words_that_choose_where_a_batch_job_runs_are_accepted(line: str) -> None:
    """
    Partition, account, QOS, constraints, nodes, mail, ...
    """
    check_words(line.split(), "")


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_words_that_nox_sets_are_refused(name: str) -> None:
    """
    With a value behind = or in the next word, and with a reason.
    """
    for words in ([f"--{name}=1"], ["-p", "main", f"--{name}", "1"]):
        with pytest.raises(InputRefused, match="cannot be among the words") as refused:
            check_words(words, "no pool was changed")
        assert refused.value.hint == REFUSED[name]


@pytest.mark.parametrize(
    "word",
    [
        "--arr=1-9",
        "--wra=hostname",
        "--cpus=9",
        "--job=x",
        "--tim=1",
        "--test",
        "--pars",
        "--dep=afterok:1",
        "--",
    ],
)
def test_beginnings_of_words_that_nox_sets_are_refused(word: str) -> None:
    """
    As sbatch takes them for the whole words.
    """
    with pytest.raises(InputRefused):
        check_words([word], "")


@pytest.mark.parametrize(
    "word", ["-J", "-Jx", "-c8", "-t", "-N2", "-n", "-ofile", "-H", "-sH", "-kQJx", "-a1"]
)
def test_letters_of_words_that_nox_sets_are_refused(word: str) -> None:
    """
    Alone, with their value, and behind letters that have none.
    """
    with pytest.raises(InputRefused):
        check_words([word], "")


def test_letters_behind_a_value_are_no_options() -> None:
    """
    -pJ is the partition J.
    """
    check_words(["-pJ", "-wNode1"], "")


@pytest.mark.parametrize(
    "line",
    ["-s job.sh", "-vQ job.sh", "--exclusive job.sh", "--contig job.sh", "-p main job.sh", "-pmain job.sh",
     "-p=x job.sh", "--partition=main job.sh", "-vpmain job.sh", "-p main : -p main", "--comment :"],
)  # fmt: skip
def test_words_that_sbatch_would_take_for_a_script_are_refused(line: str) -> None:
    """
    It would run another script, with the sizes of that; a colon begins a second batch job without a name.
    """
    with pytest.raises(InputRefused, match="is no option of sbatch"):
        check_words(line.split(), "")


@pytest.mark.parametrize("words", [["script.sh"], ["-p", "a\nb"], ["-"], ["-x"] * 101, ["-p" + "x" * 5_000]])
def test_words_that_are_no_options_are_refused(words: list[str]) -> None:
    """
    A script, control characters, and more than a command line should have.
    """
    with pytest.raises(InputRefused):
        check_words(words, "")
