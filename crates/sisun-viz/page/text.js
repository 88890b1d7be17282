// Attention in the text: lines from queries to keys, for several heads at once.

import { share } from "./colour.js";
import { make, watchWidth } from "./elements.js";
import { CanvasPen, fitted } from "./pen.js";
import { isPrinting } from "./printing.js";
import { say } from "./words.js";

/** @import { App } from "./app.js" */
/** @import { Matrix } from "./matrix.js" */
/** @import { Cell, Layer, Panel, Pen, PlacedCell } from "./types.js" */
/** @import { Units } from "./units.js" */
/** @typedef {{ layer: Layer, head: number, colour: string, matrix: Matrix }} ShownHead */
/** @typedef {(i: number) => number} Place Position of a row on the screen. */

const ROW = 28;

/** Minimum weight of lines while nothing is pointed at: thousands of weaker ones would be a fog. */
export const faintest = (/** @type {number} */ n) => (n > 100 ? 0.02 : 0.01);

/** Number of opacity levels; lines of one level share their style. */
const LEVELS = 64;

/** @implements {Panel} */
export class TextPanel {
  #frame = 0;
  /** @type {Units | null} Null until it is shown for the first time. */
  #units = null;
  /** @type {ShownHead[]} */
  #heads = [];
  /** @type {Cell | null} */
  #cell = null;
  /** Start and end of the lines, maximum width of bars, and total size, in pixels. */
  #left = 0;
  #right = 0;
  #bar = 0;
  #width = 0;
  #height = 0;

