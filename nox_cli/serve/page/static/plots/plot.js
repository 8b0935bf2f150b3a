// Plots: lines, bars and sticks over one axis, drawn by uPlot when the first one is shown.

import { h, replace, safe } from "../lib/dom.js";
import { colour, onTheme } from "../lib/theme.js";
import { load } from "../lib/vendor.js";
import { numbers } from "./numbers.js";

const HEIGHT = 220;
const COLOURS = 6;
const KEYS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };

/**
 * Draw a plot.  Its values can be read by mouse, touch and arrow keys, and are in a table below it.
 *
 * @param {Element} container - gets a figure as its last child.
 * @param {Plot} data
 * @param {AbortSignal} signal - ends the plot.
 * @returns {Promise<{update: (data: Plot) => void, mark: (place: number) => void}>} `update` draws other values,
 *   and a zoomed range stays; `mark` puts the cursor on a point, negative: on none.
 */
export async function plot(container, data, signal) {
  const drawing = new Drawing(data, signal);
  container.append(drawing.figure);
  await Promise.all([load("uPlot.iife.min.js"), load("uPlot.min.css")]);
  if (!signal.aborted) {
    drawing.begin();
  }
  return {
    update: (found) => drawing.update(found),
    mark: (place) => drawing.move(place),
  };
}

/** One figure: caption, legend, canvas, readout and table. */
class Drawing {
  /** @param {Plot} data @param {AbortSignal} signal */
  constructor(data, signal) {
    this.data = data;
    this.signal = signal;
    /** @type {any} */
    this.chart = null;
    this.place = -1;
    this.isZoomed = false;
    this.caption = h("figcaption.plot-title");
    this.legend = h("ul.plot-legend", { "aria-hidden": "true" });
    this.readout = h("output.plot-readout", { "aria-live": "polite" });
    this.whole = h(
      "button.button.small.quiet",
      { hidden: true, onclick: () => this.showAll() },
      "Whole range",
    );
    this.canvas = h("div.plot-canvas", {
      role: "img",
      tabindex: "0",
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.press(event),
      onclick: () => this.pick(this.chart?.cursor.left < 0 ? -1 : (this.chart?.cursor.idx ?? -1)),
      onblur: () => this.move(-1),
    });
    this.table = numbers(table(data));
    this.figure = h(
      "figure.plot",
      h("div.plot-head", this.caption, this.readout, this.whole),
      this.legend,
      this.canvas,
      this.table.element,
    );
    this.label();
  }

  /** Draw, now that uPlot is loaded, and follow size and theme. */
  begin() {
    this.build();
    const observer = new ResizeObserver(() => this.fit());
    observer.observe(this.canvas);
    onTheme(() => this.chart?.redraw(false), this.signal);
    this.signal.addEventListener("abort", () => {
      observer.disconnect();
      this.chart?.destroy();
      this.chart = null;
    });
  }

  /** @param {Plot} data */
  update(data) {
    if (this.signal.aborted) {
      return;
    }
    const isSame = this.chart !== null && shape(this.data) === shape(data);
    this.data = data;
    this.label();
    this.table.update(table(data));
    if (isSame) {
      this.chart.setData(aligned(data), !this.isZoomed);
      if (this.isZoomed) {
        this.chart.redraw(); // which would keep the range of the values before
      }
      this.move(this.place);
    } else if (globalThis.uPlot) {
      this.build();
    }
  }

  build() {
    this.chart?.destroy();
    this.chart = null;
    this.canvas.style.height = `${this.data.height ?? HEIGHT}px`;
    if (this.data.x.values.length === 0) {
      replace(this.canvas, h("p.plot-empty", "No values yet"));
      return;
    }
    replace(this.canvas);
    this.chart = new globalThis.uPlot(options(this, this.size()), aligned(this.data), this.canvas);
  }

  size() {
    return { width: Math.max(120, this.canvas.clientWidth), height: this.data.height ?? HEIGHT };
  }

  fit() {
    const { width, height } = this.size();
    if (this.chart && (this.chart.width !== width || this.chart.height !== height)) {
      this.chart.setSize({ width, height });
    }
  }

