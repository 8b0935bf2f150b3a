"""CSV and TSV of every command that has them: what a spreadsheet would run as a formula is text."""

from __future__ import annotations

import csv
import io
import itertools
import json
from typing import TYPE_CHECKING

from nox_cli.results.columns import NUMBER_FIELDS, EnergyUnit
from nox_cli.results.comparison import ComparisonOptions
from tests.support.ended import ENERGY_HARTREE, complete, water

if TYPE_CHECKING:
    from tests.support.nox import Nox
    from workers.store.base import Store


def rows_of(text: str, form: str) -> list[dict[str, str]]:
    """Read a table as a program does."""
    return list(csv.DictReader(io.StringIO(text), delimiter="," if form == "csv" else "\t"))


def test_formulas_no_text_is_a_formula_of_a_spreadsheet(any_nox: Nox, any_store: Store) -> None:
    """
    Names, batches, tags, files and messages that begin as formulas do: in CSV and TSV each has a quote in
    front, unless --raw is given; charges, energies and priorities are numbers.
    """
    for text in ("=1+1", "+1", "-5", "@SUM(A1)"):
        job = water(name=text, batch=f"{text}b", tags={"-key": text}, priority=-7)
        complete(any_store, job, charge=-1, warnings=(f"{text} warned",))
    for command, form in itertools.product(("list --limit 9", "results @all"), ("csv", "tsv")):
        words = (*command.split(), "-o", form)
        rows, raw = (rows_of(any_nox(*words, *more, check=True).stdout, form) for more in ((), ("--raw",)))
        cells = [pair for row in rows for pair in row.items() if pair[1]]
        texts = [cell for column, cell in cells if column not in NUMBER_FIELDS]
        numbers = {float(cell) for column, cell in cells if column in NUMBER_FIELDS}

        assert [] == [cell for cell in texts if cell.startswith(("=", "+", "-", "@"))]
        assert {"'=1+1", "'+1", "'-5", "'@SUM(A1)", "'=1+1b"} <= set(texts)
        assert {"=1+1", "+1", "-5", "@SUM(A1)"} == {row["name"] for row in raw}
        assert {round(ENERGY_HARTREE, 10), -7.0 if command.startswith("list") else -1.0} <= numbers


def test_raw_is_about_csv_and_tsv(any_nox: Nox) -> None:
    """
    Where it would change nothing it is refused.
    """
    for words in ("list --raw", "results --raw --json", "list --raw -o jsonl", "list --raw -o csv -q"):
        refused = any_nox(*words.split())

        assert (2, True) == (refused.returncode, "--raw is about CSV and TSV" in refused.stderr)


def test_every_number_is_in_a_column_of_numbers(any_nox: Nox, any_store: Store) -> None:
    """
    What JSON has as a number is in a column that CSV writes numbers in, also of comparisons in another unit.
    """
    for charge in (0, 0, -1):
        complete(any_store, charge=charge)
    for command in ("list", "results @all", "results @all --relative --boltzmann --unit kj"):
        compared = ComparisonOptions(unit=EnergyUnit.KJ) if "kj" in command else ComparisonOptions()
        items = json.loads(any_nox(*command.split(), "--json", check=True).stdout)["items"]

        assert [] == [
            column
            for item in items
            for column, value in item.items()
            if type(value) in {int, float} and column not in {*compared.numbers(), "schema"}
        ]
