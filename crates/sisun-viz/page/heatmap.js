// A pattern as a heatmap with token labels.

import { LARGEST_CELL, MatrixCanvas } from "./canvas.js";
import { hex, inkOn } from "./colour.js";
import { fitted } from "./pen.js";
import { say } from "./words.js";

/** @import { Colours } from "./colour.js" */
/** @import { Matrix } from "./matrix.js" */
/** @import { Pen, TextLook } from "./types.js" */
/** @typedef {{ matrix: Matrix, labels: string[], colours: Colours, name: string }} Content */
/** @typedef {[from: number, to: number]} Span Rows or columns. */

/** As `sisun attend` draws: rotation of the labels below, in degrees, and minimum side of cells with values, in pixels. */
const TURN = 60;

const VALUES_FROM = 36;

/** Maximum number of cells drawn as SVG rectangles; more are embedded as pixels. */
const MOST_RECTANGLES = 4096;

/**
 * Return the first of 1, 2, 5, 10, 20 … that is at least `least`.
 * @param {number} least
 */
function thinnedStep(least) {
  for (let decade = 1; ; decade *= 10) for (const step of [decade, 2 * decade, 5 * decade]) if (step >= least) return step;
}

/** Font size of labels for cells of a size, in pixels, and the number of cells between labels that do not overlap. */
const labelSize = (/** @type {number} */ cell) => Math.min(Math.max(cell * 0.75, 9), 13);

const labelStep = (/** @type {number} */ cell) => thinnedStep(labelSize(cell) * 1.1 / (cell * Math.sin(TURN * Math.PI / 180)));

export class Heatmap extends MatrixCanvas {
  /** @type {Map<number, HTMLCanvasElement>} */
  #pictures = new Map();
  /** @type {Content | null} */
  #content = null;
  /** Maximum length of a label in pixels. */
  #limit = 0;

  /** The contents; nothing is drawn before they are set. */
  get #shown() {
    if (!this.#content) throw new Error("a heatmap is drawn before it has content");
    return this.#content;
  }

  /** @override */
  get palette() {
    return this.#shown.colours.palette;
  }

  /** @param {Content} content */
  show(content) {
    const old = this.#content;
    if (old?.matrix !== content.matrix || old?.colours !== content.colours) this.#pictures.clear();
    this.#content = content;
    this.base.setAttribute("aria-label", say("heatmap", content.name));
    if (old?.labels !== content.labels) this.layout();
    this.draw();
  }

