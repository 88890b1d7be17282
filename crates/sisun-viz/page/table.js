// Measurements of each head: a sortable table with one row per head; a click opens it.

import { make } from "./elements.js";
import { habitOf, headName } from "./heads.js";
import { written } from "./numbers.js";
import { fit } from "./pen.js";
import { changeOf } from "./readout.js";
import { say } from "./words.js";

/** @import { App } from "./app.js" */
/** @import { Habit, HeadStats, Panel, Pen, Stat } from "./types.js" */
/** @import { View } from "./view.js" */
/** @typedef {{ run: number, view: View, layer: number, head: number, stats: HeadStats | null }} Row */

/**
 * Number of decimals, and whether a bar from 0 to 1 makes sense.
 * @type {Record<Stat, { decimals: number, share?: boolean }>}
 */
const STATS = {
  entropy: { decimals: 3 }, distance: { decimals: 2 }, previous: { decimals: 3, share: true }, first: { decimals: 3, share: true },
  same: { decimals: 3, share: true }, induction: { decimals: 3, share: true }, silenced: { decimals: 4 },
};

const NAMES = /** @type {Stat[]} */ (Object.keys(STATS));

/** @implements {Panel} */
export class TablePanel {
  column = 0;
  /** @type {{ name: Stat | "head", down: boolean }} */
  #sorted = { name: "head", down: false };

  /**
   * @param {HTMLElement} host
   * @param {number} column
   * @param {App} app
   */
  constructor(host, column, app) {
    this.app = app;
    this.host = make("div", { className: "stats" });
    host.append(this.host);
  }

  get view() {
    return this.app.present()[0];
  }

  needs() {
    return [];
  }

  /** Return all heads of all current models; the order is part of the state, "-entropy" is descending. */
  #rows() {
    const views = this.app.present();
    /** @type {Row[]} */
    const rows = views.flatMap((view, run) => view.layers.flatMap((layer) => view.heads.map((head) => {
      return { run, view, layer, head, stats: view.statsOf(layer, head) };
    })));
    const [, down, name] = /^(-?)(\w*)$/.exec(this.app.state.sort) ?? [];
    const stat = NAMES.find((known) => known === name);
    this.#sorted = { name: stat ?? "head", down: down === "-" };
    if (!stat) return this.#sorted.down ? rows.reverse() : rows;
    const sign = this.#sorted.down ? -1 : 1;
    return rows.sort((one, other) => {
      const [a, b] = [one.stats?.[stat] ?? null, other.stats?.[stat] ?? null];
      // Values that were not measured are last in either order.
      if (a === null || b === null) return Number(a === null) - Number(b === null);
      return (a - b) * sign;
    });
  }

  show() {
    const { app } = this;
    const views = app.present();
    const rows = this.#rows();
    const runs = views.length > 1;
    const header = (/** @type {Stat | "head"} */ name, /** @type {string} */ text, /** @type {string} */ title) => {
      const on = this.#sorted.name === name;
      const button = make("button", { className: "sort", textContent: text, title });
      button.addEventListener("click", () => {
        // Descending first, because large values are of interest.
        const down = on ? !this.#sorted.down : name !== "head";
        app.state.set({ sort: `${down ? "-" : ""}${name}` });
        const again = this.host.querySelector(`th[data-stat="${name}"] button`);
        if (again instanceof HTMLElement) again.focus();
      });
      return make("th", { scope: "col", ariaSort: on ? (this.#sorted.down ? "descending" : "ascending") : "none", data: { stat: name } }, button);
    };
    const run = runs ? [make("th", { scope: "col", className: "run", textContent: say("stat-run") })] : [];
    const heads = make("tr", {}, header("head", say("stat-head"), ""), ...run,
      ...NAMES.map((name) => header(name, say(`stat-${name}`), say(`what-${name}`) + this.#byChance(name))));
    // Bars of shares end at 1, others at the largest value.
    const largest = (/** @type {Stat} */ name) => (STATS[name].share ? 1 : Math.max(...rows.map(({ stats }) => Math.abs(stats?.[name] ?? 0))));
    const most = Object.fromEntries(NAMES.map((name) => [name, largest(name)]));
    const body = rows.map((row) => this.#row(row, runs, most));
    const table = make("table", {}, make("thead", {}, heads), make("tbody", {}, ...body));
    const meanings = make("dl", { className: "meanings" }, ...NAMES.map((name) => make("div", {},
      make("dt", { textContent: say(`stat-${name}`) }), make("dd", { textContent: say(`what-${name}`) }))));
    this.host.replaceChildren(make("div", { className: "wide" }, table), meanings);
  }

  /** Value of a head with uniform attention, if known. @param {Stat} name */
  #byChance(name) {
    const { chance } = this.view;
    const even = name in chance ? chance[/** @type {Habit} */ (name)] : null;
    return even ? ` ${say("by-chance", even.toFixed(3))}` : "";
  }

  /**
   * @param {Row} row
   * @param {boolean} runs
   * @param {Record<string, number>} most
   */
  #row({ run, view, layer, head, stats }, runs, most) {
    const { app } = this;
    const open = make("button", { className: "plain", textContent: headName(layer, head) });
    const habit = habitOf(stats, view.chance);
    const before = app.untouched && run === 0 ? app.untouched.statsOf(layer, head) : null;
    const name = make("th", { scope: "row" }, open, ...(habit ? [make("span", { className: "habit", textContent: say(`habit-${habit}`) })] : []));
    const cells = NAMES.map((stat) => {
      const value = stats?.[stat] ?? null;
      if (value === null) return make("td", { textContent: "–", title: say("not-measured") });
      const bar = make("span", { className: "fill" });
      bar.style.width = `${Math.min(100, 100 * Math.abs(value) / (most[stat] || 1))}%`;
      const was = before?.[stat] ?? null;
      const change = was === null || was === value ? [] : [changeOf(value, was, STATS[stat].decimals), " "];
      return make("td", { data: { stat, value } }, bar, ...change, written(value, STATS[stat].decimals));
    });
    const row = make("tr", { className: layer === app.state.layer && head === app.state.head ? "current" : "", data: { run } },
      name, ...(runs ? [make("td", { className: "run" }, make("bdi", { textContent: view.label }))] : []), ...cells);
    row.addEventListener("click", () => app.open(layer, head));
    return row;
  }

  mark() {
    // Rows are heads; there is no cell to mark.
  }

  extent() {
    return { width: 220 + NAMES.length * 92, height: 40 + this.#rows().length * 24 };
  }

  /** @param {Pen} pen */
  paint(pen) {
    const { palette } = this.app;
    const runs = this.app.present().length > 1;
    NAMES.forEach((name, i) => pen.text(say(`stat-${name}`), 292 + i * 92, 10, { size: 12, fill: palette.soft, align: "right" }));
    this.#rows().forEach(({ view, layer, head, stats }, row) => {
      const y = 36 + row * 24;
      const name = `${headName(layer, head)}${runs ? ` · ${view.label}` : ""}`;
      pen.text(fit(name, 12, 200).text, 0, y, { size: 12, fill: palette.ink });
      NAMES.forEach((stat, i) => {
        const value = stats?.[stat] ?? null;
        pen.text(value === null ? "–" : written(value, STATS[stat].decimals), 292 + i * 92, y, { size: 12, fill: palette.ink, align: "right" });
      });
      pen.line([0, y + 12, 200 + NAMES.length * 92, y + 12], { stroke: palette.line });
    });
  }
}
