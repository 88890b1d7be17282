// The controls of the attention page: tabs, switches, buttons and keys.

import { copied } from "./address.js";
import { closest, fillSelect, find, make, onChoice } from "./elements.js";
import { modelFacts } from "./facts.js";
import { habitOf } from "./heads.js";
import { listKeys, openHelp } from "./help.js";
import { save } from "./save.js";
import { readLayer, VIEWS } from "./state.js";
import { UNITS, unitsOf } from "./units.js";
import { language, say, translate } from "./words.js";

/** @import { App } from "./app.js" */
/** @import { UnitName } from "./units.js" */
/** @import { Language, Layer, Scale, ThemeChoice } from "./types.js" */
/** @import { View } from "./view.js" */

/** @param {string} id */
const select = (id) => find(id, HTMLSelectElement);

/**
 * Return options whose names are their values.
 * @param {number[]} numbers
 * @returns {[value: number | string, text: number | string][]}
 */
const alike = (numbers) => numbers.map((number) => [number, number]);

export class Controls {
  #tabs = VIEWS.map((name) => /** @type {const} */ ([name, find(`tab-${name}`)]));
  /** @type {Language | null} The language that the words are in. */
  #language = null;
  /** @type {[layer: Layer, head: number][]} All heads, in order. */
  #heads = [];
  selects = {
    language: select("language"), theme: select("theme"), map: select("map"), scale: select("scale"),
    unit: select("unit"), layer: select("layer"), head: select("head"),
  };