  label() {
    const { title, series, lines = [], sticks } = this.data;
    this.caption.textContent = safe(title);
    this.canvas.setAttribute("aria-label", safe(described(this.data)));
    this.legend.hidden = series.length === 1 && lines.length === 0 && !sticks;
    replace(
      this.legend,
      series.map((one, place) => entry(named(one), "line", shade(one, place))),
      sticks ? entry(sticks.label, "stick", shade({}, series.length)) : null,
      lines.map((one) =>
        entry(`${one.label} ${short(one.value)}`, "dashes", shade(series[one.series ?? 0], one.series ?? 0)),
      ),
    );
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const step = KEYS[/** @type {keyof typeof KEYS} */ (event.key)];
    if (event.key === "Escape" && (this.isZoomed || this.place >= 0)) {
      event.preventDefault();
      event.stopPropagation();
      this.showAll();
      this.move(-1);
    } else if (event.key === "Enter") {
      this.pick(this.place);
    } else if (step !== undefined && this.chart && !event.altKey && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      const last = this.data.x.values.length - 1;
      const turned = this.data.reverse && Number.isFinite(step) ? -step : step;
      const from = this.place < 0 ? (turned > 0 ? -1 : last + 1) : this.place;
      this.move(Math.min(last, Math.max(0, from + turned)));
    }
  }

  /** Pass on that a point was chosen.  @param {number} place - negative: none. */
  pick(place) {
    if (place >= 0) {
      this.data.onPick?.(place);
    }
  }

  /** Put the cursor on a point, and write its values.  @param {number} place - negative: on none. */
  move(place) {
    const { x } = this.data;
    this.place = place >= x.values.length ? -1 : place;
    if (this.chart && this.place < 0) {
      this.chart.setCursor({ left: -10, top: -10 });
    } else if (this.chart) {
      const at = typeof x.values[this.place] === "string" ? this.place : Number(x.values[this.place]);
      this.chart.setCursor({ left: this.chart.valToPos(at, "x"), top: 0 });
    }
  }

  /** @param {number | null | undefined} place - of the point under the cursor. */
  read(place) {
    const { x, series } = this.data;
    if (place === null || place === undefined || this.chart?.cursor.left < 0) {
      this.readout.textContent = "";
      return;
    }
    const values = series
      .filter((one) => one.values[place] !== null && one.values[place] !== undefined)
      .map(
        (one) =>
          `${series.length > 1 ? `${one.label} ` : ""}${short(Number(one.values[place]))}${one.unit ? ` ${one.unit}` : ""}`,
      );
    this.readout.textContent = [written(x, place), ...values].join(" · ");
  }

  showAll() {
    this.isZoomed = false;
    this.whole.hidden = true;
    this.chart?.setData(aligned(this.data), true);
  }

  zoomed() {
    this.isZoomed = true;
    this.whole.hidden = false;
  }
}

/** @param {Drawing} drawing @param {{width: number, height: number}} size */
function options(drawing, size) {
  const { data } = drawing;
  const font = `12px ${getComputedStyle(drawing.canvas).fontFamily}`;
  const isNamed = typeof data.x.values[0] === "string";
  const axis = {
    stroke: () => colour("muted"),
    grid: { stroke: () => colour("line"), width: 1 },
    ticks: { show: false },
    font,
    labelFont: font,
    labelSize: 18,
    labelGap: 0,
    gap: 6,
  };
  return {
    ...size,
    legend: { show: false },
    padding: [8, 12, 0, 0],
    cursor: {
      y: false,
      points: { size: 7 },
      drag: { x: !isNamed && !data.onPick, y: false },
      focus: { prox: 1e6 },
    },
    scales: {
      x: { time: Boolean(data.x.isTime), dir: data.reverse ? -1 : 1, range: rangeOfX(drawing) },
      y: { distr: data.log ? 3 : 1, log: 10, range: rangeOfY(drawing) },
    },
    axes: [
      {
        ...axis,
        label: data.x.label,
        size: 26,
        ...(data.x.isTime
          ? {}
          : {
              values: (/** @type {any} */ _, /** @type {number[]} */ at) =>
                at.map((one) => tickOfX(data, one)),
            }),
        ...(isNamed || data.x.values.every(Number.isInteger) ? { incrs: WHOLE } : {}),
      },
      {
        ...axis,
        label: data.series.length > 1 ? unit(data) : named(data.series[0]),
        size: room,
        values: (/** @type {any} */ _, /** @type {number[]} */ at) => at.map(data.log ? short : tick),
        ...(data.log
          ? { splits: decades, filter: (/** @type {any} */ _, /** @type {number[]} */ at) => at }
          : {}),
        ...(data.series.every((one) => one.values.every(Number.isInteger)) ? { incrs: WHOLE } : {}),
      },
    ],
    series: [{}, ...data.series.map((one, place) => seriesOf(data, one, place))],
    hooks: {
      draw: [
        (/** @type {any} */ chart) => drawLines(chart, drawing.data),
        (/** @type {any} */ chart) => drawSticks(chart, drawing.data),
      ],
      setCursor: [
        (/** @type {any} */ chart) => drawing.read(chart.cursor.left < 0 ? null : chart.cursor.idx),
      ],
      setSelect: [(/** @type {any} */ chart) => chart.select.width > 0 && drawing.zoomed()],
    },
  };
}

