"""Reading of SMILES, one per line with a name; RDKit makes them 3D, always the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nox_cli.inputs.comment import Comment, Frame, several_radicals
from nox_cli.inputs.lines import Lines, too_many
from workers.errors import InputRefused
from workers.spec import MAX_ATOMS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nox_cli.inputs.files import Input

ORIGIN = "SMILES"
OPEN_STEREO = "stereochemistry is left open by the SMILES: one isomer was made"
_FORMAT = "a .smi file has a SMILES, a blank and a name on each line"
_SHOWN = 60
# The time that RDKit may take for a geometry, from either kind of start; long chains may never end.
EMBEDDING_LIMIT_S = 15
# Any number will do; the same one gives the same geometry.
_SEED = 20_190_805


def read_records(source: Input) -> Iterator[Frame | InputRefused]:
    """Make a structure of each line; a line that gives none gives its refusal.

    Raises:
        InputRefused: the file is binary or empty, or RDKit is not installed.
    """
    lines = Lines.of(source, _FORMAT)
    wanted = [(at, line) for at, line in enumerate(lines.lines) if line.strip() and not line.startswith("#")]
    if not wanted:
        raise InputRefused(f"{source.shown}: there is no SMILES", hint=_FORMAT)
    for at, line in wanted:
        place, words = f"{source.shown}:{at + 1}:1", line.split(maxsplit=1)
        yield lines.attempt(lambda: _frame(place, *words, line=at + 1))  # noqa: B023  called at once


def frame_of(smiles: str) -> Frame:
    """Make a structure of one SMILES of the command line.

    Raises:
        InputRefused: RDKit is not installed, or cannot make a structure of it.
    """
    return _frame("--smiles", smiles.strip())


def _frame(place: str, smiles: str, name: str = "", *, line: int = 1) -> Frame:
    molecule = _molecule(place, smiles)
    warnings = _open_stereo(molecule)
    _embed(molecule, place, smiles)
    atoms = list(molecule.GetAtoms())
    radicals = [atom.GetNumRadicalElectrons() for atom in atoms if atom.GetNumRadicalElectrons()]
    return Frame(
        symbols=tuple(atom.GetSymbol() for atom in atoms),
        positions_angstrom=tuple(map(tuple, molecule.GetConformer().GetPositions().tolist())),
        comment=Comment(
            charge=sum(atom.GetFormalCharge() for atom in atoms),
            unpaired=1 if radicals == [1] else None,
            unclear=several_radicals(len(radicals)) or _one_radical(radicals),
            origin=ORIGIN,
        ),
        line=line,
        name=name.strip(),
        warnings=warnings,
    )


def _one_radical(radicals: list[int]) -> str:
    """Explain why the spin of an atom that lacks several bonds is ambiguous, as in carbenes."""
    short = sum(radicals)
    return f"an atom that is {short} bonds short may have them unpaired or not" if short > 1 else ""


def _molecule(place: str, smiles: str) -> Any:
    """Read a SMILES and give it its hydrogen atoms."""
    try:
        from rdkit import Chem, RDLogger
    except ImportError:
        raise InputRefused(
            f"{place}: a SMILES is made 3D by RDKit, which is not installed here",
            hint="pip install 'nox-jobs[smiles]'",
        ) from None
    RDLogger.DisableLog("rdApp.*")
    read = Chem.MolFromSmiles(smiles)
    if read is None or not read.GetNumAtoms():
        raise InputRefused(f'{place}: "{smiles[:_SHOWN]}" is no SMILES')
    if any(not atom.GetAtomicNum() for atom in read.GetAtoms()):
        raise InputRefused(f'{place}: "{smiles[:_SHOWN]}" has an atom that is no element')
    if any(atom.GetIsotope() for atom in read.GetAtoms()):
        raise InputRefused(f'{place}: "{smiles[:_SHOWN]}" names an isotope', hint="xTB knows no isotopes")
    parts = len(Chem.GetMolFrags(read))
    if parts > 1:  # RDKit would lay them on one another
        raise InputRefused(
            f'{place}: "{smiles[:_SHOWN]}" is {parts} molecules, and a SMILES does not say how they lie',
            hint="hand over a 3D structure of them",
        )
    molecule = Chem.AddHs(read)
    if molecule.GetNumAtoms() > MAX_ATOMS:
        raise InputRefused(f"{place}: {too_many(molecule.GetNumAtoms())}")
    return molecule


def _open_stereo(molecule: Any) -> tuple[str, ...]:
    """Warn of stereocentres or double bonds that a SMILES leaves open."""
    from rdkit.Chem import FindPotentialStereo, StereoSpecified

    left_open = [one for one in FindPotentialStereo(molecule) if one.specified == StereoSpecified.Unspecified]
    return (OPEN_STEREO,) if left_open else ()


def _embed(molecule: Any, place: str, smiles: str) -> None:
    """Give a molecule positions, and relax them with MMFF94, or UFF where that lacks parameters."""
    from rdkit.Chem import AllChem

    parameters = AllChem.ETKDGv3()
    parameters.randomSeed = _SEED
    parameters.timeout = EMBEDDING_LIMIT_S
    if AllChem.EmbedMolecule(molecule, parameters) != 0:
        parameters.useRandomCoords = True
        if AllChem.EmbedMolecule(molecule, parameters) != 0:
            raise InputRefused(
                f'{place}: RDKit finds no geometry for "{smiles[:_SHOWN]}"', hint="hand over a 3D structure"
            )
    if AllChem.MMFFHasAllMoleculeParams(molecule):
        AllChem.MMFFOptimizeMolecule(molecule)
    elif AllChem.UFFHasAllMoleculeParams(molecule):
        AllChem.UFFOptimizeMolecule(molecule)
