// One model, checkpoints over time, or models side by side: the current views of the page, and a panel for each.

import { find, make } from "./elements.js";
import { modelFacts } from "./facts.js";
import { GridPanel } from "./grid.js";
import { HeadPanel } from "./head.js";
import { headName } from "./heads.js";
import { ModelPanel } from "./model.js";
import { signed, written } from "./numbers.js";
import { OwnTab } from "./own-tab.js";
import { PositionsPanel } from "./positions.js";
import { AttributionPanel, LensPanel } from "./sheet-panel.js";
import { TablePanel } from "./table.js";
import { TextPanel } from "./text.js";
import { say } from "./words.js";
import { WorkedPanel } from "./worked.js";

/** @import { App } from "./app.js" */
/** @import { ViewName } from "./state.js" */
/** @import { Panel } from "./types.js" */
/** @typedef {{ panels: Panel[], captions: HTMLElement[], nodes: HTMLElement[] }} Tab One caption for each panel, or none. */

/** @type {Record<ViewName, new (host: HTMLElement, column: number, app: App) => Panel>} */
const PANELS = {
  grid: GridPanel, head: HeadPanel, text: TextPanel, worked: WorkedPanel, table: TablePanel, lens: LensPanel, attribution: AttributionPanel,
  positions: PositionsPanel, model: ModelPanel, own: OwnTab,
};

/** Tabs with one panel for all models. @type {ViewName[]} */
const ALONE = ["table", "lens", "attribution", "own"];

/**
 * Return the current views: one checkpoint, or all models.
 * @param {App} app
 * @returns {import("./view.js").View[]}
 */
export function presentViews({ page, views, state, beside }) {
  if (page.kind === "variants") return views;
  const view = views[page.kind === "time" ? state.time : 0];
  return beside ? [view, beside] : [view];
}

/** The panels of the open tab, created when it is first opened. The table has one panel for all models. */
export class Panels {
  /** Each tab, by its name and number of columns. @type {Map<string, Tab>} */
  #made = new Map();
  /** Those that are on the page. @type {Map<ViewName, Tab>} */
  #placed = new Map();

  /** @param {App} app */
  constructor(app) {
    this.app = app;
  }

  /** @param {ViewName} name */
  of(name) {
    const { panels, captions } = this.#tab(name);
    find(`view-${name}`).closest(".stage")?.classList.toggle("many", captions.length > 0);
    captions.forEach((caption, i) => {
      const view = this.app.shownOn(name)[i];
      const { layer, head } = this.app.state;
      const single = name === "head" || name === "worked";
      const missing = single && !view.has(layer, head) ? say("no-head", headName(layer, head)) : "";
      caption.parentElement?.classList.toggle("absent", missing !== "");
      const label = make("b", { dir: "auto", textContent: view.label });
      const facts = view.note ?? (view.difference ? say("difference-of") : modelFacts(view).join(" · "));
      caption.replaceChildren(make("span", { className: "at" }), label, ` ${missing || facts}`);
    });
    return panels.filter((panel) => (name !== "head" && name !== "worked") || panel.view.has(this.app.state.layer, this.app.state.head));
  }

  /**
   * Show each model's own weight of the marked cell beside its name.
   * @param {ViewName} name
   */
  mark(name) {
    const { captions } = this.#tab(name);
    const { app } = this;
    captions.forEach((caption, i) => {
      const view = app.shownOn(name)[i];
      const { query = null, key = null } = app.cellOf(i) ?? {};
      const here = name === "head" && query !== null && key !== null && view.has(app.state.layer, app.state.head);
      const [at] = caption.querySelectorAll(".at");
      const value = here ? app.matrix(view).value(query, key) : 0;
      at.textContent = here ? (view.difference ? signed(value) : written(value)) : "";
    });
  }

  /** @param {ViewName} name */
  #tab(name) {
    const count = ALONE.includes(name) ? 1 : this.app.shownOn(name).length;
    const tab = this.#made.get(`${name} ${count}`) ?? this.#make(name, count);
    this.#made.set(`${name} ${count}`, tab);
    if (this.#placed.get(name) !== tab) {
      const section = find(`view-${name}`);
      section.classList.toggle("columns", tab.captions.length > 0);
      section.replaceChildren(...tab.nodes);
      this.#placed.set(name, tab);
    }
    return tab;
  }

  /**
   * @param {ViewName} name
   * @param {number} count
   * @returns {Tab}
   */
  #make(name, count) {
    const hosts = Array.from({ length: count }, () => make(count > 1 ? "figure" : "div"));
    // Panels look at their width.
    find(`view-${name}`).replaceChildren(...hosts);
    const captions = count > 1 ? hosts.map((host) => host.appendChild(make("figcaption"))) : [];
    return { panels: hosts.map((host, i) => new PANELS[name](host, i, this.app)), captions, nodes: hosts };
  }
}
