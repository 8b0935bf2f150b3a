// The words of a calculation, its method and its medium, as `nox status` and `nox results` write them.

const METHODS = /** @type {Texts} */ ({
  gfn0: "GFN0-xTB",
  gfn1: "GFN1-xTB",
  gfn2: "GFN2-xTB",
  gfnff: "GFN-FF",
  ipea1: "IPEA1-xTB",
});
const KINDS = /** @type {Texts} */ ({
  sp: "single point",
  grad: "gradient",
  hess: "frequencies",
  ohess: "opt",
  bhess: "biased",
});
const FOLLOWED = /** @type {Texts} */ ({ ohess: "+ freq", bhess: "freq" });

/**
 * Name a kind of calculation: `opt tight + freq`.
 *
 * @param {string} kind - as records have it.
 * @param {string} [level] - of an optimisation.
 */
export function calculation(kind, level) {
  return [KINDS[kind] ?? kind, level, FOLLOWED[kind]].filter(Boolean).join(" ");
}

/** @param {string} name - as records have it; of another version of nox perhaps. */
export function method(name) {
  return METHODS[name] ?? name;
}

/** Name a medium: `ALPB(thf)`.  @param {{solvation?: string | null, solvent?: string}} record - a specification, or a row of results. */
export function medium({ solvation, solvent }) {
  return solvation ? `${solvation.toUpperCase()}(${solvent})` : "gas phase";
}
