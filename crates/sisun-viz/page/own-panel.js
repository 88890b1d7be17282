// Given matrices: what is typed in, and every step that follows.

import { fillSelect, make } from "./elements.js";
import { written } from "./numbers.js";
import { DIRECT, MOST, OwnTrouble, PRODUCTS } from "./own-check.js";
import { asToml, explainOwn, ownContext, printedSentences } from "./own-numbers.js";
import { inputTable, readNumber, readRows, resultTable } from "./own-tables.js";
import { language, say } from "./words.js";
import { stepList } from "./worked-items.js";
import { listSteps, word } from "./worked-list.js";
import { scrolled } from "./worked-stream.js";

/** @import { OwnFound } from "./own-numbers.js" */
/** @import { OwnGiven, OwnPreset } from "./types.js" */
/** @typedef {typeof PRODUCTS[number] | typeof DIRECT[number]} MatrixName */

/** Matrices with a row for each token. */
const OF_TOKENS = ["X", "Q", "K", "V"];

export class OwnNumbers {
  /** @type {OwnGiven} */
  given;
  /** @type {OwnFound | null} */
  found = null;
  #inputs = make("div", { className: "own-inputs" });
  #trouble = make("p", { className: "own-trouble", role: "alert" });
  #results = make("div", { className: "own-results" });
  #preset = "";

  /**
   * @param {HTMLElement} host
   * @param {OwnGiven} given what it begins with
   * @param {OwnPreset[]} presets
   */
  constructor(host, given, presets) {
    this.given = structuredClone(given);
    this.presets = presets;
    this.#preset = presets.find((preset) => JSON.stringify(preset.given) === JSON.stringify(given))?.name ?? "";
    host.append(make("div", { className: "worked own-numbers" }, this.#inputs, this.#trouble, this.#results));
  }

  /** Draw everything in the current language. */
  show() {
    this.#showInputs();
    this.compute();
  }

  /** Compute what follows from the matrices, or say what is wrong with them. */
  compute() {
    try {
      this.found = explainOwn(this.given);
      this.#trouble.textContent = "";
      this.#showResults(this.found);
    } catch (error) {
      if (!(error instanceof OwnTrouble)) throw error;
      this.found = null;
      this.#trouble.textContent = say(error.sentence, ...error.values);
      this.#results.replaceChildren();
    }
  }

  /** Names of the matrices that are given. @returns {readonly MatrixName[]} */
  get #names() {
    return this.given.X ? PRODUCTS : DIRECT;
  }

  /** @param {MatrixName} name @returns {number[][]} */
  #rows(name) {
    return this.given[name] ?? [];
  }

