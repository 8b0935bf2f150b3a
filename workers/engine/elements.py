"""The elements by rising atomic number, and how the GFN-xTB methods describe them."""

from __future__ import annotations

_ROWS = (
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr "
    "Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb "
    "Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf "
    "Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og"
)
SYMBOLS = tuple(_ROWS.split())
NUMBERS = {symbol: number for number, symbol in enumerate(SYMBOLS, 1)}
# The methods have parameters up to radon.
MAX_NUMBER = 86

_VALENCE = (
    "1 2 1 2 3 4 5 6 7 8 1 2 3 4 5 6 7 8 1 2 3 4 5 6 7 8 9 10 11 2 3 4 5 6 7 8 1 2 3 4 5 6 7 8 9 10 11 2 "
    "3 4 5 6 7 8 1 2 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 4 5 6 7 8 9 10 11 2 3 4 5 6 7 8"
)
# How many electrons of each neutral atom are in the calculation; the others are part of its core.
VALENCE = tuple(map(int, _VALENCE.split()))
# How many orbitals each atom brings.
_GFN1 = "21444444494499999949999999999499999949999999999499999949999999999999999999999994444999"
ORBITALS = {
    "gfn2": tuple(
        map(int, "14444444494999999949999999999499999949999999999499999949999999999999999999999994444499")
    ),
    "gfn1": tuple(map(int, _GFN1)),
    # One diffuse orbital more on boron to fluorine.
    "ipea1": tuple(map(int, _GFN1.replace("44444449", "44555559", 1))),
    "gfn0": tuple(
        map(int, "24444444494999999949999999999499999949999999999499999949999999999999999999999994444499")
    ),
}
