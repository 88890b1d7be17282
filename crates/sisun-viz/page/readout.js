// Beside the picture: the exact weight of a cell, and the attention of a query.

import { make } from "./elements.js";
import { quoted } from "./labels.js";
import { signed, written } from "./numbers.js";
import { say } from "./words.js";

/** @import { App } from "./app.js" */
/** @import { Matrix } from "./matrix.js" */
/** @import { Cell } from "./types.js" */
/** @import { Units } from "./units.js" */

/**
 * The change of a number against the untouched model.
 * @param {number} value
 * @param {number} before
 */
export function changeOf(value, before, decimals = 4) {
  return make("span", { className: "change", title: say("change-title", written(before, decimals)), textContent: signed(value - before, decimals) });
}

/** The exact weight of the cell that is pointed at or pinned. */
export class Readout {
  /** @param {HTMLElement} host */
  constructor(host) {
    this.host = host;
  }

  /**
   * `cell` may lack query or key; `matrix` is null if no single head is shown.
   * @param {Units} units
   * @param {Matrix | null} matrix
   * @param {Cell | null} cell
   * @param {string} hint
   * @param {Matrix | null} before the same pattern in the untouched model, if the reader has changed it
   */
  show(units, matrix, cell, hint, before = null) {
    const { host } = this;
    for (const name of ["query", "key", "value"]) delete host.dataset[name];
    const { query = null, key = null } = cell ?? {};
    const label = (/** @type {number} */ unit) => make("bdi", { textContent: units.labels[unit] });
    if (query !== null) host.dataset.query = String(query);
    if (key !== null) host.dataset.key = String(key);
    if (query === null || key === null) {
      const one = query ?? key;
      host.replaceChildren(one === null ? make("span", { className: "hint", textContent: hint }) : label(one));
      return;
    }
    /** @type {HTMLElement[]} */
    const parts = [make("span", { className: "pair" }, label(query), " → ", label(key))];
    if (matrix) {
      const value = matrix.value(query, key);
      const error = matrix.errorAt(key);
      host.dataset.value = String(value);
      parts.push(make("strong", { textContent: written(value) }));
      if (before && !matrix.hidden(query, key)) parts.push(changeOf(value, before.value(query, key)));
      // Show the error only if it affects the displayed decimals.
      if (error >= 0.00005 && !matrix.hidden(query, key)) parts.push(make("span", { className: "error", textContent: `± ${written(error)}` }));
    }
    parts.push(make("small", { textContent: matrix?.hidden(query, key) ? say("later") : say("from-to", query, key) }));
    host.replaceChildren(...parts);
  }
}

/** The attention of a query: its strongest keys as bars, and the sum of all others. */
export class Looks {
  /**
   * @param {HTMLElement} host
   * @param {App} app
   */
  constructor(host, app) {
    this.host = host;
    this.app = app;
  }

  /**
   * @param {Units} units
   * @param {Matrix | null} matrix
   * @param {number | null} query
   * @param {Matrix | null} before as above
   */
  show(units, matrix, query, before = null) {
    const { host } = this;
    host.replaceChildren();
    if (query === null || !matrix) return;
    const row = matrix.row(query);
    const strongestFirst = [...row.keys()].filter((key) => row[key] > 0).sort((a, b) => row[b] - row[a]);
    const top = strongestFirst.slice(0, 8);
    const others = strongestFirst.slice(8);
    const line = (/** @type {string} */ label, /** @type {number} */ value, /** @type {HTMLElement[]} */ ...change) => {
      const bar = make("span", { className: "fill" });
      bar.style.width = `${100 * Math.min(value, 1)}%`;
      return make("li", {}, bar, make("bdi", { textContent: label }), make("span", { className: "value" }, ...change, written(value, 3)));
    };
    const lines = top.map((key) => line(units.labels[key], row[key], ...(before ? [changeOf(row[key], before.value(query, key), 3)] : [])));
    const sumOf = (/** @type {(key: number) => number} */ weight) => others.reduce((sum, key) => sum + weight(key), 0);
    if (others.length) {
      const rest = sumOf((key) => row[key]);
      const change = before ? [changeOf(rest, sumOf((key) => before.value(query, key)), 3)] : [];
      lines.push(line(say("rest", others.length), rest, ...change));
    }
    host.replaceChildren(make("p", { className: "name", textContent: say("looks-at", quoted(units.labels[query])) }), make("ol", {}, ...lines));
  }
}
