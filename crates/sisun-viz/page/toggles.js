// Selection of the heads in the text view.

import { OKABE_ITO } from "./colour.js";
import { make } from "./elements.js";
import { headName } from "./heads.js";
import { watchOverflow } from "./overflow.js";
import { language, say } from "./words.js";

/** @import { App } from "./app.js" */
/** @import { View } from "./view.js" */

/** A button for each head, with layers as rows. Each selected head has a colour of its own. */
export class Toggles {
  /** Key of the current buttons. */
  #built = "";
  /** @type {[button: HTMLButtonElement, name: string][]} */
  #buttons = [];

  /**
   * @param {HTMLElement} host
   * @param {App} app
   */
  constructor(host, app) {
    this.host = host;
    this.app = app;
    watchOverflow(host);
  }

  /** @param {View} view */
  show(view) {
    const build = `${view.layers} ${view.heads} ${language()}`;
    if (build !== this.#built) this.#build(view, build);
    const on = new Map(this.app.headsOn(view).map(({ layer, head, slot }) => [`${layer}.${head}`, slot]));
    for (const [button, name] of this.#buttons) {
      const slot = on.get(name);
      button.setAttribute("aria-pressed", String(slot !== undefined));
      button.style.background = slot === undefined ? "" : this.app.headColour(slot);
    }
  }

  /**
   * @param {View} view
   * @param {string} build
   */
  #build(view, build) {
    this.#built = build;
    this.#buttons = [];
    const rows = view.layers.map((layer) => {
      const whole = say("toggle-layer", layer);
      const all = make("button", { className: "plain", textContent: layer, title: whole, "aria-label": whole });
      all.addEventListener("click", () => this.#layer(view, layer));
      return make("div", { className: "line" }, all, ...view.heads.map((head) => {
        const label = headName(layer, head);
        const button = make("button", { data: { toggleHead: head, toggleLayer: layer }, title: label, "aria-label": label });
        button.addEventListener("click", () => this.#toggle(`${layer}.${head}`));
        this.#buttons.push([button, `${layer}.${head}`]);
        return button;
      }));
    });
    const columns = view.heads.map((head) => make("span", { textContent: head }));
    const numbers = make("div", { className: "line numbers", "aria-hidden": "true" }, make("span"), ...columns);
    this.host.style.setProperty("--count", String(view.heads.length));
    this.host.replaceChildren(make("p", { className: "name", textContent: `${say("toggles")} (${view.layers.length} × ${view.heads.length})` }), numbers, ...rows);
  }

  /** @param {string} name */
  #toggle(name) {
    const { state } = this.app;
    const heads = [...(state.heads ?? [`${state.layer}.${state.head}`])];
    const at = heads.indexOf(name);
    const free = heads.indexOf(null);
    if (at >= 0) heads[at] = null;
    else if (free >= 0) heads[free] = name;
    else if (heads.length < OKABE_ITO.length) heads.push(name);
    // At most as many as there are colours; the last one is replaced.
    else heads[heads.length - 1] = name;
    state.set({ heads });
  }

  /**
   * Select all heads of a layer, or none if all are selected.
   * @param {View} view
   * @param {number} layer
   */
  #layer(view, layer) {
    const all = view.heads.slice(0, OKABE_ITO.length).map((head) => `${layer}.${head}`);
    const now = this.app.state.heads?.filter(Boolean) ?? [];
    this.app.state.set({ heads: now.join() === all.join() ? [null] : all });
  }
}