  /** @param {App} app */
  constructor(app) {
    this.app = app;
    const { state } = app;
    for (const [name, tab] of this.#tabs) {
      tab.addEventListener("click", () => state.set({ view: name }));
      tab.addEventListener("keydown", (event) => this.#tabKey(event));
    }
    const { selects } = this;
    onChoice(selects.language, "change", (language) => state.set({ language: /** @type {Language} */ (language) }));
    onChoice(selects.theme, "change", (theme) => state.set({ theme: /** @type {ThemeChoice} */ (theme) }));
    onChoice(selects.map, "change", (map) => state.set({ map }));
    onChoice(selects.scale, "change", (scale) => state.set({ scale: /** @type {Scale} */ (scale) }));
    onChoice(selects.unit, "change", (unit) => this.#changeUnit(/** @type {UnitName} */ (unit)));
    onChoice(selects.layer, "change", (layer) => this.#toLayer(layer));
    onChoice(selects.head, "change", (head) => state.set({ head: Number(head) }));
    const on = (/** @type {string} */ id, /** @type {() => void} */ action) => find(id).addEventListener("click", action);
    on("head-before", () => this.#step(-1));
    on("head-after", () => this.#step(1));
    on("ask", openHelp);
    on("link", () => this.#copyLink());
    find("explain").addEventListener("click", async (event) => {
      const { save: kind, zoom } = closest(event, "[data-save], [data-zoom]")?.dataset ?? {};
      if (kind === "png" || kind === "svg") this.#tell(say("saved", await save(app, kind)));
      else if (zoom) this.#zoom(zoom);
    });
    addEventListener("keydown", (event) => this.#key(event));
  }

  /** Update all controls from the state. */
  show() {
    const { app } = this;
    const { state, page } = app;
    if (this.#language !== language()) this.#translate();
    document.body.dataset.view = state.view;
    for (const [name, tab] of this.#tabs) {
      const on = name === state.view;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
      find(`view-${name}`).hidden = !on;
      // On a phone not all tabs fit; only their row scrolls, not the page.
      const { parentElement: row } = tab;
      if (on && row && row.scrollWidth > row.clientWidth) row.scrollLeft = tab.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2;
    }
    const { selects } = this;
    selects.language.value = language();
    selects.theme.value = state.theme;
    selects.map.value = app.map;
    selects.scale.value = app.scale;
    // A text that is typed may have units that the text before had not.
    const units = Object.entries(UNITS).filter(([, list]) => list === null || app.views.some((view) => view[list]));
    fillSelect(selects.unit, units.map(([name]) => [name, say(`unit-${name}`)]), state.unit);
    selects.unit.disabled = units.length === 1;
    const views = app.present();
    const both = (state.view === "grid" || state.view === "head") && views.some((view) => !view.causal);
    const rollout = state.view === "head" && state.layer === "rollout";
    find("story").textContent = say(`story-${rollout ? "rollout" : state.view}${both && !rollout ? "-both" : ""}`);
    const facts = {
      model: () => modelFacts(views[0]),
      time: () => [say("checkpoints", app.views.length), ...modelFacts(views[0])],
      variants: () => [say("runs", views.length)],
    };
    find("facts").replaceChildren(...facts[page.kind]().map((fact) => make("bdi", { textContent: fact })));
    this.#showHeads(views);
  }

  /** @param {View[]} views */
  #showHeads(views) {
    const { selects, app: { state } } = this;
    const numbers = (/** @type {"layers" | "heads"} */ name) => [...new Set(views.flatMap((view) => view[name]))].sort((a, b) => a - b);
    this.#heads = [];
    for (const layer of numbers("layers")) for (const head of numbers("heads")) this.#heads.push([layer, head]);
    const rollout = state.view !== "worked" && views.some((view) => view.rollout !== null);
    if (rollout) this.#heads.push(["rollout", 0]);
    const layers = alike(numbers("layers"));
    if (rollout || state.layer === "rollout") layers.push(["rollout", say("rollout")]);
    fillSelect(selects.layer, layers, state.layer);
    fillSelect(selects.head, alike(state.layer === "rollout" ? [0] : numbers("heads")), state.head);
    selects.head.disabled = state.layer === "rollout";
    const stats = views.length === 1 ? views[0].statsOf(state.layer, state.head) : null;
    const habit = stats && habitOf(stats, views[0].chance);
    find("habit").textContent = habit ? say("habit-text", `${Math.round(100 * (stats[habit] ?? 0))}%`, say(`to-${habit}`)) : "";
  }

  #translate() {
    const { app, selects } = this;
    this.#language = language();
    translate(document);
    find("title").textContent = app.page.title;
    find("notes").replaceChildren(...app.page.notes.map((note) => make("li", { textContent: note })));
    fillSelect(selects.map, Object.keys(app.theme.maps).map((name) => [name, say(`map-${name}`)]), app.map);
    /** @type {[key: string, name: string][]} */
    const times = app.page.kind === "time" ? [[", .", "time"]] : [];
    listKeys([
      [`1 – ${VIEWS.length}`, "1"], ["← ↑ ↓ →", "arrows"], ["+ − 0", "zoom"], ["", "drag"], ["[ ]", "head"], ["{ }", "layer"],
      ...times, ["Enter", "enter"], ["Esc", "escape"], ["?", "help"],
    ]);
  }

  /** @param {KeyboardEvent} event */
  #tabKey(event) {
    /** @type {Record<string, number>} */
    const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -VIEWS.length, End: VIEWS.length };
    if (!(event.key in steps)) return;
    const at = VIEWS.indexOf(this.app.state.view) + steps[event.key];
    const next = Math.abs(steps[event.key]) > 1 ? Math.min(Math.max(at, 0), VIEWS.length - 1) : (at + VIEWS.length) % VIEWS.length;
    this.app.state.set({ view: VIEWS[next] });
    this.#tabs[next][1].focus();
    event.preventDefault();
  }

  /**
   * Change the unit; the pinned cell keeps its place in the text.
   * @param {UnitName} unit
   */
  #changeUnit(unit) {
    const { app } = this;
    const [view] = app.present();
    const [before, after] = [app.units(view), unitsOf(view, unit)];
    const moved = (/** @type {number | null} */ i) => (i === null ? null : after.of(before.first[i]));
    app.state.set({ unit, query: moved(app.state.query), key: moved(app.state.key), token: null, zoom: 1, x: 0, y: 0, top: 0 });
  }

  /**
   * Go to the previous or next head, across layers.
   * @param {number} by
   */
  #step(by) {
    const { state } = this.app;
    const at = this.#heads.findIndex(([layer, head]) => layer === state.layer && head === state.head);
    const [layer, head] = this.#heads[(at + by + this.#heads.length) % this.#heads.length];
    state.set({ layer, head });
  }

  /** @param {number} by */
  #stepLayer(by) {
    const { state } = this.app;
    const options = [...this.selects.layer.options];
    const at = options.findIndex((option) => option.value === String(state.layer));
    this.#toLayer(options[(at + by + options.length) % options.length].value);
  }

  /**
   * The rollout of all layers has a single head.
   * @param {string} name
   */
  #toLayer(name) {
    const { state } = this.app;
    const layer = readLayer(name) ?? state.layer;
    state.set({ layer, head: layer === "rollout" ? 0 : state.head });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { app } = this;
    if (event.ctrlKey || event.metaKey || event.altKey || closest(event, "select, input, textarea, dialog")) return;
    /** @type {Record<string, () => void>} */
    const actions = {
      "?": openHelp,
      "[": () => this.#step(-1), "]": () => this.#step(1), "{": () => this.#stepLayer(-1), "}": () => this.#stepLayer(1),
      ",": () => app.times.step(-1), ".": () => app.times.step(1),
      Escape: () => app.state.set({ query: null, key: null, token: null }),
    };
    VIEWS.forEach((view, i) => { actions[i + 1] = () => app.state.set({ view }); });
    if (!actions[event.key]) return;
    actions[event.key]();
    event.preventDefault();
  }

  async #copyLink() {
    this.app.state.write();
    this.#tell(say(await copied(location.href) ? "link-done" : "link-shown"));
  }

  /** @param {string} direction "in", "out" or "fit" */
  #zoom(direction) {
    const { map } = this.app.panels[0];
    if (direction === "fit") map?.fit();
    else map?.glide(direction === "in" ? 1.6 : 1 / 1.6);
  }

  /** @param {string} text */
  #tell(text) {
    find("done").textContent = text;
  }
}
