// Small drawings in a line of text: counts as bars, and the course of an optimisation.

const NAMESPACE = "http://www.w3.org/2000/svg";

/** One drawing, as wide and high as its style makes it. */
export class Spark {
  /** @param {"bars" | "course"} kind - bars from 0 up; or a line on a logarithmic axis. */
  constructor(kind) {
    this.kind = kind;
    this.shape = document.createElementNS(NAMESPACE, "path");
    this.shape.setAttribute("vector-effect", "non-scaling-stroke");
    this.element = document.createElementNS(NAMESPACE, "svg");
    this.element.setAttribute("class", `spark spark-${kind}`);
    this.element.setAttribute("preserveAspectRatio", "none");
    this.element.setAttribute("role", "img");
    this.element.append(this.shape);
  }

  /**
   * Draw values.
   *
   * @param {number[]} values - the oldest first.
   * @param {string} label - what they are, for screen readers and as a title.
   */
  update(values, label) {
    const [width, height, path] = this.kind === "bars" ? bars(values) : course(values);
    this.element.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.shape.setAttribute("d", path);
    this.element.setAttribute("aria-label", label);
  }
}

/** @param {number[]} values @returns {[number, number, string]} */
function bars(values) {
  const most = Math.max(1, ...values);
  const parts = values.map((value, place) => {
    const top = 100 - Math.max(value ? 4 : 0, (100 * value) / most);
    return value ? `M${place + 0.1} 100V${top.toFixed(1)}h.8V100z` : "";
  });
  return [values.length || 1, 100, parts.join("")];
}

/** @param {number[]} values @returns {[number, number, string]} */
function course(values) {
  const logs = values.filter((value) => value > 0).map(Math.log10);
  if (logs.length < 2) {
    return [1, 1, ""];
  }
  const [low, high] = [Math.min(...logs), Math.max(...logs)];
  const span = Math.max(0.5, high - low); // a course that hardly changes is flat
  const points = logs.map((log, place) => `${place} ${(100 * (1 - (log - low) / span)).toFixed(1)}`);
  return [logs.length - 1, 100, `M${points.join("L")}`];
}
