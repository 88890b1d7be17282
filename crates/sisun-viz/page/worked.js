// The step-by-step view of one query.

import { closest, keepInSight, make } from "./elements.js";
import { quoted, shown } from "./labels.js";
import { written } from "./numbers.js";
import { watchOverflow } from "./overflow.js";
import { fit } from "./pen.js";
import { paintStrip, Strips, stripWidth } from "./strips.js";
import { walkOf } from "./walk.js";
import { language, say } from "./words.js";
import { contextOf } from "./worked-context.js";
import { stepList } from "./worked-items.js";
import { listSteps } from "./worked-list.js";
import { strongest, workThrough } from "./worked-steps.js";
import { streamTables } from "./worked-stream.js";

/** @import { App } from "./app.js" */
/** @import { Panel, Pen, TextLook } from "./types.js" */
/** @import { KeySteps, Steps } from "./worked-steps.js" */

/** @typedef {"dot" | "scaled" | "bias" | "masked" | "exp" | "weight" | "pattern"} Column The name of a numeric field of `KeySteps`. */

/**
 * The current computation: a query, and the largest magnitudes of the vectors that its strips compare.
 * @typedef {{ query: number, steps: Steps, limits: { qk: number, vz: number } }} Work
 */

/**
 * A number of the table, if known.
 * @param {number | null} value
 */
const spelled = (value) => (value === null ? "–" : written(value));

/** @implements {Panel} */
export class WorkedPanel {
  #strips = new Strips();
  /** @type {Work | null} */
  #work = null;
  /** The token whose sum is written out, or -1. */
  #chosen = -1;

  /**
   * @param {HTMLElement} host
   * @param {number} column
   * @param {App} app
   */
  constructor(host, column, app) {
    this.column = column;
    this.app = app;
    this.host = make("div", { className: "worked" });
    host.append(this.host);
    this.host.addEventListener("pointermove", (event) => {
      const text = this.#strips.read(event, (token) => this.#label(token));
      if (text !== null) app.tell(text);
    });
    this.host.addEventListener("click", (event) => {
      const row = closest(event, "tr[data-token]");
      if (row) this.#choose(Number(row.dataset.token));
    });
  }

  get view() {
    return this.app.present()[this.column];
  }

  /** The data of the elements; none are created if there is nothing to compute. */
  get #shown() {
    if (!this.#work) throw new Error("there is nothing to work through");
    return this.#work;
  }