const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6];

/** @param {Plot} data @param {Series} one @param {number} place */
function seriesOf(data, one, place) {
  const name = shade(one, place);
  const isBars = data.kind === "bars";
  return {
    label: one.label,
    stroke: () => colour(name),
    fill: isBars ? () => colour(name) : undefined,
    width: isBars ? 0 : 1.5,
    paths: isBars ? globalThis.uPlot.paths.bars({ size: [0.9, 80] }) : undefined,
    points: { show: !isBars && one.values.length <= 60, size: 5, fill: () => colour(name) },
    spanGaps: false,
  };
}

/** @param {Drawing} drawing @returns {(chart: any, low: number, high: number) => [number, number]} */
function rangeOfX(drawing) {
  return (_, low, high) => {
    const isBars = drawing.data.kind === "bars";
    const { values } = drawing.data.x;
    const step =
      isBars && values.length > 1 && typeof values[0] === "number"
        ? Number(values[1]) - Number(values[0])
        : 1;
    const room = isBars ? step / 2 : low === high ? 0.5 : 0;
    return [low - room, high + room];
  };
}

/** @param {Drawing} drawing @returns {(chart: any, low: number | null, high: number | null) => [number, number]} */
function rangeOfY(drawing) {
  return (_, low, high) => {
    const { lines = [], sticks, log, kind } = drawing.data;
    const all = [low, high, ...lines.map((one) => one.value)].filter((one) => typeof one === "number");
    const [least, most] = [Math.min(...all), Math.max(...all, ...(sticks?.values ?? []).slice(0, 10_000))];
    if (all.length === 0) {
      return log ? [1e-3, 1] : [0, 1];
    }
    if (log) {
      const [from, to] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most))];
      return [10 ** from, 10 ** Math.max(to, from + 1)];
    }
    if (kind === "bars" || sticks) {
      return [Math.min(0, 1.05 * least), Math.max(0, 1.05 * most) || 1];
    }
    const room = (most - least) * 0.06 || Math.abs(most) * 1e-6 || 1;
    return [least - room, most + room];
  };
}

/** Draw thresholds.  @param {any} chart @param {Plot} data */
function drawLines(chart, { lines = [], series }) {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.lineWidth = 1.25 * devicePixelRatio;
  for (const { value, series: place = 0 } of lines) {
    const y = chart.valToPos(value, "y", true);
    if (y >= bbox.top && y <= bbox.top + bbox.height) {
      ctx.strokeStyle = colour(shade(series[place], place));
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
    }
  }
  ctx.restore();
}

/** Draw sticks.  @param {any} chart @param {Plot} data */
function drawSticks(chart, { sticks, series }) {
  if (!sticks) {
    return;
  }
  const { ctx, bbox, scales } = chart;
  ctx.save();
  ctx.strokeStyle = colour(shade({}, series.length));
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.beginPath();
  sticks.x.forEach((at, place) => {
    if (at >= scales.x.min && at <= scales.x.max) {
      const x = chart.valToPos(at, "x", true);
      ctx.moveTo(x, bbox.top + bbox.height);
      ctx.lineTo(x, Math.max(bbox.top, chart.valToPos(sticks.values[place], "y", true)));
    }
  });
  ctx.stroke();
  ctx.restore();
}

/** What an existing chart cannot change.  @param {Plot} data */
function shape({ x, series, log, reverse, kind, sticks, height }) {
  const labels = series.map((one) => [one.label, one.unit, one.colour, one.values.length <= 60]);
  return JSON.stringify([x.label, x.isTime, typeof x.values[0], labels, log, reverse, kind, !sticks, height]);
}

