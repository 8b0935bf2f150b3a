"""What counts as a key among the bytes that a terminal sends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nox_cli.render.terminal.keys import Decoder

SEQUENCES = st.sampled_from(
    (
        b"\x1b[A", b"\x1bOq", b"\x1b[1;5f", b"\x1b[<0;1;1M", b"\x1b[Mqqq", b"\x1bq",
        b"\x1b[200~q\x1b[Aq\x1b[201~", b"\x1b]11;rgb:f/f/f\x07", b"\x1bP1$r0q\x1b\\",
    )
)  # fmt: skip


@given(st.lists(st.one_of(SEQUENCES, st.sampled_from([b"q", b"f", b"?"]))), st.data())
def test_decoder_finds_keys_however_the_bytes_come(sent: list[bytes], data: st.DataObject) -> None:
    """
    Sequences are left out, wherever they are cut in two; keys between them are found, in order.
    """
    whole, decoder, typed = b"".join(sent), Decoder(), ""
    while whole:
        size = data.draw(st.integers(1, len(whole)))
        typed += decoder.decode(whole[:size], 1.0)
        whole = whole[size:]

    assert typed == b"".join(one for one in sent if len(one) == 1).decode()


@pytest.mark.parametrize("later_s", [0.1, 60.0])
def test_decoder_takes_escape_for_a_key_after_a_while(later_s: float) -> None:
    """
    A key that comes some time after Escape is a key; at once it belongs to a sequence.
    """
    decoder = Decoder()

    assert decoder.decode(b"\x1b", 1.0) + decoder.decode(b"q", 1.0 + later_s) == "q"
    assert decoder.decode(b"\x1b", 100.0) + decoder.decode(b"q", 100.0) == ""


def test_decoder_waits_for_the_end_of_pasted_text() -> None:
    """
    However long pasted text takes to come, nothing in it is a key, and little of it is kept.
    """
    decoder = Decoder()
    begun = decoder.decode(b"\x1b[200~q", 1.0) + decoder.decode(b"quit\n" * 1_000_000, 9.0)

    assert begun + decoder.decode(b"f\x1b[201", 20.0) + decoder.decode(b"~f", 21.0) == "f"
