// How the model tells positions apart: its position encoding as sheets, one of them shown.

import { expectBytes, readBlock } from "./blocks.js";
import { make, watchWidth } from "./elements.js";
import { written } from "./numbers.js";
import { CanvasPen } from "./pen.js";
import { CellPlaces, paintCells } from "./sheet-cells.js";
import { LinePlaces, paintLines } from "./sheet-lines.js";
import { hasWords, say } from "./words.js";

/** @import { App } from "./app.js" */
/** @import { AnalysisSheet, Panel, Pen, SheetCell, SheetData } from "./types.js" */

/** Width of saved pictures, and height of lines. */
const SAVED = 760;
const LINES = 340;

/** Sheets that have been decoded, by their data. @type {WeakMap<SheetData, AnalysisSheet>} */
const DECODED = new WeakMap();
/** @type {WeakMap<SheetData, Promise<void>>} */
const UNDERWAY = new WeakMap();

/**
 * A promise for the values of a sheet, or null if they are here.
 * @param {SheetData} data
 * @returns {Promise<void> | null}
 */
function decode(data) {
  if (DECODED.has(data)) return null;
  const known = UNDERWAY.get(data);
  if (known) return known;
  const underway = (async () => {
    const bytes = await readBlock(data.block);
    expectBytes(data.block, bytes, 4 * data.rows.length * data.columns.length);
    const values = new Float32Array(bytes.buffer);
    DECODED.set(data, { ...data, value: ({ row, column }) => values[row * data.columns.length + column] });
  })();
  UNDERWAY.set(data, underway);
  return underway;
}

/** @implements {Panel} */
export class PositionsPanel {
  /** @type {CellPlaces | LinePlaces | null} */
  #places = null;
  /** The cell that the arrow keys have reached. @type {SheetCell} */
  #cell = { row: 0, column: 0 };

  /**
   * @param {HTMLElement} host
   * @param {number} column
   * @param {App} app
   */
  constructor(host, column, app) {
    this.column = column;
    this.app = app;
    this.names = make("div", { className: "sheets", role: "group" });
    this.meaning = make("p", { className: "aside" });
    this.canvas = make("canvas", { role: "img", tabIndex: 0 });
    this.box = make("div", { className: "sheet" }, this.canvas);
    host.append(this.names, this.meaning, this.box);
    this.canvas.addEventListener("pointermove", (event) => this.#tell(this.#places?.nearest(event.offsetX, event.offsetY) ?? null));
    this.canvas.addEventListener("pointerleave", () => this.#tell(null));
    this.canvas.addEventListener("keydown", (event) => this.#key(event));
    watchWidth(this.box, () => { if (this.app.panels.includes(this)) this.show(); });
  }

  get view() {
    return this.app.present()[this.column];
  }

  /** @returns {SheetData[]} */
  get sheets() {
    return (this.view.positions ?? this.app.views[0].positions)?.sheets ?? [];
  }

  /** The data of the chosen sheet. @returns {SheetData | null} */
  get data() {
    const { sheets } = this;
    return sheets.find(({ name }) => name === this.app.state.sheet) ?? sheets[0] ?? null;
  }

  /** @returns {AnalysisSheet | null} */
  get sheet() {
    return (this.data && DECODED.get(this.data)) ?? null;
  }

  needs() {
    return this.data ? [decode(this.data)] : [];
  }

  show() {
    const { app, view, sheet } = this;
    this.names.setAttribute("aria-label", say("positions-sheets"));
    this.names.replaceChildren(...this.sheets.map(({ name }) => {
      const button = make("button", { type: "button", className: "plain", textContent: say(`sheet-${name}`), data: { sheet: name } });
      button.setAttribute("aria-pressed", String(name === sheet?.name));
      button.addEventListener("click", () => app.state.set({ sheet: name }));
      return button;
    }));
    this.box.hidden = !sheet;
    this.#places = null;
    if (!sheet) {
      this.meaning.textContent = say(view.causal ? "positions-none" : "positions-none-both");
      app.tell("");
      return;
    }
    const story = `story-${sheet.name}`;
    this.meaning.textContent = hasWords(story) ? say(story) : "";
    const width = Math.max(260, this.box.clientWidth);
    this.#places = this.#laid(sheet, width);
    const { width: across, height } = this.#sizeOf(this.#places, width);
    this.canvas.setAttribute("aria-label", say(`sheet-${sheet.name}`));
    this.#draw(CanvasPen.on(this.canvas, across, height, app.palette), this.#places, width);
    this.#tell(null);
  }

  /**
   * @param {AnalysisSheet} sheet
   * @param {number} width
   */
  #laid(sheet, width) {
    return sheet.form === "cells" ? new CellPlaces(sheet, width) : new LinePlaces(sheet, Math.min(width, 900), LINES);
  }

  /**
   * @param {CellPlaces | LinePlaces} places
   * @param {number} width
   */
  #sizeOf(places, width) {
    return places instanceof CellPlaces ? places.extent : { width: Math.min(width, 900), height: LINES };
  }

  /**
   * @param {Pen} pen
   * @param {CellPlaces | LinePlaces} places
   * @param {number} width
   */
  #draw(pen, places, width) {
    if (places instanceof CellPlaces) paintCells(pen, places, this.app.colours);
    else paintLines(pen, places.sheet, Math.min(width, 900), LINES, this.app.palette);
  }

  /** @param {SheetCell | null} cell */
  #tell(cell) {
    const { app, sheet } = this;
    if (!cell || !sheet) return app.tell(sheet ? say("positions-hint") : "");
    app.readout.host.replaceChildren(
      make("strong", { textContent: written(sheet.value(cell)) }),
      make("small", { textContent: say("positions-at", sheet.rows[cell.row], sheet.columns[cell.column]) }),
    );
  }

  /**
   * Read the next cell in the direction of an arrow key.
   * @param {KeyboardEvent} event
   */
  #key(event) {
    /** @type {Record<string, [number, number]>} */
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const by = steps[event.key];
    const { sheet } = this;
    if (!by || !sheet || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const held = (/** @type {number} */ at, /** @type {number} */ count) => Math.min(Math.max(at, 0), count - 1);
    const { row, column } = this.#cell;
    this.#cell = { row: held(row + by[0], sheet.rows.length), column: held(column + by[1], sheet.columns.length) };
    this.#tell(this.#cell);
  }

  mark() {
    // What is shown does not depend on the text.
  }

  extent() {
    return this.sheet ? this.#sizeOf(this.#laid(this.sheet, SAVED), SAVED) : { width: SAVED, height: 24 };
  }

  /** @param {Pen} pen */
  paint(pen) {
    const { sheet, app } = this;
    if (sheet) this.#draw(pen, this.#laid(sheet, SAVED), SAVED);
    else pen.text(this.meaning.textContent ?? "", 0, 10, { size: 13, fill: app.palette.ink });
  }
}
