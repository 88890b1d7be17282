// A sheet as cells with labels; marks are drawn on a canvas above it.

import { diverging, hex, inkOn } from "./colour.js";
import { contextOf, make } from "./elements.js";
import { written } from "./numbers.js";
import { isolated } from "./pen.js";
import { say } from "./words.js";

/** @import { Colours } from "./colour.js" */
/** @import { AnalysisSheet, Rgb, SheetCell } from "./types.js" */

/** Height of cells with text, and the smallest width and height. */
const HEIGHT = 24;
const LEAST = 5;
/** Widths of cells: the widest text, and the narrowest with one. */
const WIDEST_TEXT = 92;
const TEXT_FROM = 26;
/** Longest label in pixels, and the largest canvas that every browser has. */
const LONGEST = 130;
const CANVAS = 16000;

export class AnalysisMap {
  /**
   * @param {HTMLElement} host
   * @param {(cell: SheetCell | null) => void} point
   * @param {(cell: SheetCell | null) => void} pin
   */
  constructor(host, point, pin) {
    this.base = make("canvas", { tabIndex: 0, role: "application" });
    this.over = make("canvas", { "aria-hidden": "true" });
    /** Width and height in CSS pixels. @type {[number, number]} */
    this.size = [0, 0];
    this.host = host;
    this.width = LEAST;
    this.height = HEIGHT;
    this.left = 0;
    this.top = 0;
    /** @type {AnalysisSheet | null} */
    this.sheet = null;
    this.base.addEventListener("pointermove", (event) => point(this.#cellAt(event)));
    this.base.addEventListener("pointerdown", (event) => pin(this.#cellAt(event)));
    this.base.addEventListener("pointerleave", () => point(null));
  }

  /**
   * @param {AnalysisSheet} sheet
   * @param {Colours} colours
   */
  show(sheet, colours) {
    this.sheet = sheet;
    if (this.base.parentElement !== this.host) this.host.replaceChildren(this.base, this.over);
    const { rows, columns } = sheet;
    const { palette } = colours;
    const context = contextOf(this.base);
    const font = `13px ${palette.font}`;
    context.font = font;
    const widest = (/** @type {string[]} */ labels, /** @type {number} */ most) => Math.min(most, Math.max(...labels.map((label) => context.measureText(label).width)));
    const texts = rows.flatMap((_, row) => columns.map((_, column) => textOf(sheet, { row, column })));
    const wanted = Math.max(widest(texts, WIDEST_TEXT) + 10, TEXT_FROM);
    this.left = Math.ceil(widest(rows, LONGEST)) + 12;
    this.top = Math.ceil(widest(columns, LONGEST)) + 12;
    const room = CANVAS - this.left;
    this.width = Math.max(1, Math.min(wanted, Math.floor(room / columns.length)));
    this.height = Math.max(1, Math.min(HEIGHT, Math.floor((CANVAS - this.top) / rows.length)));
    /** @type {[number, number]} */
    const size = [this.left + columns.length * this.width + 2, this.top + rows.length * this.height + 2];
    this.size = size;
    this.base.setAttribute("aria-label", say(`sheet-${sheet.name}`));
    const scale = Math.min(devicePixelRatio || 1, CANVAS / Math.max(...size));
    for (const canvas of [this.base, this.over]) {
      Object.assign(canvas, { width: Math.round(size[0] * scale), height: Math.round(size[1] * scale) });
      Object.assign(canvas.style, { width: `${size[0]}px`, height: `${size[1]}px` });
      contextOf(canvas).scale(scale, scale);
    }
    context.clearRect(0, 0, size[0], size[1]);
    Object.assign(context, { font, textBaseline: "middle", textAlign: "center" });
    for (let row = 0; row < rows.length; row++) {
      for (let column = 0; column < columns.length; column++) {
        this.#paint(context, { row, column }, colours, texts[row * columns.length + column]);
      }
    }
    this.#labels(context, sheet, palette.ink);
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {SheetCell} cell
   * @param {Colours} colours
   * @param {string} text
   */
  #paint(context, cell, colours, text) {
    const sheet = /** @type {AnalysisSheet} */ (this.sheet);
    const value = sheet.value(cell);
    if (!Number.isFinite(value)) return;
    const [x, y] = this.#corner(cell);
    /** @type {Rgb} */
    const rgb = sheet.limit === null ? colours.rgb(value) : diverging(value, sheet.limit, colours.palette);
    const gap = Math.min(this.width, this.height) > 7 ? 1 : 0;
    context.fillStyle = hex(rgb);
    context.fillRect(x, y, this.width - gap, this.height - gap);
    if (this.width < TEXT_FROM || this.height < 16) return;
    context.fillStyle = inkOn(rgb);
    context.fillText(isolated(text), x + this.width / 2, y + this.height / 2, this.width - 4);
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {AnalysisSheet} sheet
   * @param {string} ink
   */
  #labels(context, sheet, ink) {
    context.fillStyle = ink;
    context.textAlign = "right";
    if (this.height >= 11) {
      sheet.rows.forEach((label, row) => context.fillText(isolated(label), this.left - 6, this.top + (row + 0.5) * this.height, LONGEST));
    }
    context.textAlign = "left";
    if (this.width < 11) return;
    sheet.columns.forEach((label, column) => {
      context.save();
      context.translate(this.left + (column + 0.5) * this.width, this.top - 6);
      if (context.measureText(label).width > this.width - 2) context.rotate(-Math.PI / 2);
      else context.translate(-context.measureText(label).width / 2, -4);
      context.fillText(isolated(label), 0, 0, LONGEST);
      context.restore();
    });
  }

  /**
   * Mark a cell with its row and column.
   * @param {SheetCell | null} cell
   * @param {string} accent
   */
  mark(cell, accent) {
    const context = contextOf(this.over);
    context.clearRect(0, 0, this.over.width, this.over.height);
    if (!cell || !this.sheet) return;
    const [x, y] = this.#corner(cell);
    Object.assign(context, { strokeStyle: accent, lineWidth: 1 });
    context.strokeRect(this.left - 0.5, y - 0.5, this.sheet.columns.length * this.width, this.height);
    context.strokeRect(x - 0.5, this.top - 0.5, this.width, this.sheet.rows.length * this.height);
    context.lineWidth = 2;
    context.strokeRect(x + 0.5, y + 0.5, this.width - 2, this.height - 2);
  }

  /** @param {SheetCell} cell */
  cellCentre(cell) {
    const [x, y] = this.#corner(cell);
    const box = this.base.getBoundingClientRect();
    return { x: box.left + x + this.width / 2, y: box.top + y + this.height / 2 };
  }

  /** @param {SheetCell} cell */
  #corner({ row, column }) {
    return [this.left + column * this.width, this.top + row * this.height];
  }

  /**
   * @param {PointerEvent} event
   * @returns {SheetCell | null}
   */
  #cellAt(event) {
    if (!this.sheet) return null;
    const row = Math.floor((event.offsetY - this.top) / this.height);
    const column = Math.floor((event.offsetX - this.left) / this.width);
    const inside = row >= 0 && column >= 0 && row < this.sheet.rows.length && column < this.sheet.columns.length;
    return inside ? { row, column } : null;
  }
}

/**
 * Return the text of a cell: its own, or its value.
 * @param {AnalysisSheet} sheet
 * @param {SheetCell} cell
 */
function textOf(sheet, cell) {
  return sheet.texts?.[cell.row * sheet.columns.length + cell.column] ?? written(sheet.value(cell), 2);
}
