// Everything the reader chose, and the controls to choose it. It lives in the address, so that a copied link opens exactly
// this view.

const VIEWS = ["grid", "head", "text", "worked", "table"];

const readNumber = (text) => (text !== "" && Number.isFinite(Number(text)) ? Number(text) : null);
const readIndex = (text) => (/^\d+$/.test(text) ? Number(text) : null);
const readLayer = (text) => (text === "rollout" ? text : readIndex(text));
const readOne = (allowed) => (text) => (allowed.includes(text) ? text : null);
/** Heads of the text view, "0.1,,2.3": places keep their colours, and an empty one has no head. */
const readHeads = (text) => text.split(",").slice(0, OKABE_ITO.length).map((head) => (/^(\d+|rollout)\.\d+$/.test(head) ? head : null));

const READERS = {
  view: readOne(VIEWS), layer: readLayer, head: readIndex, query: readIndex, key: readIndex, token: readIndex,
  unit: readOne(Object.keys(UNITS)), time: readIndex, map: readOne(["blues", "viridis", "cividis", "magma"]),
  scale: readOne(["linear", "root"]), language: readOne(["en", "ko"]), theme: readOne(["auto", "light", "dark"]),
  heads: readHeads, zoom: readNumber, x: readNumber, y: readNumber, top: readNumber, sort: (text) => text,
};

class State {
  #listeners = [];
  #timer = 0;