  /**
   * @param {HTMLElement} host
   * @param {number} column
   * @param {App} app
   */
  constructor(host, column, app) {
    this.column = column;
    this.app = app;
    this.canvas = make("canvas", { tabIndex: 0, role: "application", "aria-describedby": "readout" });
    this.length = make("div", { className: "length" }, this.canvas);
    this.scroller = make("div", { className: "scroller" }, this.length);
    host.append(this.scroller);
    this.scroller.addEventListener("scroll", () => {
      this.draw();
      app.scrolled(column, this.scroller.scrollTop);
    }, { passive: true });
    this.canvas.addEventListener("pointermove", (event) => app.point(this.#at(event)));
    this.canvas.addEventListener("pointerleave", () => app.point(null));
    this.canvas.addEventListener("click", (event) => {
      const { query, key } = this.#at(event);
      // A key alone is not pinned: it has no row of its own.
      if (query !== null) app.toggle(column, { query, key });
    });
    this.canvas.addEventListener("keydown", (event) => this.#key(event));
    watchWidth(this.scroller, () => this.#resize());
  }

  /** The units of the text; nothing is drawn before they are known. */
  get #shown() {
    if (!this.#units) throw new Error("the text is drawn before it is shown");
    return this.#units;
  }

  get view() {
    return this.app.present()[this.column];
  }

  needs() {
    return this.app.headsOn(this.view).map(({ layer }) => this.view.need(layer));
  }

  show() {
    const { app, view } = this;
    this.#units = app.units(view);
    this.#heads = app.headsOn(view).map(({ layer, head, slot }) => ({
      layer, head, colour: app.headColour(slot), matrix: app.matrix(view, layer, head),
    }));
    this.canvas.setAttribute("aria-label", say("text-figure"));
    this.#resize();
  }

  #resize() {
    if (!this.#units || !this.scroller.clientWidth) return;
    const total = this.#shown.n * ROW + 12;
    // Queries, lines, keys, and space for bars beside the keys.
    const available = this.scroller.clientWidth;
    const longest = this.#shown.labels.reduce((most, label) => Math.max(most, fitted(label, 15, available * 0.3).width), 30) + 10;
    const lines = Math.min(Math.max(available * 0.36, 90), 340);
    this.#left = longest;
    this.#right = longest + lines;
    this.#bar = Math.min(available - this.#right, Math.max(longest, 210)) - 8;
    this.#width = Math.min(available, this.#right + this.#bar + 8);
    // On paper nothing scrolls.
    this.#height = isPrinting() && this.#whole ? total : Math.min(total, Math.max(innerHeight - 190, 280));
    this.scroller.style.height = `${this.#height}px`;
    this.length.style.height = `${total}px`;
    this.draw();
  }

  /**
   * Return the cell under a pointer: the query on the left half, the key on the right.
   * @param {MouseEvent} event
   * @returns {PlacedCell}
   */
  #at(event) {
    const box = this.canvas.getBoundingClientRect();
    const i = Math.floor((event.clientY - box.top + this.scroller.scrollTop - 6) / ROW);
    const on = Math.min(Math.max(i, 0), this.#shown.n - 1);
    const left = event.clientX - box.left < (this.#left + this.#right) / 2;
    return { column: this.column, query: left ? on : null, key: left ? null : on };
  }

  /** @param {Cell | null} cell */
  mark(cell) {
    this.#cell = cell;
    this.draw();
  }

  /** @param {number} top */
  scrollTo(top) {
    if (Math.abs(this.scroller.scrollTop - top) > 1) this.scroller.scrollTop = top;
  }

  /** @param {Cell | null} cell */
  reveal(cell) {
    const i = cell?.query ?? cell?.key ?? null;
    if (i === null) return;
    const [top, bottom] = [i * ROW, (i + 1) * ROW + 12];
    if (top < this.scroller.scrollTop) this.scroller.scrollTop = top;
    else if (bottom > this.scroller.scrollTop + this.#height) this.scroller.scrollTop = bottom - this.#height;
  }

  draw() {
    if (isPrinting()) this.#drawNow();
    else {
      this.#frame ||= requestAnimationFrame(() => {
        this.#frame = 0;
        this.#drawNow();
      });
    }
  }

  #drawNow() {
    if (!this.#units || !this.canvas.isConnected) return;
    const pen = CanvasPen.on(this.canvas, this.#width, this.#height, this.app.palette);
    this.paint(pen, this.scroller.scrollTop, this.#height);
  }

  /**
   * Draw the visible rows; a saved picture has all rows that fit on a long page.
   * @param {Pen} pen
   */
  paint(pen, top = this.#whole ? 0 : this.scroller.scrollTop, height = this.extent().height) {
    const { app: { palette } } = this;
    const units = this.#shown;
    const [width, left, right] = [this.#width, this.#left, this.#right];
    const [from, to] = [Math.max(0, Math.floor((top - 6) / ROW)), Math.min(units.n, Math.ceil((top + height - 6) / ROW))];
    const y = (/** @type {number} */ i) => 6 + (i + 0.5) * ROW - top;
    const query = this.#cell?.query ?? null;
    const key = query === null ? this.#cell?.key ?? null : null;
    pen.clip(0, 0, width, height, () => {
      this.#heads.forEach((head, i) => {
        const shift = (i - (this.#heads.length - 1) / 2) * Math.min(3, 16 / this.#heads.length);
        if (query !== null) this.#paintBars(pen, head, i, from, to, (k) => head.matrix.value(query, k), right + 8, y);
        else if (key !== null) this.#paintBars(pen, head, i, from, to, (q) => head.matrix.value(q, key), left - 8, y);
        this.#paintLines(pen, head, { from, to, query, key, y: (row) => y(row) + shift, left: left + 4, right: right - 4 });
      });
      for (let i = from; i < to; i++) {
        const chosen = (/** @type {boolean} */ on) => ({ size: 15, fill: on ? palette.accent : palette.ink, weight: on ? 650 : 400 });
        pen.text(fitted(units.labels[i], 15, left - 10).text, left - 8, y(i), { ...chosen(i === query), align: "right" });
        pen.text(fitted(units.labels[i], 15, this.#bar - 40).text, right + 8, y(i), chosen(i === key || (query !== null && i === this.#cell?.key)));
      }
      if (query !== null) this.#paintElsewhere(pen, query, to, right + 8, top, height);
    });
  }

  /**
   * @param {Pen} pen
   * @param {ShownHead} head
   * @param {{ from: number, to: number, y: Place, left: number, right: number } & Cell} rows
   */
  #paintLines(pen, { matrix, colour }, { from, to, query, key, y, left, right }) {
    const { scale } = this.app;
    /** @type {number[][]} */
    const levels = Array.from({ length: LEVELS + 1 }, () => []);
    const all = query === null && key === null;
    const least = all ? faintest(matrix.n) : 0;
    const add = (/** @type {number} */ q, /** @type {number} */ k) => {
      const weight = matrix.value(q, k);
      if (weight >= least) levels[Math.round(share(weight, scale) * LEVELS)].push(left, y(q), right, y(k));
    };
    const row = (/** @type {number} */ q) => { for (let k = 0; k < matrix.width(q); k++) add(q, k); };
    if (query !== null) row(query);
    else if (key !== null) for (let q = matrix.causal ? key : 0; q < matrix.n; q++) add(q, key);
    // Only queries on the screen: lines of other queries passing through would be meaningless.
    else for (let q = from; q < to; q++) row(q);
    levels.forEach((ends, level) => {
      // Level 0 is invisible.
      if (ends.length === 0 || level === 0) return;
      // Hairlines are drawn many times faster than thicker lines, and suffice among thousands of faint lines.
      const thick = level < LEVELS / (all ? 4 : 8) ? 1 / pen.density : all ? 1.6 : 2.4;
      pen.curves(ends, { stroke: colour, thick, alpha: level / LEVELS });
    });
  }

  /**
   * Draw bars behind the labels, one per head, with length proportional to the weight; with a single head also the number.
   * @param {Pen} pen
   * @param {ShownHead} head
   * @param {number} slot
   * @param {number} from
   * @param {number} to
   * @param {(i: number) => number} weight
   * @param {number} x
   * @param {Place} y
   */
  #paintBars(pen, { colour }, slot, from, to, weight, x, y) {
    const towards = x < this.#left ? -1 : 1;
    const thick = Math.min(20 / this.#heads.length, 20);
    for (let i = from; i < to; i++) {
      const value = weight(i);
      const long = value * (towards < 0 ? this.#left - 8 : this.#bar);
      if (long >= 0.5) pen.rect(towards < 0 ? x - long : x, y(i) - 10 + slot * thick, long, thick - 0.5, colour, { alpha: 0.28, radius: 2 });
      if (this.#heads.length === 1 && value >= 0.0005) {
        const at = towards < 0 ? 2 : this.#width - 2;
        pen.text(value.toFixed(3), at, y(i), { size: 12, fill: this.app.palette.soft, align: towards < 0 ? "left" : "right" });
      }
    }
  }

  /**
   * Show the strongest keys beyond the edges of the screen.
   * @param {Pen} pen
   * @param {number} query
   * @param {number} to
   * @param {number} x
   * @param {number} top
   * @param {number} height
   */
  #paintElsewhere(pen, query, to, x, top, height) {
    const { palette } = this.app;
    const sums = Array.from({ length: this.#shown.n }, (_, k) => this.#heads.reduce((sum, { matrix }) => sum + matrix.value(query, k), 0));
    const listed = (/** @type {number[]} */ keys) => keys.filter((k) => sums[k] >= 0.05 * this.#heads.length).sort((a, b) => sums[b] - sums[a]).slice(0, 2);
    const all = [...sums.keys()];
    /** @type {[key: number, arrow: string, y: number][]} */
    const tags = [];
    listed(all.filter((k) => 6 + k * ROW < top - ROW / 2)).forEach((k, i) => tags.push([k, "↑", 14 + i * 24]));
    listed(all.filter((k) => k >= to)).forEach((k, i) => tags.push([k, "↓", height - 14 - i * 24]));
    for (const [k, arrow, y] of tags) {
      const text = `${arrow} ${fitted(this.#shown.labels[k], 13, this.#bar - 80).text} ${(sums[k] / this.#heads.length).toFixed(2)}`;
      const wide = fitted(text, 13, this.#width * 0.4).width;
      pen.rect(x - 6, y - 11, wide + 12, 22, palette.accent, { radius: 11 });
      pen.text(text, x, y, { size: 13, fill: palette.onAccent });
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { app, column } = this;
    const units = this.#shown;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const by = event.shiftKey ? 10 : 1;
    /** @type {Record<string, number>} */
    const steps = { ArrowUp: -by, ArrowDown: by, PageUp: -10, PageDown: 10, Home: -units.n, End: units.n };
    if (!(event.key in steps)) return;
    const before = app.cellOf(column)?.query ?? (steps[event.key] > 0 ? -1 : units.n);
    const query = Math.min(Math.max(before + steps[event.key], 0), units.n - 1);
    app.point(null);
    app.pin(column, { query, key: null });
    this.reveal({ query, key: null });
    event.preventDefault();
    event.stopPropagation();
  }

  get #whole() {
    return this.#shown.n <= 200;
  }

  extent() {
    return { width: this.#width, height: this.#whole ? this.#shown.n * ROW + 12 : this.#height };
  }
}
