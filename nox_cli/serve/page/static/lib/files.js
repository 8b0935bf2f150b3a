// Files that a person drops, chooses or pastes, and the requests that carry them.

// Of charge and spin: `a.CHRG` belongs to `a.xyz`, `.CHRG` to all files of its folder.
const COMPANION = /\.(?:CHRG|UHF)$/;
const MOST_FOUND = 100_000;
// What a form adds to each file: a boundary, a head, and the name twice over for its escapes.
const HEAD_BYTES = 300;

/**
 * List what was dropped, before the event ends: later the browser does not know it any more.
 *
 * @param {DataTransfer | null} transfer
 * @returns {(File | FileSystemEntry)[]} folders are entries.
 */
export function dropped(transfer) {
  return [...(transfer?.items ?? [])]
    .filter((item) => item.kind === "file")
    .map((item) => {
      const entry = item.webkitGetAsEntry();
      return entry?.isDirectory ? entry : item.getAsFile();
    })
    .filter((one) => one !== null);
}

/**
 * Read the folders among what was dropped.
 *
 * @param {(File | FileSystemEntry)[]} found - of `dropped`, or files that were chosen.
 * @returns {Promise<Given[]>} at most 100,000.
 */
export async function given(found) {
  /** @type {Given[]} */
  const files = [];
  for (const one of found) {
    if (one instanceof File) {
      const inside = one.webkitRelativePath;
      files.push({ path: inside || one.name, blob: one, isFound: inside !== "" });
    } else {
      await walk(one, files);
    }
  }
  // Folders are read in any order; a shell would sort them.
  const order = (/** @type {Given} */ { path, isFound }) => (isFound ? path : "");
  return files.sort((one, other) => (order(one) < order(other) ? -1 : Number(order(one) > order(other))));
}

/** @param {any} entry @param {Given[]} files */
async function walk(entry, files) {
  if (files.length >= MOST_FOUND) {
    return;
  }
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    files.push({ path: entry.fullPath.replace(/^\//, ""), blob: file, isFound: true });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) {
      return;
    }
    for (const one of some) {
      await walk(one, files);
    }
  }
}

/** @param {string} path @returns {boolean} whether it is no structure, but has the charge or spin of one. */
export function isCompanion(path) {
  return COMPANION.test(path);
}

/** @param {string} path @returns {string} such as `xyz`, or the whole name of a file without one, as `coord`. */
export function extension(path) {
  const name = nameOf(path).replace(/\.gz$/i, "");
  if (/^(?:POSCAR|CONTCAR)/.test(name)) {
    return "poscar";
  }
  return (/\.([^.]+)$/.exec(name)?.[1] ?? name).toLowerCase();
}

/** @param {string} path */
export function nameOf(path) {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** @param {string} path @returns {string} with a slash at its end; empty: there is none. */
export function folderOf(path) {
  return path.slice(0, path.lastIndexOf("/") + 1);
}

/**
 * Divide files into requests, each with the files of charges that its structures need.
 *
 * @param {Map<string, Blob>} files - by path, in order.
 * @param {number} mostBytes - of one request.
 * @param {number} mostFiles - structures of one request.
 * @returns {[string, Blob][][]} one request at least.
 */
export function parts(files, mostBytes, mostFiles) {
  /** @type {[string, Blob][][]} */
  const found = [];
  let bytes = Number.POSITIVE_INFINITY;
  let count = 0;
  /** @type {Set<string>} */
  let taken = new Set();
  for (const [path, blob] of files) {
    if (isCompanion(path)) {
      continue;
    }
    const added = [path, ...companions(path)].filter((one) => files.has(one));
    const size = added.reduce(
      (sum, one) => sum + (files.get(one)?.size ?? 0) + HEAD_BYTES + 6 * one.length,
      0,
    );
    if (bytes + size > mostBytes || count >= mostFiles) {
      found.push([]);
      taken = new Set();
      bytes = 0;
      count = 0;
    }
    for (const one of added.filter((name) => !taken.has(name))) {
      taken.add(one);
      found[found.length - 1].push([one, one === path ? blob : /** @type {Blob} */ (files.get(one))]);
    }
    bytes += size;
    count += 1;
  }
  return found.length ? found : [[]];
}

/** @param {string} path */
function companions(path) {
  const stem = path.replace(/\.gz$/i, "").replace(/\.[^./]+$/, "");
  return [`${stem}.CHRG`, `${stem}.UHF`, `${folderOf(path)}.CHRG`, `${folderOf(path)}.UHF`];
}

/**
 * Write the body of a request: a form, read into memory, so that it is sent again exactly as it was.
 *
 * @param {[string, Blob][]} files
 * @returns {Promise<{content: ArrayBuffer, type: string}>}
 * @throws {Error} a file has changed since it was given, or is gone.
 */
export async function written(files) {
  if (files.length === 0) {
    return { content: new ArrayBuffer(0), type: "text/plain" };
  }
  const form = new FormData();
  for (const [path, blob] of files) {
    form.append("file", blob, path);
  }
  const response = new Response(form);
  try {
    return { content: await response.arrayBuffer(), type: response.headers.get("Content-Type") ?? "" };
  } catch {
    throw new Error("A file has changed since it was dropped, or is gone: drop it again");
  }
}

/** Guess the format of a pasted text.  @param {string} text @returns {string} the extension for a name. */
export function guessed(text) {
  const start = text.trimStart();
  /** @type {[RegExp, string][]} */
  const forms = [
    [/^[[{]/, "json"],
    [/^\$coord/m, "tmol"],
    [/^\${4}/m, "sdf"],
    [/V[23]000\s*$/m, "mol"],
    [/^(?:ATOM|HETATM|HEADER|CRYST1)/m, "pdb"],
  ];
  return forms.find(([form]) => form.test(start))?.[1] ?? "xyz";
}
