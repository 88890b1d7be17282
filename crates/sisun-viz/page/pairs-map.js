// The map of one head: rows are queries, columns are keys.

import { inkOn, hex } from "./colour.js";
import { contextOf, make } from "./elements.js";
import { written } from "./numbers.js";
import { isolated } from "./pen.js";

/** @import { Colours } from "./colour.js" */
/** @import { PairsHead } from "./types.js" */
/** @typedef {{ query: number, key: number }} PairsCell */

/** Colour of the outlines of the true alignment, as in the pictures. */
const ALIGNED = "#e6550d";
/** Sides of cells in pixels, and of those that hold a number. */
const LEAST = 5;
const MOST = 46;
const NUMBERS_FROM = 34;
/** Side of cells with labels, and the longest label in pixels. */
const LABELS_FROM = 11;
const LONGEST = 120;

/** A map with its labels; marks are drawn on a canvas above it. */
export class PairsMap {
  /**
   * @param {HTMLElement} host
   * @param {(cell: PairsCell | null) => void} point
   */
  constructor(host, point) {
    this.base = make("canvas", { tabIndex: 0, role: "application", "aria-describedby": "readout" });
    this.over = make("canvas", { "aria-hidden": "true" });
    host.replaceChildren(this.base, this.over);
    this.host = host;
    this.side = LEAST;
    this.left = 0;
    this.top = 0;
    /** @type {PairsHead | null} */
    this.head = null;
    this.base.addEventListener("pointermove", (event) => point(this.#cellAt(event)));
    this.base.addEventListener("pointerdown", (event) => point(this.#cellAt(event)));
    this.base.addEventListener("pointerleave", () => point(null));
  }

  /**
   * @param {PairsHead} head
   * @param {Colours} colours
   */
  show(head, colours) {
    this.head = head;
    const { rows, columns } = head;
    const { palette } = colours;
    const font = (/** @type {number} */ size) => `${size}px ${palette.font}`;
    const context = contextOf(this.base);
    context.font = font(13);
    const widest = (/** @type {string[]} */ labels) => Math.min(LONGEST, Math.max(...labels.map((label) => context.measureText(label).width)));
    this.left = Math.ceil(widest(rows)) + 12;
    this.top = Math.ceil(widest(columns)) + 12;
    const room = Math.max(this.host.clientWidth, 280) - this.left - 4;
    this.side = Math.max(LEAST, Math.min(MOST, Math.floor(room / columns.length)));
    const [width, height] = [this.left + columns.length * this.side + 2, this.top + rows.length * this.side + 2];
    for (const canvas of [this.base, this.over]) {
      const scale = devicePixelRatio || 1;
      Object.assign(canvas, { width: Math.round(width * scale), height: Math.round(height * scale) });
      Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
      contextOf(canvas).scale(scale, scale);
    }
    context.clearRect(0, 0, width, height);
    this.#cells(context, head, colours);
    if (this.side >= LABELS_FROM) this.#labels(context, head, palette.ink, font(Math.min(13, this.side)));
    for (const [query, key] of head.alignment ?? []) this.#outline(context, { query, key }, ALIGNED, 2);
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {PairsHead} head
   * @param {Colours} colours
   */
  #cells(context, head, colours) {
    const { side } = this;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.font = `11px ${colours.palette.font}`;
    for (let query = 0; query < head.rows.length; query++) {
      for (let key = 0; key < head.columns.length; key++) {
        const [x, y] = this.#corner({ query, key });
        const hidden = head.causal && key > query;
        const rgb = hidden ? colours.palette.hiddenRgb : colours.rgb(head.weight(query, key));
        context.fillStyle = hex(rgb);
        context.fillRect(x, y, side - (side > 7 ? 1 : 0), side - (side > 7 ? 1 : 0));
        if (side < NUMBERS_FROM || hidden) continue;
        context.fillStyle = inkOn(rgb);
        context.fillText(written(head.weight(query, key), 2), x + side / 2, y + side / 2);
      }
    }
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {PairsHead} head
   * @param {string} ink
   * @param {string} font
   */
  #labels(context, head, ink, font) {
    const { side } = this;
    Object.assign(context, { fillStyle: ink, font, textBaseline: "middle" });
    context.textAlign = "right";
    head.rows.forEach((label, row) => context.fillText(isolated(label), this.left - 6, this.top + (row + 0.5) * side, LONGEST));
    context.textAlign = "left";
    head.columns.forEach((label, column) => {
      context.save();
      context.translate(this.left + (column + 0.5) * side, this.top - 6);
      if (context.measureText(label).width > side - 2) context.rotate(-Math.PI / 2);
      else context.translate(-context.measureText(label).width / 2, -4);
      context.fillText(isolated(label), 0, 0, LONGEST);
      context.restore();
    });
  }

  /**
   * Mark a cell with its row and column.
   * @param {PairsCell | null} cell
   * @param {string} accent
   */
  mark(cell, accent) {
    const context = contextOf(this.over);
    context.clearRect(0, 0, this.over.width, this.over.height);
    if (!cell || !this.head) return;
    const { side } = this;
    const [x, y] = this.#corner(cell);
    Object.assign(context, { strokeStyle: accent, lineWidth: 1 });
    context.strokeRect(this.left - 0.5, y - 0.5, this.head.columns.length * side, side);
    context.strokeRect(x - 0.5, this.top - 0.5, side, this.head.rows.length * side);
    this.#outline(context, cell, accent, 2);
  }

  /** @param {PairsCell} cell */
  cellCentre(cell) {
    const [x, y] = this.#corner(cell);
    const box = this.base.getBoundingClientRect();
    return { x: box.left + x + this.side / 2, y: box.top + y + this.side / 2 };
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {PairsCell} cell
   * @param {string} colour
   * @param {number} width
   */
  #outline(context, cell, colour, width) {
    const [x, y] = this.#corner(cell);
    Object.assign(context, { strokeStyle: colour, lineWidth: width });
    context.strokeRect(x + width / 2 - 0.5, y + width / 2 - 0.5, this.side - width, this.side - width);
  }

  /** @param {PairsCell} cell */
  #corner({ query, key }) {
    return [this.left + key * this.side, this.top + query * this.side];
  }

  /**
   * @param {PointerEvent} event
   * @returns {PairsCell | null}
   */
  #cellAt(event) {
    if (!this.head) return null;
    const query = Math.floor((event.offsetY - this.top) / this.side);
    const key = Math.floor((event.offsetX - this.left) / this.side);
    const inside = query >= 0 && key >= 0 && query < this.head.rows.length && key < this.head.columns.length;
    return inside ? { query, key } : null;
  }
}
