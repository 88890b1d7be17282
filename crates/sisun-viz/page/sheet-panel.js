// The tabs of an attention page that show sheets: the logit lens, and direct logit attribution.

import { AnalysisMap } from "./analysis-map.js";
import { make, watchWidth } from "./elements.js";
import { watchOverflow } from "./overflow.js";
import { cellDetails, cellValue } from "./sheet-details.js";
import { readSheet } from "./sheets.js";
import { say, sayHint } from "./words.js";

/** @import { App } from "./app.js" */
/** @import { AnalysisSheet, Panel, Pen, SheetCell, SheetData } from "./types.js" */

/** One sheet: its sentence, its cells, and the details of the cell that is pointed at or chosen. */
class SheetFigure {
  /** @type {AnalysisSheet | null} */
  #sheet = null;
  /** @type {SheetCell | null} */
  #pinned = null;

  /**
   * @param {HTMLElement} host
   * @param {SheetData} data
   * @param {App} app
   */
  constructor(host, data, app) {
    this.data = data;
    this.app = app;
    this.story = make("p", { className: "aside" });
    this.box = make("div", { className: "wide sheet", role: "region" });
    this.value = make("p", { className: "sheet-value", role: "status" });
    this.title = make("p", { className: "name" });
    this.list = make("ul", { className: "bars" });
    const beside = make("div", { className: "sheet-beside" }, this.value, this.title, this.list);
    host.append(make("figure", { className: "sheet-figure", data: { sheet: data.name } }, this.story, make("div", { className: "sheet-row" }, this.box, beside)));
    this.map = new AnalysisMap(this.box, (cell) => this.#mark(cell ?? this.#pinned), (cell) => this.#pin(cell));
    this.map.base.addEventListener("keydown", (event) => this.#key(event));
    watchOverflow(this.box);
    watchWidth(this.box, () => this.show());
  }

  /** Decode the sheet, if that has not been done. */
  need() {
    if (this.#sheet) return null;
    return readSheet(this.data).then((sheet) => { this.#sheet = sheet; });
  }

  show() {
    if (!this.#sheet) return;
    this.story.textContent = say(this.data.name === "attribution" ? "story-attribution-next" : `story-${this.data.name}`);
    this.box.setAttribute("aria-label", say(`sheet-${this.data.name}`));
    this.map.show(this.#sheet, this.app.linearColours);
    this.#mark(this.#pinned);
  }

  /** @param {SheetCell | null} cell */
  #pin(cell) {
    if (!cell) return;
    this.#pinned = cell;
    this.#mark(cell);
  }

  /** @param {SheetCell | null} cell */
  #mark(cell) {
    const sheet = this.#sheet;
    if (!sheet) return;
    this.map.mark(cell, this.app.palette.accent);
    this.value.replaceChildren(...(cell ? cellValue(sheet, cell) : [make("span", { className: "hint", textContent: sayHint("hint-sheet") })]));
    const { title, entries } = cellDetails(sheet, cell, this.app.page.details ?? []);
    this.title.textContent = title;
    this.list.replaceChildren(...entries);
  }

  /**
   * Move from cell to cell with the arrow keys.
   * @param {KeyboardEvent} event
   */
  #key(event) {
    /** @type {Record<string, [number, number]>} */
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const by = steps[event.key];
    if (!by || !this.#sheet || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    const { rows, columns } = this.#sheet;
    const { row, column } = this.#pinned ?? { row: 0, column: 0 };
    const held = (/** @type {number} */ at, /** @type {number} */ count) => Math.min(Math.max(at, 0), count - 1);
    this.#pin({ row: held(row + by[0], rows.length), column: held(column + by[1], columns.length) });
  }
}

/**
 * A tab of sheets. `names` are those of its sheets.
 * @implements {Panel}
 */
class SheetPanel {
  column = 0;
  /** @type {SheetFigure[]} */
  #figures;

  /**
   * @param {HTMLElement} host
   * @param {App} app
   * @param {string[]} names
   */
  constructor(host, app, names) {
    this.app = app;
    const sheets = (app.page.sheets ?? []).filter(({ name }) => names.includes(name));
    this.#figures = sheets.map((sheet) => new SheetFigure(host, sheet, app));
  }

  get view() {
    return this.app.present()[0];
  }

  needs() {
    return this.#figures.map((figure) => figure.need());
  }

  show() {
    for (const figure of this.#figures) figure.show();
  }

  mark() {
    // A sheet has cells of its own.
  }

  extent() {
    const sizes = this.#figures.map(({ map }) => map.size);
    return { width: Math.max(...sizes.map(([width]) => width)), height: sizes.reduce((sum, [, height]) => sum + height + 16, 0) };
  }

  /** @param {Pen} pen */
  paint(pen) {
    let top = 0;
    for (const { map } of this.#figures) {
      const [width, height] = map.size;
      pen.image(map.base, 0, 0, map.base.width, map.base.height, 0, top, width, height);
      top += height + 16;
    }
  }
}

export class LensPanel extends SheetPanel {
  /**
   * @param {HTMLElement} host
   * @param {number} column
   * @param {App} app
   */
  constructor(host, column, app) {
    super(host, app, ["lens", "lens-next"]);
  }
}

export class AttributionPanel extends SheetPanel {
  /**
   * @param {HTMLElement} host
   * @param {number} column
   * @param {App} app
   */
  constructor(host, column, app) {
    super(host, app, ["attribution"]);
  }
}