/** @param {Plot} data @returns {any[]} as uPlot takes it. */
function aligned({ x, series, log }) {
  const shown = log ? (/** @type {number | null} */ one) => (one !== null && one > 0 ? one : null) : null;
  return [
    x.values.map((one, place) => (typeof one === "string" ? place : one)),
    ...series.map((one) => (shown ? one.values.map(shown) : one.values)),
  ];
}

/** @param {Plot} data @returns {Numbers} */
function table({ title, x, series }) {
  return {
    name: title,
    columns: [x.label, ...series.map(named)],
    rows: x.values.map((_, place) => [
      x.isTime ? written(x, place) : x.values[place],
      ...series.map((one) => one.values[place] ?? null),
    ]),
  };
}

/** Describe a plot in words.  @param {Plot} data */
function described({ title, x, series, lines = [], kind }) {
  const count = x.values.length;
  if (count === 0) {
    return `${title}. No values yet.`;
  }
  const parts = series.map((one) => {
    const values = /** @type {number[]} */ (
      one.values.filter((value) => value !== null && value !== undefined)
    );
    const [least, most] = values.reduce(
      ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
      [Infinity, -Infinity],
    );
    const range = values.length
      ? `from ${short(least)} to ${short(most)}, last ${short(values[values.length - 1])}`
      : "no values";
    return `${one.label}: ${range}${one.unit ? ` ${one.unit}` : ""}`;
  });
  const limits = lines.map((one) => `${one.label} ${short(one.value)}`);
  const axis = `${kind === "bars" ? "Bars" : "Lines"} over ${x.label} from ${written(x, 0)} to ${written(x, count - 1)}`;
  return `${[title, axis, ...parts, ...limits].join(". ")}. Arrow keys read single values.`;
}

/** @param {Plot["x"]} x @param {number} place */
function written(x, place) {
  const value = x.values[place];
  if (x.isTime) {
    return new Date(Number(value) * 1000).toLocaleString("sv");
  }
  return typeof value === "string" ? value : `${x.label} ${short(value)}`;
}

/** @param {Plot} data @param {number} at */
function tickOfX({ x }, at) {
  return typeof x.values[0] === "string" ? (x.values[at] ?? "") : tick(at);
}

/** @param {Plot} data */
function unit({ series }) {
  const units = new Set(series.map((one) => one.unit ?? ""));
  return [...units].filter(Boolean).join(", ") || undefined;
}

/** The width of the y axis, by its longest label.  @param {any} _ @param {string[] | null} labels */
function room(_, labels) {
  return 16 + 7 * Math.max(3, ...(labels ?? []).map((one) => one.length));
}

/** @param {number | null} value */
function tick(value) {
  return value === null ? "" : String(Number(value.toPrecision(10)));
}

/**
 * The whole powers of ten that a logarithmic axis has room for.
 *
 * @param {any} chart @param {number} _ @param {number} least @param {number} most
 */
function decades(chart, _, least, most) {
  const [from, to] = [Math.round(Math.log10(least)), Math.round(Math.log10(most))];
  const stride = Math.max(1, Math.ceil((24 * (to - from)) / (chart.bbox.height / devicePixelRatio)));
  const count = Math.floor((to - from) / stride) + 1;
  return Array.from({ length: count }, (_unused, place) => 10 ** (from + place * stride));
}

/** Write a number with as many digits as a person reads: `0.075`, `1.2e-05`.  @param {number} value */
export function short(value) {
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e6) {
    return String(value);
  }
  if (size >= 1e-2 && size < 1e6) {
    return String(Number(value.toPrecision(size >= 10 ? 8 : 5)));
  }
  return value
    .toExponential(2)
    .replace(/\.?0*e([+-])(\d)$/, "e$10$2")
    .replace(/\.?0+e/, "e");
}

/** @param {Series} one */
function named({ label, unit: of }) {
  return of ? `${label} (${of})` : label;
}

/** @param {{colour?: number} | undefined} one @param {number} place */
function shade(one, place) {
  return `plot-${one?.colour ?? (place % COLOURS) + 1}`;
}

/** @param {string} label @param {string} kind @param {string} name - of the colour. */
function entry(label, kind, name) {
  const mark = h("span", { class: `plot-mark plot-mark-${kind}` });
  mark.style.color = `var(--${name})`;
  return h("li", mark, label);
}
