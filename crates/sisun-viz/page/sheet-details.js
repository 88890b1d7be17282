// Beside a sheet: the value of a cell, the most likely tokens, and the largest contributions.

import { make } from "./elements.js";
import { quoted } from "./labels.js";
import { percent, written } from "./numbers.js";
import { say } from "./words.js";

/** @import { AnalysisSheet, SheetCell } from "./types.js" */

/** Number of contributions that are listed. */
const LISTED = 14;

/**
 * Return the value of a cell of a sheet with its labels.
 * @param {AnalysisSheet} sheet
 * @param {SheetCell} cell
 * @returns {HTMLElement[]}
 */
export function cellValue(sheet, cell) {
  if (sheet.form === "points" || sheet.form === "planes") {
    const first = cell.column - cell.column % 2;
    const place = [first, first + 1].map((column) => written(sheet.value({ row: cell.row, column }), 3));
    return [make("strong", { textContent: sheet.rows[cell.row] }), make("small", { textContent: say("place", place[0], place[1]) })];
  }
  const value = sheet.value(cell);
  const text = sheet.texts?.[cell.row * sheet.columns.length + cell.column];
  return [
    make("strong", { textContent: sheet.limit === null ? percent(value) : written(value) }),
    ...(text ? [make("span", { className: "pair" }, make("bdi", { textContent: text }))] : []),
    make("small", { textContent: say("cell", sheet.rows[cell.row], `\u2068${sheet.columns[cell.column]}\u2069`) }),
  ];
}

/**
 * Return a title and a list: the most likely tokens of a cell of the lens, or the largest contributions of a column.
 * @param {AnalysisSheet} sheet
 * @param {SheetCell | null} cell
 * @param {[text: string, probability: number][][]} likely the most likely tokens of each cell of the lens
 * @returns {{ title: string, entries: HTMLElement[] }}
 */
export function cellDetails(sheet, cell, likely) {
  const top = cell && sheet.name === "lens" ? likely[cell.row * sheet.columns.length + cell.column] : null;
  if (top) return { title: say("top"), entries: top.map(([text, p]) => entry(text, percent(p), p, "")) };
  if (sheet.name !== "attribution") return { title: "", entries: [] };
  const column = cell?.column ?? sheet.columns.length - 1;
  const sum = sheet.rows.length - 1;
  const parts = sheet.rows.slice(0, sum).map((name, row) => ({ name, value: sheet.value({ row, column }) }));
  parts.sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const limit = Math.max(...parts.map(({ value }) => Math.abs(value)), Number.MIN_VALUE);
  const total = entry(say("sum"), written(sheet.value({ row: sum, column })), 0, "total");
  const sign = (/** @type {number} */ value) => (value < 0 ? "negative" : "positive");
  const listed = parts.slice(0, LISTED).map(({ name, value }) => entry(name, written(value), Math.abs(value) / limit, sign(value)));
  return { title: say("largest", quoted(sheet.columns[column])), entries: [...listed, total] };
}

/**
 * Create an entry: a text with a value, and a bar of a share of the width.
 * @param {string} text
 * @param {string} value
 * @param {number} share
 * @param {string} className
 */
function entry(text, value, share, className) {
  const fill = make("span", { className: "fill" });
  fill.style.width = `${100 * share}%`;
  return make("li", { className }, fill, make("bdi", { textContent: text }), make("span", { className: "value", textContent: value }));
}
