"""What may be handed to the xtb program as it is, and what is refused with what to do instead."""

from __future__ import annotations

import pytest

from workers.engine.program_options import PassedOn, check_input, check_options, interpreted
from workers.errors import InputRefused
from workers.names import MAX_PROGRAM_INPUT_BYTES

CONSTRAINED = """\
$constrain
   force constant=0.5   # comments are left alone
   distance: 1, 2, auto
   atoms: 3-7,9
$fix
   elements: C,N
$opt
   hlow=0.005
$wall
   potential=logfermi
   sphere: auto, all
$end
"""


@pytest.mark.parametrize("words", ["", "--pop", "--cosmo water --alpha", "--verbose --strict --lmo --wbo"])
def test_program_options_what_only_adds_to_the_output_is_allowed(words: str) -> None:
    """
    Options that print more, or name a solvation model nox has not, may be handed over.
    """
    check_options(words.split())


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("--gfn 1", "--gfn of nox's own, before --"),
        ("--chrg 1", "--chrg of nox's own, before --"),
        ("--input x", "--input of nox's own, before --"),
        ("-P 4", "--cores of nox's own, before --"),
        ("--pop --opt", "--opt of nox's own, before --"),
        ("--md", "after -- stand --pop"),
        ("--path end.xyz", "after -- stand --pop"),
        ("--vparam /tmp/p", "after -- stand --pop"),
        ("/etc/passwd", "after -- stand --pop"),
        ("--cosmo", "for example --cosmo water"),
        ("--cosmo ../x", "for example --cosmo water"),
        ("--cosmo --pop", "for example --cosmo water"),
        ("--cosmo gas", "leave --cosmo out for the gas phase"),
        ("--cosmo water --pop --cosmo thf", "name one solvent"),
        ("--pop water", "after -- stand --pop"),
        (" ".join(["--pop"] * 33), ""),
    ],
)
def test_program_options_other_options_are_refused(words: str, hint: str) -> None:
    """
    What names a file, or says what nox's record says, is refused, with nox's own option where it has one.
    """
    with pytest.raises(InputRefused) as caught:
        check_options(words.split())

    assert caught.value.hint.startswith(hint)


@pytest.mark.parametrize("text", ["", "\n\n", CONSTRAINED, CONSTRAINED.replace("\n", "\r\n")])
def test_an_input_of_constraints_is_allowed(text: str) -> None:
    """
    Constraints, fixed atoms, walls and the optimiser's inner settings may be handed over.
    """
    check_input(text)


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("$external\n orca bin=/bin/sh\n", "line 1: $external may not", "sections are $constrain"),
        ("$constrain\n reference=/etc/passwd\n", "line 2: reference of $constrain may not", "$constrain has"),
        ("$opt\n logfile=x\n", "line 2: logfile of $opt may not", "$opt has"),
        ("$opt\n maxcycle=9\n", "line 2: maxcycle of $opt may not", "use --cycles N"),
        ("$write\n output file=x\n", "line 1: $write may not", "sections are"),
        ("$chrg 1\n", "line 1: $chrg 1 may not", "use -c CHARGE"),
        ("$spin 2\n$end", "line 1: $spin 2 may not", "use -u N"),
        ("$gbsa\n solvent=water\n", "line 1: $gbsa may not", "use --gbsa or --alpb"),
        ("$wall\n ellipsoid: 1,2,3,all\n", "line 2: ellipsoid of $wall may not", "use a sphere"),
        ("$constrain\n distance: 1,2,/etc\n", "line 2:  1,2,/etc is no value", "numbers, words"),
        ("distance: 1,2,3\n", "line 1: distance: 1,2,3 stands in no section", "begin one"),
        ("$end\n$fix\n$end\natoms: 1\n", "line 4: atoms: 1 stands in no section", "begin one"),
        ("$Constrain\n", "line 1: $Constrain may not", "sections are"),
        ("$fix\n atoms: 1\x0b$external\n", "plain ASCII text", ""),
        ("$fix\n # é\n", "plain ASCII text", ""),
        ("#" * (MAX_PROGRAM_INPUT_BYTES + 1), "larger than 16 KiB", ""),
    ],
)
def test_program_options_other_inputs_are_refused(text: str, says: str, hint: str) -> None:
    """
    What starts programs, reads or names files, or contradicts the record is refused by its line.
    """
    with pytest.raises(InputRefused) as caught:
        check_input(text)

    assert says in caught.value.what
    assert caught.value.hint.startswith(hint)


def test_a_second_model_of_solvation_is_refused() -> None:
    """
    The program would take one of the two, and nothing would say which.
    """
    with pytest.raises(InputRefused, match="--alpb and --cosmo after -- contradict each other"):
        check_options(["--cosmo", "water"], "alpb")


@pytest.mark.parametrize(
    ("words", "text", "found"),
    [
        ("", "", PassedOn()),
        ("--pop --cosmo H2O", "", PassedOn("cosmo", "water", ("--pop",))),
        ("--cosmo 80", CONSTRAINED, PassedOn("cosmo", "80")),
        ("--tmcosmo thf", "", PassedOn("tmcosmo", "thf")),
        ("--cpcmx thf", "", PassedOn("cpcmx", "thf")),
        ("-g thf", "", PassedOn("gbsa", "thf")),
        ("--gbsa thf", "", PassedOn("gbsa", "thf")),
        ("--cosmo thf --alpb water", "", PassedOn("cosmo", "thf")),
        ("--cosmo gas", "", PassedOn()),
        ("--cosmo", "", PassedOn()),
        ("--foo 7 --wbo", "", PassedOn("", "", ("--wbo",), ("--foo", "7"))),
        ("", " $gbsa # x\n solvent=water\n$fix\n$end\n", PassedOn(own=("$gbsa",))),
    ],
)
def test_program_options_what_a_record_holds_is_interpreted(words: str, text: str, found: PassedOn) -> None:
    """
    A solvent is named in whatever way it was passed on; what nox does not know is kept apart.
    """
    assert found == interpreted(words.split(), text)
