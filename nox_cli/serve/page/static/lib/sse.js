// The text of server-sent events, read in pieces that may end anywhere.

/** Reads blocks from the pieces of a stream, as the HTML standard defines them. */
export class EventReader {
  constructor() {
    this._rest = "";
    this._isFirst = true;
    this._endsInCr = false;
    this._id = "";
    this._block = empty();
  }

  /**
   * Read the next piece.
   *
   * @param {string} piece
   * @returns {Block[]} the blocks that end in it; one without data or comments only moves `id`, the last id.
   */
  read(piece) {
    let text = this._rest + piece;
    if (this._isFirst && text) {
      this._isFirst = false;
      text = text.replace(/^\uFEFF/, "");
    }
    if (this._endsInCr && text) {
      text = text.replace(/^\n/, "");
      this._endsInCr = false;
    }
    const found = [];
    let start = 0;
    for (const end of text.matchAll(/\r\n|\n|\r/g)) {
      const block = this._line(text.slice(start, end.index));
      start = end.index + end[0].length;
      if (block) {
        found.push(block);
      }
      this._endsInCr = end[0] === "\r" && start === text.length;
    }
    this._rest = text.slice(start);
    return found;
  }

  /** @param {string} line */
  _line(line) {
    const block = this._block;
    if (line === "") {
      this._block = empty();
      return { ...block, data: block.data.replace(/\n$/, ""), id: this._id };
    }
    if (line.startsWith(":")) {
      block.comments.push(line.slice(1).trim());
      return null;
    }
    const [, field, value] = /** @type {RegExpExecArray} */ (/^([^:]*)(?:: ?(.*))?$/s.exec(line));
    this._field(field, value ?? "");
    return null;
  }

  /** @param {string} field @param {string} value */
  _field(field, value) {
    if (field === "data") {
      this._block.data += `${value}\n`;
    } else if (field === "event") {
      this._block.name = value;
    } else if (field === "id" && !value.includes("\0")) {
      this._id = value;
    } else if (field === "retry" && /^\d+$/.test(value)) {
      this._block.retryMs = Number(value);
    }
  }
}

/** @returns {Block} */
function empty() {
  return { id: "", name: "", data: "", comments: [] };
}