  constructor(page, views) {
    this.page = page;
    this.views = views;
    this.defaults = {
      view: "grid", layer: views[0].layers[0], head: views[0].heads[0], query: null, key: null, token: null, unit: "token",
      time: views.length - 1, map: null, scale: null, language: page.language, theme: "auto", heads: null,
      zoom: 1, x: 0, y: 0, top: 0, sort: "",
    };
    Object.assign(this, this.defaults);
    this.#assign(this.#read());
    addEventListener("hashchange", () => this.set({ ...this.defaults, ...this.#read() }));
  }

  /** Calls back with the names of what changed. */
  listen(callback) {
    this.#listeners.push(callback);
  }

  set(changes) {
    const changed = this.#assign(changes);
    if (changed.size === 0) return;
    for (const listener of this.#listeners) listener(changed);
    // Browsers limit how often an address may change; panning would exceed it.
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.write(), 150);
  }

  get plain() {
    return Object.fromEntries(Object.keys(READERS).map((name) => [name, this[name]]));
  }

  /** What differs from a page that was just opened. */
  get hash() {
    const chosen = Object.keys(READERS).filter((name) => !same(this[name], this.defaults[name]) || name === "view");
    return chosen.map((name) => `${name}=${encodeURIComponent(spelled(this[name]))}`).join("&");
  }

  write() {
    clearTimeout(this.#timer);
    if (location.hash.slice(1) === this.hash) return;
    try {
      history.replaceState(null, "", `#${this.hash}`);
    } catch {
      // Where a page from a file may not do that, the address stays as it was.
    }
  }

  #read() {
    const found = {};
    for (const [name, text] of new URLSearchParams(location.hash.slice(1))) {
      const value = Object.hasOwn(READERS, name) ? READERS[name](text) : null;
      if (value !== null) found[name] = value;
    }
    return found;
  }

  #assign(changes) {
    const before = { ...this };
    Object.assign(this, changes);
    this.#hold();
    return new Set(Object.keys(READERS).filter((name) => !same(before[name], this[name])));
  }

  /** An address may name what this page does not have. */
  #hold() {
    const { views, defaults } = this;
    this.time = Math.min(this.time, views.length - 1);
    if (!views.some((view) => view.has(this.layer, this.head))) Object.assign(this, { layer: defaults.layer, head: defaults.head });
    if (UNITS[this.unit] && !views.some((view) => view[UNITS[this.unit]])) this.unit = "token";
    const last = unitsOf(this.page.kind === "time" ? views[this.time] : views[0], this.unit).n - 1;
    for (const name of ["query", "key"]) if (this[name] !== null) this[name] = Math.min(this[name], last);
    if (this.token !== null) this.token = Math.min(this.token, views[0].tokens.length - 1);
    this.zoom = Math.max(1, this.zoom);
    const exists = (head) => head && views.some((view) => view.has(...headOf(head)));
    if (this.heads) this.heads = this.heads.map((head) => (exists(head) ? head : null));
  }
}

/** Layer and head of "1.2". */
function headOf(name) {
  const [layer, head] = name.split(".");
  return [layer === "rollout" ? layer : Number(layer), Number(head)];
}

function spelled(value) {
  if (Array.isArray(value)) return value.map((one) => one ?? "").join(",");
  return typeof value === "number" ? String(Number(value.toPrecision(6))) : value;
}

function same(a, b) {
  return a === b || (Array.isArray(a) && Array.isArray(b) && a.join() === b.join());
}

/** Tabs, switches, buttons and keys. */
class Controls {
  constructor(app) {
    this.app = app;
    this.tabs = [...document.querySelectorAll("[role=tab]")];
    this.language = null;
    const { state } = app;
    for (const tab of this.tabs) tab.addEventListener("click", () => state.set({ view: tab.dataset.view }));
    document.querySelector("[role=tablist]").addEventListener("keydown", (event) => this.#tabKey(event));
    for (const name of ["language", "theme", "map", "scale", "layer", "head", "unit"]) this[`${name}Select`] = document.getElementById(name);
    for (const name of ["language", "theme", "map", "scale"]) {
      this[`${name}Select`].addEventListener("change", (event) => state.set({ [name]: event.target.value }));
    }
    this.unitSelect.addEventListener("change", (event) => this.#changeUnit(event.target.value));
    this.layerSelect.addEventListener("change", (event) => this.#toLayer(readLayer(event.target.value)));
    this.headSelect.addEventListener("change", (event) => state.set({ head: Number(event.target.value) }));
    const on = (id, action) => document.getElementById(id).addEventListener("click", action);
    on("head-before", () => this.#step(-1));
    on("head-after", () => this.#step(1));
    on("ask", () => document.getElementById("help").showModal());
    on("link", () => this.#copyLink());
    for (const button of document.querySelectorAll("[data-save]")) {
      button.addEventListener("click", async () => this.#tell(say("saved", await save(app, button.dataset.save))));
    }
    for (const button of document.querySelectorAll("[data-zoom]")) {
      button.addEventListener("click", () => {
        const { map } = app.panels[0];
        if (button.dataset.zoom === "fit") map?.fit();
        else map?.glide(button.dataset.zoom === "in" ? 1.6 : 1 / 1.6);
      });
    }
    addEventListener("keydown", (event) => this.#key(event));
  }

  /** Brings every control in line with the state. */
  show() {
    const { app, tabs } = this;
    const { state, page } = app;
    if (this.language !== language) this.#translate();
    document.body.dataset.view = state.view;
    for (const tab of tabs) {
      const on = tab.dataset.view === state.view;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
      document.getElementById(`view-${tab.dataset.view}`).hidden = !on;
      // On a phone not all tabs fit; only their row scrolls, not the page.
      const { parentElement: row } = tab;
      if (on && row.scrollWidth > row.clientWidth) row.scrollLeft = tab.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2;
    }
    const chosen = { language, theme: state.theme, map: app.map, scale: app.scale, unit: state.unit };
    for (const [name, value] of Object.entries(chosen)) this[`${name}Select`].value = value;
    const views = app.present();
    const both = (state.view === "grid" || state.view === "head") && views.some((view) => !view.causal);
    const rollout = state.view === "head" && state.layer === "rollout";
    document.getElementById("story").textContent = say(`story-${rollout ? "rollout" : state.view}${both && !rollout ? "-both" : ""}`);
    const facts = {
      model: () => factsOf(views[0]),
      time: () => [say("checkpoints", app.views.length), ...factsOf(views[0])],
      variants: () => [say("runs", views.length)],
    };
    document.getElementById("facts").replaceChildren(...facts[page.kind]().map((fact) => make("bdi", { textContent: fact })));
    this.#showHeads(views);
  }

  #showHeads(views) {
    const { app: { state } } = this;
    const numbers = (name) => [...new Set(views.flatMap((view) => view[name]))].sort((a, b) => a - b);
    this.heads = numbers("layers").flatMap((layer) => numbers("heads").map((head) => [layer, head]));
    const rollout = state.view !== "worked" && views.some((view) => view.rollout !== null);
    if (rollout) this.heads.push(["rollout", 0]);
    const layers = numbers("layers").map((layer) => [layer, layer]);
    if (rollout || state.layer === "rollout") layers.push(["rollout", say("rollout")]);
    fill(this.layerSelect, layers, state.layer);
    fill(this.headSelect, (state.layer === "rollout" ? [0] : numbers("heads")).map((head) => [head, head]), state.head);
    this.headSelect.disabled = state.layer === "rollout";
    const stats = views.length === 1 ? views[0].statsOf(state.layer, state.head) : null;
    const habit = stats && habitOf(stats, views[0].chance);
    document.getElementById("habit").textContent = habit ? say("habit-text", `${Math.round(100 * stats[habit])}%`, say(`to-${habit}`)) : "";
  }

  #translate() {
    const { app } = this;
    this.language = language;
    translate(document);
    document.getElementById("title").textContent = app.page.title;
    document.getElementById("notes").replaceChildren(...app.page.notes.map((note) => make("li", { textContent: note })));
    const units = Object.keys(UNITS).filter((name) => name === "token" || app.views.some((view) => view[UNITS[name]]));
    fill(this.unitSelect, units.map((name) => [name, say(`unit-${name}`)]), app.state.unit);
    this.unitSelect.disabled = units.length === 1;
    fill(this.mapSelect, Object.keys(app.maps).map((name) => [name, say(`map-${name}`)]), app.map);
    const keys = [
      ["1 – 5", "1"], ["← ↑ ↓ →", "arrows"], ["+ − 0", "zoom"], ["", "drag"], ["[ ]", "head"], ["{ }", "layer"],
      ...(app.page.kind === "time" ? [[", .", "time"]] : []), ["Enter", "enter"], ["Esc", "escape"], ["?", "help"],
    ];
    const list = keys.flatMap(([key, what]) => [make("dt", { textContent: key }), make("dd", { textContent: say(`help-${what}`) })]);
    document.querySelector("#help dl").replaceChildren(...list);
  }

  #tabKey(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -VIEWS.length, End: VIEWS.length };
    if (!(event.key in steps)) return;
    const at = this.tabs.findIndex((tab) => tab.dataset.view === this.app.state.view) + steps[event.key];
    const next = Math.abs(steps[event.key]) > 1 ? Math.min(Math.max(at, 0), VIEWS.length - 1) : (at + VIEWS.length) % VIEWS.length;
    this.app.state.set({ view: VIEWS[next] });
    this.tabs[next].focus();
    event.preventDefault();
  }

  /** Another unit: the kept cell stays at its place in the text. */
  #changeUnit(unit) {
    const { app } = this;
    const [view] = app.present();
    const [before, after] = [app.units(view), unitsOf(view, unit)];
    const moved = (i) => (i === null ? null : after.of(before.first[i]));
    app.state.set({ unit, query: moved(app.state.query), key: moved(app.state.key), token: null, zoom: 1, x: 0, y: 0, top: 0 });
  }

  /** The head before or after, through all layers. */
  #step(by) {
    const { state } = this.app;
    const at = this.heads.findIndex(([layer, head]) => layer === state.layer && head === state.head);
    const [layer, head] = this.heads[(at + by + this.heads.length) % this.heads.length];
    state.set({ layer, head });
  }

  #stepLayer(by) {
    const { state } = this.app;
    const options = [...this.layerSelect.options];
    const at = options.findIndex((option) => option.value === String(state.layer));
    this.#toLayer(readLayer(options[(at + by + options.length) % options.length].value));
  }

  /** All layers together have one head. */
  #toLayer(layer) {
    const { state } = this.app;
    state.set({ layer, head: layer === "rollout" ? 0 : state.head });
  }

  #key(event) {
    const { app } = this;
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("select, input, dialog")) return;
    const actions = {
      "?": () => document.getElementById("help").showModal(),
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
    try {
      await navigator.clipboard.writeText(location.href);
      this.#tell(say("link-done"));
    } catch {
      // Not every browser lets a page from a file reach the clipboard.
      this.#tell(say("link-shown"));
    }
  }

  #tell(text) {
    document.getElementById("done").textContent = text;
  }
}

/** Puts options into a select, unless they are there already: an open list must not be taken away. */
function fill(select, options, value) {
  const texts = options.map(([, text]) => String(text));
  if (texts.join("\n") !== [...select.options].map((option) => option.textContent).join("\n")) {
    select.replaceChildren(...options.map(([name, text]) => make("option", { value: name, textContent: text })));
  }
  select.value = value;
}