  /** Numbers were changed: they are not those of a note any more. */
  #changed() {
    const { printed, remarks, ...rest } = this.given;
    this.given = rest;
    this.#preset = "";
    const select = this.#inputs.querySelector("select");
    if (select) select.value = "";
    this.compute();
  }

  #showInputs() {
    const { given } = this;
    const preset = make("select", { id: "own-preset" });
    fillSelect(preset, [["", say("own-changed")], ...this.presets.map(({ name }) => /** @type {[string, string]} */ ([name, say(`own-preset-${name}`)]))], this.#preset);
    preset.addEventListener("change", () => {
      const chosen = this.presets.find(({ name }) => name === preset.value);
      if (!chosen) return;
      this.given = structuredClone(chosen.given);
      this.#preset = chosen.name;
      this.show();
    });
    const kind = make("select", { id: "own-kind" });
    fillSelect(kind, [["products", say("own-kind-products")], ["direct", say("own-kind-direct")]], given.X ? "products" : "direct");
    kind.addEventListener("change", () => this.#switch(kind.value === "products"));
    const mask = make("input", { type: "checkbox", id: "own-mask", checked: given.mask });
    mask.addEventListener("change", () => {
      given.mask = mask.checked;
      this.#changed();
    });
    const query = make("select", { id: "own-query" });
    const labels = this.#labels;
    const at = typeof given.query === "string" ? labels.indexOf(given.query) : given.query ?? labels.length - 1;
    fillSelect(query, labels.map((label, i) => [i, `${i} · ${label}`]), at);
    query.addEventListener("change", () => {
      this.given.query = Number(query.value);
      this.compute();
    });
    const field = (/** @type {string} */ name, /** @type {HTMLElement[]} */ ...controls) => make("label", {}, `${say(name)} `, ...controls);
    const button = (/** @type {string} */ text, /** @type {() => void} */ action) => {
      const made = make("button", { className: "plain", type: "button", textContent: text });
      made.addEventListener("click", action);
      return made;
    };
    const line = make("div", { className: "line own-line" }, field("own-preset", preset), field("own-kind", kind), field("own-query", query),
      make("label", {}, mask, ` ${say("own-mask")}`), ...this.#scaling());
    const tokens = make("div", { className: "line own-line" }, ...labels.map((label, i) => this.#tokenField(label, i)),
      button(say("own-add-token"), () => this.#resize(1)), button(say("own-drop-token"), () => this.#resize(-1)));
    const matrices = this.#names.map((name) => make("div", { className: "own-matrix" },
      scrolled(inputTable({
        name, rows: this.#rows(name), labels: OF_TOKENS.includes(name) ? labels : null,
        change: (row, column, text) => this.#set(name, row, column, text), paste: (row, column, text) => this.#paste(name, row, column, text),
      })),
      make("div", { className: "line" }, button(say("own-wider", name), () => this.#widen(name, 1)), button(say("own-narrower", name), () => this.#widen(name, -1)))));
    this.#inputs.replaceChildren(line, make("p", { className: "aside", textContent: say("own-hint") }), tokens, make("div", { className: "own-matrices" }, ...matrices));
  }

  /** The controls of the division of the scores. */
  #scaling() {
    const { scale } = this.given;
    const choice = make("select", { id: "own-scale" });
    fillSelect(choice, [["root", say("own-scale-root")], ["none", say("own-scale-none")], ["by", say("own-scale-by")]], scale === true ? "root" : scale === false ? "none" : "by");
    const divisor = make("input", {
      id: "own-divisor", type: "text", inputMode: "decimal", value: typeof scale === "number" ? String(scale) : "2", hidden: typeof scale !== "number",
      "aria-label": say("own-divisor-label"),
    });
    const apply = () => {
      divisor.hidden = choice.value !== "by";
      this.given.scale = choice.value === "by" ? readNumber(divisor.value) : choice.value === "root";
      this.#changed();
    };
    choice.addEventListener("change", apply);
    divisor.addEventListener("input", apply);
    return [make("label", {}, `${say("own-scale")} `, choice), divisor];
  }

  get #labels() {
    const count = this.#rows(this.given.X ? "X" : "Q").length;
    return this.given.tokens ?? Array.from({ length: count }, (_, i) => String(i));
  }

  /**
   * @param {string} label
   * @param {number} i
   */
  #tokenField(label, i) {
    const box = make("input", { type: "text", className: "own-token", value: label, "aria-label": say("own-token", i) });
    box.addEventListener("change", () => {
      const { query } = this.given;
      const labels = [...this.#labels];
      if (typeof query === "string") this.given.query = labels.indexOf(query);
      labels[i] = box.value;
      this.given.tokens = labels;
      this.#changed();
      this.#showInputs();
    });
    return box;
  }

  /** @param {MatrixName} name @param {number} row @param {number} column @param {string} text */
  #set(name, row, column, text) {
    this.#rows(name)[row][column] = readNumber(text);
    this.#changed();
  }

  /** @param {MatrixName} name @param {number} row @param {number} column @param {string} text */
  #paste(name, row, column, text) {
    const rows = this.#rows(name);
    readRows(text).forEach((values, i) => values.forEach((value, j) => {
      if (rows[row + i] && column + j < rows[row + i].length) rows[row + i][column + j] = value;
    }));
    this.#changed();
    this.#showInputs();
  }

  /** Give X and W instead of Q, K and V, or the other way round. @param {boolean} products */
  #switch(products) {
    const { X, W_Q, W_K, W_V, Q, K, V, ...rest } = this.given;
    const zeros = (/** @type {number} */ rows, /** @type {number} */ columns) => Array.from({ length: rows }, () => Array.from({ length: columns }, () => 0));
    const identity = (/** @type {number} */ size) => zeros(size, size).map((row, i) => row.map((_, j) => (i === j ? 1 : 0)));
    const n = this.#labels.length;
    if (products) {
      // With identity matrices q, k and v are X itself.
      const x = Q ?? zeros(n, 4);
      this.given = { ...rest, X: x, W_Q: identity(x[0].length), W_K: identity(x[0].length), W_V: identity(x[0].length) };
    } else {
      const { q, k, v } = this.found ?? { q: zeros(n, 4), k: zeros(n, 4), v: zeros(n, 4) };
      // Products of decimal numbers have digits that nobody typed.
      const rounded = (/** @type {number[][]} */ rows) => rows.map((row) => row.map((value) => Number(value.toPrecision(12))));
      this.given = { ...rest, Q: rounded(q), K: rounded(k), V: rounded(v) };
    }
    this.#changed();
    this.#showInputs();
  }

  /** Add a token or remove the last. @param {1 | -1} by */
  #resize(by) {
    const labels = [...this.#labels];
    const n = labels.length + by;
    if (n < 1 || n > MOST) return;
    for (const name of this.#names) {
      if (!OF_TOKENS.includes(name)) continue;
      const rows = this.#rows(name);
      if (by > 0) rows.push(rows[0].map(() => 0));
      else rows.pop();
    }
    if (this.given.tokens) this.given.tokens = by > 0 ? [...labels, String(labels.length)] : labels.slice(0, n);
    if (typeof this.given.query === "string") this.given.query = labels.indexOf(this.given.query);
    if (this.given.query !== undefined) this.given.query = Math.min(Number(this.given.query), n - 1);
    this.#changed();
    this.#showInputs();
  }

  /** Add a column to a matrix or remove its last, and what has to follow. @param {MatrixName} name @param {1 | -1} by */
  #widen(name, by) {
    /** @type {Partial<Record<MatrixName, MatrixName[]>>} */
    const together = { W_Q: ["W_Q", "W_K"], W_K: ["W_Q", "W_K"], Q: ["Q", "K"], K: ["Q", "K"] };
    const width = this.#rows(name)[0].length + by;
    if (width < 1 || width > MOST) return;
    for (const one of together[name] ?? [name]) for (const row of this.#rows(one)) row.length < width ? row.push(0) : row.splice(width);
    if (name === "X") {
      for (const one of /** @type {const} */ (["W_Q", "W_K", "W_V"])) {
        const rows = this.#rows(one);
        if (rows.length < width) rows.push(rows[0].map(() => 0));
        else rows.splice(width);
      }
    }
    this.#changed();
    this.#showInputs();
  }

  /** @param {OwnFound} found */
  #showResults(found) {
    const { tokens, query, q, k, v, rows, given } = found;
    const notes = printedSentences(found, language());
    const below = (/** @type {string} */ id) => {
      const result = (/** @type {string} */ name, /** @type {number[][]} */ rows) => resultTable({ name, rows, labels: tokens, query });
      const products = id === "qkv" ? [make("div", { className: "own-matrices" }, result("Q", q), result("K", k), result("V", v))] : [];
      return [...products, ...this.#tableOf(id, found), ...(notes[id] ?? []).map((textContent) => make("p", { className: "own-note", textContent: `⚠ ${textContent}` }))];
    };
    const weights = rows.map((row) => row.keys.map((key) => key.weight));
    const toml = make("textarea", { readOnly: true, rows: 8, value: asToml(given), "aria-label": say("own-toml") });
    this.#results.replaceChildren(stepList(listSteps(ownContext(found, language()), language()), below),
      make("h3", { textContent: word("own-rows", {}, language()) }),
      resultTable({ name: "A", rows: weights, labels: tokens, columns: tokens, query }), resultTable({ name: "Z", rows: rows.map((row) => row.z), labels: tokens, query }),
      make("details", {}, make("summary", { textContent: say("own-toml") }), toml));
  }

  /**
   * The table of a step of attention.
   * @param {string} id
   * @param {OwnFound} found
   * @returns {HTMLElement[]}
   */
  #tableOf(id, { tokens, query, q, k, v, rows }) {
    const { keys, sum, z } = rows[query];
    const vector = (/** @type {ArrayLike<number>} */ values) => `[${Array.from(values, (x) => written(x, 3)).join(", ")}]`;
    const w = (/** @type {string} */ name) => word(name, {}, language());
    const sumRow = say("own-sum");
    /** @type {Record<string, { titles: string[], cell: (key: typeof keys[number], j: number) => string[], total?: string[] }>} The total begins with its label. */
    const tables = {
      similarity: { titles: ["k", "q · k"], cell: (key, j) => [vector(k[j]), written(key.dot)], total: ["q", vector(q[query]), ""] },
      scale: { titles: ["q · k", w("scaled-scores")], cell: (key) => [written(key.dot), written(key.scaled)] },
      mask: { titles: [w("score"), "", w("masked")], cell: (key) => [written(key.scaled), w(key.hidden ? "hidden" : "visible"), written(key.masked)] },
      softmax: { titles: [w("score"), w("exp"), w("weight")], cell: (key) => [written(key.masked), written(key.exp), written(key.weight)], total: [sumRow, "", written(sum), written(1)] },
      "weighted-sum": { titles: [w("weight"), "v", w("weighted")], cell: (key, j) => [written(key.weight), vector(v[j]), vector(v[j].map((x) => x * key.weight))], total: [sumRow, written(1), "", `z = ${vector(z)}`] },
    };
    const table = tables[id];
    if (!table) return [];
    const head = make("tr", {}, make("th", { scope: "col", textContent: w("token") }), ...table.titles.map((textContent) => make("th", { scope: "col", textContent })));
    const body = keys.map((key, j) => make("tr", { className: `${key.hidden ? "hidden-key" : ""}${j === query ? " chosen" : ""}` },
      make("th", { scope: "row" }, make("bdi", { textContent: tokens[j] })), ...table.cell(key, j).map((textContent) => make("td", { textContent }))));
    const foot = table.total && make("tfoot", {}, make("tr", {}, make("th", { scope: "row", textContent: table.total[0] }), ...table.total.slice(1).map((textContent) => make("td", { textContent }))));
    return [scrolled(make("table", {}, make("thead", {}, head), make("tbody", {}, ...body), ...(foot ? [foot] : [])))];
  }
}
