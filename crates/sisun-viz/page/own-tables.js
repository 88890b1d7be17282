// Tables of given matrices: those that are typed in, and those that result.

import { make } from "./elements.js";
import { written } from "./numbers.js";
import { say } from "./words.js";
import { scrolled } from "./worked-stream.js";

/**
 * A matrix with a cell to type into for each number.
 * @param {{ name: string, rows: number[][], labels: string[] | null, change: (row: number, column: number, text: string) => void, paste: (row: number, column: number, text: string) => void }} given
 */
export function inputTable({ name, rows, labels, change, paste }) {
  const columns = rows[0]?.length ?? 0;
  const head = make("tr", {}, make("th", { textContent: name }), ...Array.from({ length: columns }, (_, j) => make("th", { scope: "col", textContent: j })));
  const body = rows.map((row, i) => make("tr", {}, make("th", { scope: "row", textContent: labels?.[i] ?? i }), ...row.map((value, j) => {
    const cell = make("input", {
      type: "text", inputMode: "decimal", autocomplete: "off", value: Number.isNaN(value) ? "" : String(value),
      "aria-label": say("own-cell", name, i, j), data: { matrix: name, row: i, column: j },
    });
    cell.addEventListener("input", () => change(i, j, cell.value));
    cell.addEventListener("paste", (event) => {
      const text = event.clipboardData?.getData("text") ?? "";
      if (!/\S[\s,;]+\S/.test(text)) return;
      event.preventDefault();
      paste(i, j, text);
    });
    return make("td", {}, cell);
  })));
  return make("table", { className: "given", data: { matrix: name } }, make("thead", {}, head), make("tbody", {}, ...body));
}

/**
 * Read a number that was typed; NaN if it is none.
 * @param {string} text
 * @returns {number}
 */
export function readNumber(text) {
  const plain = text.trim().replace("−", "-");
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(plain) ? Number(plain) : NaN;
}

/**
 * Read rows of numbers: line breaks or semicolons part rows; spaces, tabs, commas and brackets part numbers.
 * @param {string} text
 * @returns {number[][]}
 */
export function readRows(text) {
  const lines = text.replace(/\]\s*,/g, "\n").split(/[\n;]+/);
  return lines.map((line) => line.replace(/[[\]|]/g, " ").trim().split(/[\s,]+/).filter(Boolean).map(readNumber)).filter((row) => row.length > 0);
}

/**
 * A matrix that results, with a row for each token; the query's is marked.
 * @param {{ name: string, rows: ArrayLike<number>[], labels: string[], columns?: string[], query: number }} given
 * @returns {HTMLElement}
 */
export function resultTable({ name, rows, labels, columns, query }) {
  const count = rows[0].length;
  const titles = columns ?? Array.from({ length: count }, (_, j) => String(j));
  const head = make("tr", {}, make("th", { textContent: `${name} (${rows.length} × ${count})` }), ...titles.map((textContent) => make("th", { scope: "col", textContent })));
  const body = rows.map((row, i) => make("tr", { className: i === query ? "chosen" : "" }, make("th", { scope: "row" }, make("bdi", { textContent: labels[i] })),
    ...Array.from(row, (value) => make("td", { data: { value }, textContent: written(value) }))));
  return scrolled(make("table", { data: { result: name } }, make("thead", {}, head), make("tbody", {}, ...body)));
}
