// The page of an analysis: the reader's choices, the current sheet, and the details of a cell.

import { Address, readIndex, readLanguage, readMap, readTheme } from "./address.js";
import { AnalysisDrawn } from "./analysis-drawn.js";
import { AnalysisMap } from "./analysis-map.js";
import { AnalysisPoints } from "./analysis-points.js";
import { fillSelect, find, make, onChoice, watchWidth } from "./elements.js";
import { watchOverflow } from "./overflow.js";
import { cellDetails, cellValue } from "./sheet-details.js";
import { readSheet } from "./sheets.js";
import { Theme } from "./theme.js";
import { say, sayHint, setLanguage, translate } from "./words.js";

/** @import { AnalysisPageData, AnalysisSheet, Language, SheetCell, ThemeChoice } from "./types.js" */

const READERS = { sheet: readIndex, row: readIndex, column: readIndex, map: readMap, language: readLanguage, theme: readTheme };

/**
 * The choices: a sheet, and the pinned cell.
 * @typedef {object} Choices
 * @property {number} sheet
 * @property {number | null} row
 * @property {number | null} column
 * @property {string | null} map
 * @property {Language} language
 * @property {ThemeChoice} theme
 */

export class AnalysisApp {
  #address;

  /** @param {AnalysisPageData} page */
  constructor(page) {
    this.page = page;
    this.theme = new Theme(page.colours);
    /** @type {AnalysisSheet[]} */
    this.sheets = [];
    /** @type {SheetCell | null} */
    this.pointed = null;
    const [point, pin] = [(/** @type {SheetCell | null} */ cell) => this.point(cell), (/** @type {SheetCell | null} */ cell) => this.pin(cell)];
    const host = find("view-sheet");
    const drawn = new AnalysisDrawn(host, point, pin);
    this.forms = { cells: new AnalysisMap(host, point, pin), points: new AnalysisPoints(host, point, pin), lines: drawn, band: drawn, planes: drawn };
    /** @type {Choices} */
    const defaults = { sheet: 0, row: null, column: null, map: null, language: page.language, theme: "auto" };
    this.#address = new Address(READERS, defaults, "sheet");
    this.choices = this.#address.read();
    this.#address.listen((choices) => { this.choices = choices; this.show(); });
    const select = (/** @type {string} */ id) => find(id, HTMLSelectElement);
    onChoice(select("language"), "change", (value) => this.change({ language: value === "ko" ? "ko" : "en" }));
    onChoice(select("theme"), "change", (value) => this.change({ theme: value === "light" || value === "dark" ? value : "auto" }));
    onChoice(select("map"), "change", (value) => this.change({ map: value }));
    this.theme.listen(() => this.show());
    watchWidth(find("view-sheet"), () => this.show());
    find("view-sheet").addEventListener("keydown", (event) => this.#key(event));
    watchOverflow(host);
    watchOverflow(find("sheets"));
    find("title").textContent = page.title;
    find("text").textContent = page.text;
    find("read").hidden = page.text === "";
    find("notes").replaceChildren(...page.notes.map((textContent) => make("li", { textContent })));
  }

  /** Decode every sheet. */
  async load() {
    for (const sheet of this.page.sheets) this.sheets.push(await readSheet(sheet));
  }

  get sheet() {
    return this.sheets[Math.min(this.choices.sheet, this.sheets.length - 1)];
  }

  /** The figure of the current sheet. */
  get map() {
    return this.forms[this.sheet.form];
  }

  /** The pinned cell, if the sheet has it. */
  get pinned() {
    const { row, column } = this.choices;
    const has = row !== null && column !== null && row < this.sheet.rows.length && column < this.sheet.columns.length;
    return has ? { row, column } : null;
  }

  /** @param {Partial<Choices>} choices */
  change(choices) {
    Object.assign(this.choices, choices);
    this.show();
  }

  /** @param {SheetCell | null} cell */
  pin(cell) {
    if (cell) this.change(cell);
  }

  show() {
    const { page, choices, sheet } = this;
    setLanguage(choices.language);
    this.theme.apply(choices.theme);
    translate(document);
    find("language", HTMLSelectElement).value = choices.language;
    find("theme", HTMLSelectElement).value = choices.theme;
    const maps = Object.keys(page.colours).map((name) => /** @type {[string, string]} */ ([name, say(`map-${name}`)]));
    fillSelect(find("map", HTMLSelectElement), maps, this.theme.mapOf(choices.theme, choices.map));
    find("map", HTMLSelectElement).disabled = sheet.limit !== null || sheet.form !== "cells";
    find("sheets").replaceChildren(...this.sheets.map(({ name }, i) => {
      const tab = make("button", { type: "button", role: "tab", textContent: say(`sheet-${name}`) });
      tab.setAttribute("aria-selected", String(this.sheets[i] === sheet));
      tab.addEventListener("click", () => this.change({ sheet: i }));
      return tab;
    }));
    find("story").textContent = say(`story-${sheet.name}`);
    this.map.show(sheet, this.colours);
    this.point(this.pointed);
    this.#address.writeSoon(choices);
  }

  get colours() {
    return this.theme.colours(this.choices.theme, this.choices.map, "linear");
  }

  /** @param {SheetCell | null} cell */
  point(cell) {
    this.pointed = cell;
    const shown = cell ?? this.pinned;
    this.map.mark(shown, this.colours.palette.accent);
    const { sheet } = this;
    const readout = find("readout");
    this.#details(shown);
    if (!shown) return readout.replaceChildren(make("span", { className: "hint", textContent: sayHint("hint") }));
    readout.replaceChildren(...cellValue(sheet, shown));
  }

  /** @param {SheetCell | null} cell */
  #details(cell) {
    const { title, entries } = cellDetails(this.sheet, cell, this.page.details);
    find("details-title").textContent = title;
    find("details").replaceChildren(...entries);
  }

  /**
   * Move from cell to cell with the arrow keys.
   * @param {KeyboardEvent} event
   */
  #key(event) {
    /** @type {Record<string, [number, number]>} */
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const by = steps[event.key];
    if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const { rows, columns } = this.sheet;
    const from = this.pinned ?? { row: 0, column: 0 };
    const held = (/** @type {number} */ at, /** @type {number} */ count) => Math.min(Math.max(at, 0), count - 1);
    this.pointed = null;
    const across = this.sheet.form === "points" ? 1 : columns.length;
    this.pin({ row: held(from.row + by[0], rows.length), column: held(from.column + by[1], across) });
  }
}