  /** @param {number} token */
  #label(token) {
    return shown(this.view.tokens[token].text);
  }

  needs() {
    const { layer, head } = this.app.state;
    return [this.view.need(layer), this.view.needVectors(layer), this.view.needWalk(layer, head, this.app.tokenOf(this.column))];
  }

  show() {
    const { app, view } = this;
    const { layer, head } = app.state;
    this.#strips.stop();
    this.#work = null;
    if (layer === "rollout" || !view.vectors) {
      this.host.replaceChildren(make("p", { textContent: say(layer === "rollout" ? "worked-rollout" : "worked-none") }));
      return;
    }
    const count = view.vectors.tokens;
    const query = Math.min(app.tokenOf(this.column), count - 1);
    const steps = workThrough(view, layer, head, query);
    const { q, keys, z } = steps;
    const limits = { qk: strongest([q, ...keys.map((key) => key.k)]), vz: strongest([z, ...keys.map((key) => key.v)]) };
    this.#work = { query, steps, limits };
    const kept = app.cellOf(this.column, true)?.key ?? null;
    const units = app.units(view);
    const token = kept === null ? -1 : units.of(this.#chosen) === kept ? this.#chosen : units.first[kept];
    const heaviest = keys.reduce((best, key) => (key.weight > best.weight ? key : best));
    this.#chosen = token >= 0 && token < count ? token : heaviest.token;
    const [before, within, after] = this.#outline(layer, head);
    this.host.replaceChildren(this.#choice(count), before, within, this.#table(), this.#agreement(), this.#output(), this.#detail(), after);
    // Other tables have boxes of their own.
    const box = this.host.querySelector("canvas.strip")?.closest(".wide") ?? null;
    this.#strips.watch(this.host, box, () => app.palette);
    if (box instanceof HTMLElement) watchOverflow(box);
  }

  /** @param {number} count */
  #choice(count) {
    const { app, view } = this;
    const { query } = this.#shown;
    const option = (/** @type {number} */ token) => make("option", { value: token, textContent: `${token} · \u2068${this.#label(token)}\u2069`, selected: token === query });
    const select = make("select", {}, ...Array.from({ length: count }, (_, token) => option(token)));
    select.addEventListener("change", () => app.ask(this.column, Number(select.value)));
    const notes = [];
    if (count < view.tokens.length) notes.push(say(view.causal ? "worked-limit" : "worked-partial", count, view.tokens.length));
    if (view.thinned) notes.push(say("worked-thinned", view.thinned));
    if (app.units(view).name !== "token") notes.push(say("worked-tokens"));
    const children = notes.map((text) => make("p", { className: "aside", textContent: text }));
    return make("div", { className: "asking" }, make("label", {}, `${say("worked-query")} `, select), ...children);
  }

  /**
   * Draw the steps before, of and after attention with their shapes and sentences, those outside of attention with their numbers.
   * @param {number} layer
   * @param {number} head
   */
  #outline(layer, head) {
    const { view } = this;
    const { query, steps } = this.#shown;
    const walk = walkOf(view, layer, head, query);
    const given = { view, layer, head, query, steps, walk };
    const context = contextOf(given, language());
    const all = listSteps(context, language());
    const first = all.findIndex((step) => step.id === "similarity");
    const end = all.findIndex((step) => step.id === "weighted-sum") + 1;
    return [all.slice(0, first), all.slice(first, end), all.slice(end)].map((part) => stepList(part, (id) => streamTables(id, { ...given, values: context.values })));
  }

  /**
   * Return the columns of numbers, by the names of their fields.
   * @returns {Column[]}
   */
  #columns() {
    /** @type {Column[]} */
    const bias = this.#shown.steps.biased ? ["bias"] : [];
    return ["dot", "scaled", ...bias, "masked", "exp", "weight", "pattern"];
  }

  /** @param {Column} name */
  #title(name) {
    return name === "scaled" ? `× ${this.factor()}` : say(`col-${name}`);
  }

  #table() {
    const { query, steps, limits } = this.#shown;
    const columns = this.#columns();
    const title = (/** @type {string} */ textContent, className = "") => make("th", { scope: "col", className, textContent });
    const heads = make("tr", {}, title(say("col-key")), title("k", "vector"), ...columns.map((name) => title(this.#title(name))), title("v", "vector"));
    const q = make("tr", { className: "own" }, make("th", { scope: "row" }, "q · ", make("bdi", { textContent: this.#label(query) })),
      make("td", {}, this.#strips.make({ name: "q", values: steps.q, limit: limits.qk })), ...columns.map(() => make("td")), make("td"));
    const cell = (/** @type {KeySteps} */ key, /** @type {Column} */ name) => {
      const value = key[name];
      const td = make("td", { data: { column: name, ...(value === null ? {} : { value }) }, textContent: spelled(value) });
      if (name === "weight") {
        const bar = make("span", { className: "fill" });
        bar.style.width = `${100 * key.weight}%`;
        td.prepend(bar);
      }
      return td;
    };
    const rows = steps.keys.map((key) => make("tr", {
      className: `${key.hidden ? "hidden-key" : ""}${key.token === this.#chosen ? " chosen" : ""}`,
      data: { token: key.token },
      title: key.hidden ? say("later") : "",
    }, make("th", { scope: "row" }, make("bdi", { textContent: this.#label(key.token) })),
    make("td", {}, this.#strips.make({ name: "k", token: key.token, values: key.k, limit: limits.qk, times: steps.q })),
    ...columns.map((name) => cell(key, name)),
    make("td", {}, this.#strips.make({ name: "v", token: key.token, values: key.v, limit: limits.vz, weight: key.weight }))));
    /** @type {Partial<Record<Column, string>>} */
    const sums = { exp: written(steps.sum), weight: written(1) };
    const totals = columns.map((name) => make("td", { textContent: sums[name] ?? "" }));
    const total = make("tr", {}, make("th", { scope: "row", textContent: say("sum") }), make("td"), ...totals,
      make("td", {}, "z ", this.#strips.make({ name: "z", values: steps.z, limit: limits.vz })));
    const table = make("table", { id: this.#id("worked-keys") }, make("thead", {}, heads, q), make("tbody", {}, ...rows), make("tfoot", {}, total));
    return make("div", { className: "wide", tabIndex: 0, role: "region", "aria-label": say("tab-worked") }, table);
  }

  /** Format the scale with as few digits as give four exact decimals. */
  factor() {
    return String(Number(this.view.scale.toFixed(4)));
  }

  /** @param {string} name */
  #id(name) {
    return this.column ? `${name}-${this.column}` : name;
  }

  #agreement() {
    const { limits, steps: { keys, edited } } = this.#shown;
    const legend = say("legend-vectors", written(limits.qk, 2), written(limits.vz, 2));
    const lines = [make("p", { className: "aside", textContent: legend })];
    if (keys[0].pattern !== null && edited.length === 0) {
      const apart = Math.max(...keys.map((key) => Math.abs(key.weight - (key.pattern ?? 0))));
      lines.unshift(make("p", { className: "agree", textContent: say("agree", apart.toExponential(1), this.view.patterns.error.toExponential(1)) }));
    }
    return make("div", {}, ...lines);
  }

  #output() {
    const z = [...this.#shown.steps.z];
    const textContent = `z = [${z.map((x) => written(x)).join(", ")}]`;
    return make("p", { id: this.#id("worked-z"), className: "numbers", data: { values: JSON.stringify(z) }, textContent });
  }

  /** Write out the sum of one score, term by term. */
  #detail() {
    const { query, steps } = this.#shown;
    const key = steps.keys[this.#chosen];
    const terms = Array.from(key.k, (x, d) => `(${written(steps.q[d], 3)} × ${written(x, 3)})`);
    const lines = [
      `q·k = ${terms.join(" + ")} = ${written(key.dot)}`,
      `${written(key.dot)} × ${this.factor()} = ${written(key.scaled)}`,
    ];
    if (key.hidden) lines.push(`${say("hidden")}: −∞`);
    else {
      if (steps.biased) lines.push(`${written(key.scaled)} + (${written(key.bias)}) = ${written(key.masked)}`);
      if (Number.isFinite(key.exp)) lines.push(`exp(${written(key.masked)} − (${written(steps.most)})) = ${written(key.exp)}`);
      lines.push(`${written(key.exp)} / ${written(steps.sum)} = ${written(key.weight)}`);
    }
    return make("section", { className: "detail" }, make("h3", { textContent: say("detail", quoted(this.#label(query)), quoted(this.#label(key.token))) }),
      ...lines.map((textContent) => make("p", { className: "numbers", textContent })));
  }

  /** @param {number} token */
  #choose(token) {
    this.#chosen = token;
    const key = this.app.units(this.view).of(token);
    for (const row of this.host.querySelectorAll("tr[data-token]")) row.classList.toggle("chosen", row.getAttribute("data-token") === String(token));
    this.host.querySelector(".detail")?.replaceWith(this.#detail());
    const { query } = this.#shown;
    if (this.column === 0) this.app.state.set({ key, query: this.app.units(this.view).of(query), token: query });
  }

  mark() {
    // The rows are the keys; a click chooses one.
  }

  /** Scroll to the row of the chosen key, in its box and on the page. */
  reveal() {
    const row = this.host.querySelector("tr.chosen[data-token]");
    const box = row?.closest(".wide");
    if (!box || !row) return;
    keepInSight(box, row);
    row.scrollIntoView({ block: "nearest" });
  }

  extent() {
    const wide = this.#work ? stripWidth(this.#work.steps.q) : 0;
    const columns = this.#work ? this.#columns().length : 4;
    return { width: 120 + 2 * wide + 30 + 80 * columns, height: 110 + 24 * (this.#work?.steps.keys.length ?? 0) };
  }

  /** @param {Pen} pen */
  paint(pen) {
    if (!this.#work) return;
    const { app: { palette } } = this;
    const { query, steps, limits } = this.#work;
    const wide = stripWidth(steps.q);
    const columns = this.#columns();
    const at = (/** @type {number} */ i) => 120 + wide + 80 * (i + 1);
    const vAt = at(columns.length - 1) + 20;
    /** @type {(what: string, x: number, y: number, more?: Partial<TextLook>) => void} */
    const text = (what, x, y, more = {}) => pen.text(what, x, y, { size: 12, fill: palette.ink, ...more });
    text("k", 110, 10, { fill: palette.soft });
    columns.forEach((name, i) => text(this.#title(name), at(i), 10, { align: "right", fill: palette.soft }));
    text("v", vAt, 10, { fill: palette.soft });
    text(fit(`q · ${this.#label(query)}`, 12, 100).text, 0, 36, { weight: 650 });
    paintStrip(pen, 110, 26, { values: steps.q, limit: limits.qk }, palette);
    steps.keys.forEach((key, row) => {
      const y = 62 + row * 24;
      const fill = key.hidden ? palette.soft : palette.ink;
      text(fit(this.#label(key.token), 12, 100).text, 0, y, { fill });
      paintStrip(pen, 110, y - 10, { values: key.k, limit: limits.qk }, palette);
      columns.forEach((name, i) => text(spelled(key[name]), at(i), y, { align: "right", fill }));
      paintStrip(pen, vAt, y - 10, { values: key.v, limit: limits.vz }, palette);
    });
    const y = 72 + steps.keys.length * 24;
    text("z", vAt - 14, y, { weight: 650 });
    paintStrip(pen, vAt, y - 10, { values: steps.z, limit: limits.vz }, palette);
  }
}
