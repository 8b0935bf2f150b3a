"""What nox's methods and programs ask to be cited as.

Each is named as the documentation of xtb, tblite, pyberny and ASE (for the quasi-RRHO treatment) gives it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reference:
    """A paper or a program."""

    text: str
    doi: str = ""

    @property
    def shown(self) -> str:
        """The reference with its DOI as a link."""
        return f"{self.text}. https://doi.org/{self.doi}" if self.doi else self.text


XTB = Reference(
    "C. Bannwarth, E. Caldeweyher, S. Ehlert, A. Hansen, P. Pracht, J. Seibert, S. Spicher, S. Grimme, "
    "WIREs Comput. Mol. Sci. 2021, 11, e1493",
    "10.1002/wcms.1493",
)
TBLITE = Reference("tblite, https://github.com/tblite/tblite")
BIASED_HESSIAN = Reference(
    "S. Spicher, S. Grimme, J. Chem. Theory Comput. 2021, 17, 1701-1714", "10.1021/acs.jctc.0c01306"
)
PYBERNY = Reference("J. Hermann, PyBerny", "10.5281/zenodo.3695037")
RDKIT = Reference("RDKit: open-source cheminformatics, https://www.rdkit.org")
QUASI_RRHO = Reference("S. Grimme, Chem. Eur. J. 2012, 18, 9955-9964", "10.1002/chem.201200497")
_SOLVATION = Reference(
    "S. Ehlert, M. Stahn, S. Spicher, S. Grimme, J. Chem. Theory Comput. 2021, 17, 4250-4261",
    "10.1021/acs.jctc.1c00471",
)
# Methods and solvation models by the names results have them under.
METHODS = {
    "gfn2": Reference(
        "C. Bannwarth, S. Ehlert, S. Grimme, J. Chem. Theory Comput. 2019, 15, 1652-1671",
        "10.1021/acs.jctc.8b01176",
    ),
    "gfn1": Reference(
        "S. Grimme, C. Bannwarth, P. Shushkov, J. Chem. Theory Comput. 2017, 13, 1989-2009",
        "10.1021/acs.jctc.7b00118",
    ),
    "ipea1": Reference(
        "V. Asgeirsson, C. A. Bauer, S. Grimme, Chem. Sci. 2017, 8, 4879-4895", "10.1039/c7sc00601b"
    ),
    "gfn0": Reference(
        "P. Pracht, E. Caldeweyher, S. Ehlert, S. Grimme, ChemRxiv 2019", "10.26434/chemrxiv.8326202.v1"
    ),
    "gfnff": Reference(
        "S. Spicher, S. Grimme, Angew. Chem. Int. Ed. 2020, 59, 15665-15673", "10.1002/anie.202004239"
    ),
}
SPIN_POLARISATION = Reference(
    "H. Neugebauer, B. Bädorf, S. Ehlert, A. Hansen, S. Grimme, J. Comput. Chem. 2023, 44, 2120",
    "10.1002/jcc.27185",
)
_COSMO = Reference(
    "A. Klamt, G. Schüürmann, J. Chem. Soc., Perkin Trans. 2 1993, 799-805", "10.1039/p29930000799"
)
SOLVATIONS = {"alpb": _SOLVATION, "gbsa": _SOLVATION, "cosmo": _COSMO}