  /**
   * Compute all sizes from the available width.
   * @override
   */
  layout() {
    const width = this.host.clientWidth;
    if (!this.#content || !width) return;
    const { labels, matrix: { n } } = this.#content;
    const limit = Math.min(Math.max(width * 0.2, 44), 150);
    const tall = Math.max(innerHeight - 310, 300);
    // Labels that also represent their neighbours show their position.
    const prefix = labelStep(Math.min(width * 0.78, tall) / n) > 1 ? `${n} · ` : "";
    const longest = labels.reduce((most, label) => Math.max(most, fitted(prefix + label, 13, limit).width), 20);
    const [left, below] = [Math.ceil(longest + 28), Math.ceil(longest * 0.87 + 36)];
    // The heatmap fits on a screen, if necessary with a little scrolling.
    const side = Math.floor(Math.max(Math.min(width - left - 6, tall, n * LARGEST_CELL), 40));
    this.#limit = limit;
    this.place(n, { left, top: 4, side, width, height: side + below + 4 });
  }

  /**
   * Draw cells, labels and axes with any pen.
   * @override
   * @param {Pen} pen
   */
  paint(pen) {
    const { matrix, colours } = this.#shown;
    const { cell, n, plot: { left, top, side }, window: { x, y, zoom } } = this;
    const seen = n / zoom;
    /** @type {Span} */
    const rows = [Math.floor(y), Math.min(Math.ceil(y + seen), n)];
    /** @type {Span} */
    const columns = [Math.floor(x), Math.min(Math.ceil(x + seen), n)];
    pen.clip(left, top, side, side, () => {
      if (pen.vector && (rows[1] - rows[0]) * (columns[1] - columns[0]) <= MOST_RECTANGLES) {
        this.#each(rows, columns, (query, key, across, down) => {
          const rgb = matrix.hidden(query, key) ? colours.palette.hiddenRgb : colours.rgb(matrix.value(query, key));
          pen.rect(across, down, cell, cell, hex(rgb));
        });
      } else {
        // Cells smaller than a pixel are pooled by their maximum; downscaling the full picture would lose most of them.
        const pool = Math.max(1, Math.ceil(1 / (cell * pen.density) - 1e-9));
        const picture = this.#pictures.get(pool) ?? colours.picture(matrix, pool);
        this.#pictures.set(pool, picture);
        pen.image(picture, x / pool, y / pool, seen / pool, seen / pool, left, top, side, side);
      }
      if (cell >= 14) this.#paintGaps(pen, rows, columns);
      if (cell >= VALUES_FROM) this.#paintValues(pen, rows, columns);
    });
    pen.frame(left - 0.5, top - 0.5, side + 1, side + 1, colours.palette.line);
    this.#paintLabels(pen);
  }

  /**
   * Call back for each cell with its corner.
   * @param {Span} rows
   * @param {Span} columns
   * @param {(query: number, key: number, across: number, down: number) => void} draw
   */
  #each(rows, columns, draw) {
    const { cell, plot: { left, top }, window: { x, y } } = this;
    for (let query = rows[0]; query < rows[1]; query++) {
      for (let key = columns[0]; key < columns[1]; key++) draw(query, key, left + (key - x) * cell, top + (query - y) * cell);
    }
  }

  /**
   * @param {Pen} pen
   * @param {Span} rows
   * @param {Span} columns
   */
  #paintGaps(pen, rows, columns) {
    const { cell, plot: { left, top, side }, window: { x, y }, palette: { paper: stroke } } = this;
    for (let query = rows[0] + 1; query < rows[1]; query++) {
      const at = top + (query - y) * cell;
      pen.line([left, at, left + side, at], { stroke });
    }
    for (let key = columns[0] + 1; key < columns[1]; key++) {
      const at = left + (key - x) * cell;
      pen.line([at, top, at, top + side], { stroke });
    }
  }

  /**
   * @param {Pen} pen
   * @param {Span} rows
   * @param {Span} columns
   */
  #paintValues(pen, rows, columns) {
    const { matrix, colours } = this.#shown;
    const half = this.cell / 2;
    const [size, decimals] = half > 30 ? [13, 4] : [12, 2];
    this.#each(rows, columns, (query, key, across, down) => {
      if (matrix.hidden(query, key)) return;
      const value = matrix.value(query, key);
      /** @type {TextLook} */
      const look = { size, fill: inkOn(colours.rgb(value)), align: "center" };
      // Values that round to zero are faint.
      pen.text(value.toFixed(decimals), across + half, down + half, { ...look, alpha: Math.abs(value) < 0.5 / 10 ** decimals ? 0.4 : 1 });
    });
  }

  /** @param {Pen} pen */
  #paintLabels(pen) {
    const { labels, colours: { palette: { ink, soft } } } = this.#shown;
    const { cell, n, plot: { left, top, side, height }, window: { x, y, zoom } } = this;
    const size = labelSize(cell);
    const step = labelStep(cell);
    const label = (/** @type {number} */ i) => fitted(step === 1 ? labels[i] : `${i} · ${labels[i]}`, size, this.#limit).text;
    const upright = step === 1 && labels.every((text) => fitted(text, size, this.#limit).width <= cell - 6);
    const shownFrom = (/** @type {number} */ start) => Math.ceil((start - 0.5) / step) * step;
    for (let i = shownFrom(y); i < Math.min(y + n / zoom - 0.5, n); i += step) {
      pen.text(label(i), left - 8, top + (i + 0.5 - y) * cell, { size, fill: ink, align: "right" });
    }
    for (let i = shownFrom(x); i < Math.min(x + n / zoom - 0.5, n); i += step) {
      const at = left + (i + 0.5 - x) * cell;
      if (upright) pen.text(label(i), at, top + side + 8 + size / 2, { size, fill: ink, align: "center" });
      else pen.text(label(i), at, top + side + 8 + size * 0.25, { size, fill: ink, align: "right", turn: -TURN });
    }
    /** @type {TextLook} */
    const axis = { size: 12, fill: soft, align: "center" };
    pen.text(say("axis-key"), left + side / 2, height - 8, axis);
    pen.text(say("axis-query"), 8, top + side / 2, { ...axis, turn: -90 });
  }

  /**
   * Draw row and column of the marked cell, with their labels.
   * @override
   * @param {Pen} pen
   */
  paintOver(pen) {
    const { cell, plot: { left, top, side, width }, window: { x, y }, palette: { accent, paper, onAccent } } = this;
    const { labels } = this.#shown;
    const { query, key } = this.marked ?? { query: null, key: null };
    if (query === null) return;
    const [row, column] = [top + (query - y) * cell, key === null ? null : left + (key - x) * cell];
    const edges = cell < 3 ? [cell / 2] : [0, cell];
    const thin = { stroke: accent, alpha: cell < 3 ? 0.85 : 0.55 };
    pen.clip(left - 1, top - 1, side + 2, side + 2, () => {
      for (const edge of edges) pen.line([left, row + edge, left + side, row + edge], thin);
      if (column === null) return;
      for (const edge of edges) pen.line([column + edge, top, column + edge, top + side], thin);
      const box = Math.max(cell, 7);
      const inset = (box - cell) / 2;
      pen.frame(column - inset, row - inset, box, box, paper, 4);
      pen.frame(column - inset, row - inset, box, box, accent, 2);
    });
    const tag = (/** @type {string} */ label, /** @type {(wide: number) => number} */ start, /** @type {number} */ middle) => {
      const { text, width: wide } = fitted(label, 13, this.#limit);
      const from = Math.min(Math.max(start(wide + 10), 0), width - wide - 10);
      pen.rect(from, middle - 11, wide + 10, 22, accent, { radius: 4 });
      pen.text(text, from + 5, middle, { size: 13, fill: onAccent });
    };
    if (row + cell > top && row < top + side) tag(labels[query], (wide) => left - 3 - wide, Math.max(row + cell / 2, 11));
    if (key !== null && column !== null && column + cell > left && column < left + side) {
      tag(labels[key], (wide) => column + cell / 2 - wide / 2, top + side + 15);
    }
  }
}
