// One model, checkpoints over time, or models side by side: the current views of the page, and a panel for each.

import { find, make } from "./elements.js";
import { modelFacts } from "./facts.js";
import { GridPanel } from "./grid.js";
import { HeadPanel } from "./head.js";
import { headName } from "./heads.js";
import { written } from "./numbers.js";
import { OwnTab } from "./own-tab.js";
import { TablePanel } from "./table.js";
import { TextPanel } from "./text.js";
import { say } from "./words.js";
import { WorkedPanel } from "./worked.js";

/** @import { App } from "./app.js" */
/** @import { ViewName } from "./state.js" */
/** @import { Panel } from "./types.js" */
/** @typedef {{ panels: Panel[], captions: HTMLElement[] }} Tab One caption for each panel, or none. */

/** @type {Record<ViewName, new (host: HTMLElement, column: number, app: App) => Panel>} */
const PANELS = { grid: GridPanel, head: HeadPanel, text: TextPanel, worked: WorkedPanel, table: TablePanel, own: OwnTab };

/**
 * Return the current views: one checkpoint, or all models.
 * @param {App} app
 * @returns {import("./view.js").View[]}
 */
export function presentViews({ page, views, state }) {
  if (page.kind === "variants") return views;
  return [views[page.kind === "time" ? state.time : 0]];
}

/** The panels of the open tab, created when it is first opened. The table has one panel for all models. */
export class Panels {
  /** @type {Map<ViewName, Tab>} */
  #made = new Map();

  /** @param {App} app */
  constructor(app) {
    this.app = app;
  }

  /** @param {ViewName} name */
  of(name) {
    const { panels, captions } = this.#tab(name);
    captions.forEach((caption, i) => {
      const view = this.app.present()[i];
      const { layer, head } = this.app.state;
      const single = name === "head" || name === "worked";
      const missing = single && !view.has(layer, head) ? say("no-head", headName(layer, head)) : "";
      caption.parentElement?.classList.toggle("absent", missing !== "");
      const label = make("b", { dir: "auto", textContent: view.label });
      caption.replaceChildren(make("span", { className: "at" }), label, ` ${missing || modelFacts(view).join(" · ")}`);
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
      const view = app.present()[i];
      const { query = null, key = null } = app.cellOf(i) ?? {};
      const here = name === "head" && query !== null && key !== null && view.has(app.state.layer, app.state.head);
      const [at] = caption.querySelectorAll(".at");
      at.textContent = here ? written(app.matrix(view).value(query, key)) : "";
    });
  }

  /** @param {ViewName} name */
  #tab(name) {
    const tab = this.#made.get(name) ?? this.#make(name);
    this.#made.set(name, tab);
    return tab;
  }

  /**
   * @param {ViewName} name
   * @returns {Tab}
   */
  #make(name) {
    const section = find(`view-${name}`);
    const views = name === "table" || name === "own" ? [null] : this.app.present();
    if (views.length === 1) return { panels: [new PANELS[name](section, 0, this.app)], captions: [] };
    section.classList.add("columns");
    section.closest(".stage")?.classList.add("many");
    const captions = views.map(() => make("figcaption"));
    const panels = views.map((_, i) => {
      const host = make("figure", {}, captions[i]);
      section.append(host);
      return new PANELS[name](host, i, this.app);
    });
    return { panels, captions };
  }
}
