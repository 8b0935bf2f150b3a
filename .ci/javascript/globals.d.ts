// What the scripts of vendor/ define, and the shapes of what several modules of the page pass on.
declare var $3Dmol: any;
declare var uPlot: any;

type Child = Node | string | number | boolean | null | undefined | Child[];
/** Texts by name. */
type Texts = Record<string, string>;
/** The words of an address: one that is given several times has a list. */
type Query = Record<string, string | string[]>;
/** A file; `isFound`: in a folder that was dropped or chosen, not by itself. */
type Given = { path: string; blob: Blob; isFound: boolean };

/** What a stream of events says at once. */
type Block = { id: string; name: string; data: string; comments: string[]; retryMs?: number };

/** A job, as `nox status --raw` prints it. */
type Job = { number: number } & Record<string, any>;

/** The answer of `GET /workforce`. */
type Workforce = { starting: boolean; workers: JobWorker[]; findings: Finding[] };
type Finding = { name: string; verdict: "ok" | "warning" | "problem"; found: string; hint: string };
type RunningJob = {
  job_id: string;
  number: number;
  name: string;
  cores: number;
  memory_bytes: number;
  started_at: string | null;
  doing: string;
};
type JobWorker = {
  worker: string;
  name: string;
  host: string;
  pid: number;
  slots: number;
  busy: number;
  cores: number;
  memory_bytes: number;
  engines: string[];
  owner: string | null;
  nox_version: string;
  last_seen_at: string;
  first_seen_at: string;
  alive: boolean;
  time_s: number | null;
  running: RunningJob[];
};

/** The answer of `GET /choices`. */
type Choices = {
  parameters: Record<string, Parameter>;
  methods: Method[];
  engines: { name: string; version: string | null; workers: string[] }[];
  extensions: string[];
  smiles: boolean;
  most_bytes: number;
  most_jobs: number;
};
type Parameter = {
  help: string;
  group: string;
  type: string;
  implied: string | null;
  choices: string[];
  least: number | null;
  most: number | null;
};
type Method = {
  name: string;
  title: string;
  parameters: Record<string, number | boolean>;
  solvents: Record<string, string[]>;
};
type Draft = import("../../nox_cli/serve/page/static/views/submit/draft.js").Draft;
/** What a submit has stored so far. */
type Stored = { jobs: any[]; warnings: string[]; batch: string };

/** A row of `GET /results`. */
type Row = any;
/** Rows that are compared with each other. */
type Ensemble = {
  key: string;
  /** By rising energy. */
  rows: Row[];
  /** The one from which energies are counted. */
  lowest: Row;
  /** From the lowest to the highest energy, in the unit of the differences. */
  span: number;
  /** The conformers without those that are there again; null: none is weighed. */
  distinct: number | null;
  /** The conformers that make 95 % of the population. */
  needed: number | null;
  /** The mean relative energy by weight, in the unit of the differences. */
  average: number | null;
  /** Of the distribution over conformers, in R. */
  entropy: number | null;
};
type Quantity = { field: string; sign: string; words: string; decimals: number };
type Column = {
  /** As `nox results --sort` takes it; empty: rows are not sorted by it. */
  name: string;
  label: string;
  /** What it is, in words. */
  title: string;
  /** It is aligned to the left. */
  isText?: boolean;
  /** All rows have the same value: it is left out where there is little room. */
  isSpare?: boolean;
  /** What rows are sorted by. */
  value: (row: Row) => any;
  shown: (row: Row) => Child;
  /** The title of a cell. */
  remark?: (row: Row) => string;
};

type ListColumn = {
  /** Its cells have the class `cell-NAME`. */
  name: string;
  /** Of the header. */
  label: string;
  /** The least, in pixels. */
  width: number;
  /** The share of the width that is left; undefined: none. */
  grow?: number;
  /** Of header and cells: `number` aligns to the right. */
  class?: string;
  cell: (item: any) => Child;
  /** The key to sort by; undefined: the list cannot be sorted by it. */
  sort?: string;
};

/** In Angstrom. */
type Point = [number, number, number];
/** `positions` of shape (atoms, 3), `lattice` the vectors a, b, c as rows, `energy` in hartree. */
type Frame = { symbols: string[]; positions: Point[]; lattice?: Point[]; energy?: number; label?: string };

type Cell = string | number | null;
/** A table of numbers. */
type Numbers = {
  name: string;
  /** With units. */
  columns: string[];
  rows: Cell[][];
  /** Of each column in the table, while the file has all digits. */
  decimals?: number[];
  /** What opens the table. */
  summary?: string;
};
type Plot = {
  title: string;
  /** Values that rise, or names for bars, or seconds since 1970 if `isTime`. */
  x: { label: string; values: (number | string)[]; isTime?: boolean };
  series: Series[];
  lines?: Line[];
  sticks?: Sticks;
  log?: boolean;
  reverse?: boolean;
  kind?: "line" | "bars";
  /** In pixels. */
  height?: number;
  /** Gets the place of a point that was clicked, or chosen by Enter. */
  onPick?: (place: number) => void;
};
/** `values` has the shape of the x axis, null where there is none; `colour` counts from 1, by default in order. */
type Series = { label: string; values: (number | null)[]; unit?: string; colour?: number };
/** A horizontal line, such as a threshold; it has the colour of the series of this place. */
type Line = { label: string; value: number; series?: number };
/** Lines from 0 up, in the unit of the first series, as the modes of a spectrum. */
type Sticks = { label: string; x: number[]; values: number[] };
