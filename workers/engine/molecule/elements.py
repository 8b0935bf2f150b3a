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

# Covalent radii in Å (P. Pyykkö, M. Atsumi, Chem. Eur. J. 15 (2009) 186), hydrogen to radon.
_RADII = (
    "0.32 0.46 1.33 1.02 0.85 0.75 0.71 0.63 0.64 0.67 1.55 1.39 1.26 1.16 1.11 1.03 0.99 0.96 1.96 1.71 "
    "1.48 1.36 1.34 1.22 1.19 1.16 1.11 1.10 1.12 1.18 1.24 1.21 1.21 1.16 1.14 1.17 2.10 1.85 1.63 1.54 "
    "1.47 1.38 1.28 1.25 1.25 1.20 1.28 1.36 1.42 1.40 1.40 1.36 1.33 1.31 2.32 1.96 1.80 1.63 1.76 1.74 "
    "1.73 1.72 1.68 1.69 1.68 1.67 1.66 1.65 1.64 1.70 1.62 1.52 1.46 1.37 1.31 1.29 1.22 1.23 1.24 1.33 "
    "1.44 1.44 1.51 1.45 1.47 1.42"
)
COVALENT_RADII_ANGSTROM = tuple(map(float, _RADII.split()))
