// The attention page: its current view, and the effects of choices.

import { OKABE_ITO, ROOT_FROM } from "./colour.js";
import { Controls } from "./controls.js";
import { DifferenceView } from "./difference.js";
import { find, make, watchWidth } from "./elements.js";
import { matrixBy } from "./gathered.js";
import { headName, headOf } from "./heads.js";
import { Legend } from "./legend.js";
import { Panels, presentViews } from "./panels.js";
import { Looks, Readout } from "./readout.js";
import { Sentence } from "./sentence.js";
import { State } from "./state.js";
import { Theme } from "./theme.js";
import { TimeBar } from "./time.js";
import { Toggles } from "./toggles.js";
import { report } from "./trouble.js";
import { counterpart, tokenAt, tokenBegin, unitsOf } from "./units.js";
import { View } from "./view.js";
import { say, sayHint, setLanguage } from "./words.js";

/** @import { ViewName } from "./state.js" */
/** @import { Cell, HeadSwitch, Layer, PageData, Panel, PlacedCell, Window } from "./types.js" */

export class App {
  #turn = 0;
  /** True if the chosen row is to be brought into sight. */
  #jumps = true;
  /** True while the reader goes from a cell to its row in another tab. */
  #enters = false;
  #frame = 0;

  /** @param {PageData} page */
  constructor(page) {
    this.page = page;
    this.views = page.views.map((view) => new View(view));
    /** @type {DifferenceView | null} The first view less the second, if the page was asked for it or its reader asks. */
    this.difference = null;
    if (page.difference) {
      this.difference = new DifferenceView(this.views[0], this.views[1]);
      this.difference.label = page.title;
    }
    this.theme = new Theme(page.colours);
    this.state = new State(page, this.views);
    /** @type {View | null} The same text in the model as it is, while the view shows one with the reader's changes. */
    this.untouched = null;
    /** @type {View | null} On a page that computes: another text, or the same one without the reader's changes. */
    this.beside = null;
    /** @type {((cell: { query: number, key: number }, touch: boolean) => ((up: number) => void) | null) | null} Drags a cell of a pattern. */
    this.cellDrag = null;
    /** @type {((event: KeyboardEvent) => boolean) | null} Changes the pinned cell by a key, and returns whether it did. */
    this.cellKey = null;
    /** @type {HeadSwitch | null} Adds a control to each head of the grid, on a page that computes. */
    this.headSwitch = null;
    /** @type {PlacedCell | null} */
    this.pointed = null;
    /** @type {Panel[]} Panels of the current tab. */
    this.panels = [];
    /** @type {Promise<void>} Resolved once the current state is shown. */
    this.settled = Promise.resolve();
    this.all = new Panels(this);
    this.times = new TimeBar(this);
    this.readout = new Readout(find("readout"));
    this.looks = new Looks(find("looks"), this);
    this.sentence = new Sentence(find("sentence"), this);
    this.legend = new Legend(find("legend"));
    this.toggles = new Toggles(find("toggles"), this);
    this.controls = new Controls(this);
    this.state.listen((changed) => this.#changed(changed));
    this.theme.listen(() => this.refresh());
    watchWidth(find("legend"), () => this.legend.show(this));
  }

  present() {
    return presentViews(this);
  }

  /**
   * The views of a tab: those of maps show the difference as well.
   * @param {ViewName} [tab]
   */
  shownOn(tab = this.state.view) {
    const views = this.present();
    return this.difference && (tab === "grid" || tab === "head") ? [...views, this.difference] : views;
  }

  /** @param {View} view */
  units(view) {
    return unitsOf(view, this.state.unit);
  }

  /**
   * @param {View} view
   * @param {Layer} layer
   */
  matrix(view, layer = this.state.layer, head = this.state.head) {
    return matrixBy(view, layer, head, this.units(view), this.weights);
  }

  /** What the maps show: attention weights, where a view has nothing else. */
  get weights() {
    const rollout = this.state.view === "head" && this.state.layer === "rollout";
    return this.hasNorms && !rollout ? this.state.weights : "attention";
  }

  /** Whether value-weighted attention can be shown; a page that computes has the lengths for its own text only. */
  get hasNorms() {
    return !this.page.model && this.views.some((view) => view.norms);
  }

  /** The name of the colour map. */
  get map() {
    return this.theme.mapOf(this.state.theme, this.state.map);
  }

  get scale() {
    return this.state.scale ?? (this.present().some((view) => this.units(view).n >= ROOT_FROM) ? "root" : "linear");
  }

  get colours() {
    return this.theme.colours(this.state.theme, this.state.map, this.scale);
  }

  /**
   * The colours of a view's maps: those of signed numbers for a difference.
   * @param {View} view
   */
  coloursOf(view) {
    return view.difference ? this.theme.signed(this.colours) : this.colours;
  }

  /** The colours of shares on a linear scale, whatever the scale of the maps. */
  get linearColours() {
    return this.theme.colours(this.state.theme, this.state.map, "linear");
  }

  get palette() {
    return this.colours.palette;
  }

  /**
   * The heads of the text view that exist in a model, with the slot that determines their colour.
   * @param {View} view
   * @returns {{ layer: Layer, head: number, slot: number }[]}
   */
  headsOn(view) {
    const { heads, layer, head } = this.state;
    return (heads ?? [`${layer}.${head}`]).flatMap((name, slot) => {
      if (!name) return [];
      const [of, number] = headOf(name);
      return view.has(of, number) ? [{ layer: of, head: number, slot }] : [];
    });
  }

  /** @param {number} slot */
  headColour(slot) {
    return OKABE_ITO[slot] ?? this.palette.ink;
  }

  /**
   * The cell that a column marks: the one pointed at, in whichever column, or else the pinned one.
   * @param {number} column
   * @returns {Cell | null}
   */
  cellOf(column, keptOnly = false) {
    const views = this.shownOn();
    const { column: from, query, key } = (!keptOnly && this.pointed) || { column: 0, ...this.state };
    if (query === null && key === null) return null;
    const [there, here] = [this.units(views[from]), this.units(views[column])];
    return { query: counterpart(there, here, query), key: counterpart(there, here, key) };
  }

  /** @param {PlacedCell | null} cell */
  point(cell) {
    if (!cell && !this.pointed) return;
    this.pointed = cell;
    // Pointers may report more often than the screen is drawn.
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.mark();
    });
  }

  /**
   * Pin a cell; the address uses the units of the first column.
   * @param {number} column
   * @param {Cell} cell
   */
  pin(column, { query, key }) {
    const views = this.shownOn();
    const [there, here] = [this.units(views[column]), this.units(views[0])];
    this.state.set({ query: counterpart(there, here, query), key: counterpart(there, here, key), token: null });
  }

  /**
   * Pin a cell, or unpin it if it is already pinned.
   * @param {number} column
   * @param {Cell} cell
   */
  toggle(column, cell) {
    const kept = this.cellOf(column, true);
    if (kept && kept.query === cell.query && kept.key === cell.key) this.state.set({ query: null, key: null, token: null });
    else this.pin(column, cell);
  }

  /**
   * The token of the step-by-step view: the chosen one, the first of the pinned unit, or the last of all.
   * @param {number} column
   */
  tokenOf(column) {
    const views = this.present();
    const { query, token } = this.state;
    if (query === null) return views[column].tokens.length - 1;
    const first = this.units(views[0]);
    const own = token !== null && first.of(token) === query ? token : first.first[query];
    return column === 0 ? own : tokenAt(views[column], tokenBegin(views[0], own), own);
  }

  /**
   * Show the steps of another token.
   * @param {number} column
   * @param {number} token
   */
  ask(column, token) {
    const views = this.present();
    const own = column === 0 ? token : tokenAt(views[0], tokenBegin(views[column], token), token);
    this.state.set({ query: this.units(views[0]).of(own), token: own, key: null });
  }

  /**
   * @param {Layer} layer
   * @param {number} head
   */
  open(layer, head) {
    this.state.set({ view: "head", layer, head });
    find("tab-head").focus({ preventScroll: true });
  }

  /**
   * @param {number} column
   * @param {Window} window
   */
  wander(column, { zoom, x, y }) {
    this.state.set({ zoom, x, y });
  }

  /**
   * @param {number} column
   * @param {number} top
   */
  scrolled(column, top) {
    this.state.set({ top: Math.round(top) });
  }

  /**
   * Show a text in the readout that does not refer to a cell.
   * @param {string} text
   */
  tell(text) {
    this.readout.host.replaceChildren(make("span", { textContent: text }));
  }

  /** A description of the current view, for the head of a saved picture. */
  caption() {
    const { view, layer, head } = this.state;
    const what = view === "head" || view === "worked" ? headName(layer, head) : say(`tab-${view}`);
    const label = this.page.kind === "variants" ? [] : [this.present()[0].label];
    const unit = this.units(this.present()[0]).name;
    return [what, ...label, say(`scale-${this.scale}`), say(`unit-${unit}`)].join(" · ");
  }

  fileName() {
    const { view, layer, head } = this.state;
    const what = view === "head" || view === "worked" ? `${view}-layer${layer}-head${head}` : view;
    const { label } = this.present()[0];
    return `${this.page.title}-${what}${this.page.kind === "time" ? `-${label}` : ""}`.replace(/[^\p{L}\p{N}._-]+/gu, "-");
  }

  /**
   * Pointing and panning leave everything else unchanged.
   * @param {Set<string>} changed
   */
  #changed(changed) {
    const only = (/** @type {string[]} */ ...names) => [...changed].every((name) => names.includes(name));
    // A hint or a cell of another tab says nothing here.
    if (changed.has("view")) this.readout.host.replaceChildren();
    this.#jumps = this.#enters || (!this.pointed && (changed.has("query") || changed.has("key")));
    // Computed before it is shown; see `Live`.
    if (only("text", "second", "edits", "beside", "sampler")) return;
    if (only("zoom", "x", "y")) for (const panel of this.panels) panel.map?.look(this.state);
    else if (only("top")) for (const panel of this.panels) panel.scrollTo?.(this.state.top);
    else if (only("query", "key") || (only("query", "key", "token") && this.state.view !== "worked")) {
      if (this.state.view === "worked" && changed.has("query")) this.refresh();
      else {
        this.mark();
        this.#bringIntoSight();
      }
    } else this.refresh();
  }

  /** Show the current state as soon as its data has been decoded; a later call supersedes an earlier one. */
  refresh() {
    this.settled = this.#refresh().catch(report);
    return this.settled;
  }

  async #refresh() {
    const turn = ++this.#turn;
    const { state } = this;
    setLanguage(state.language);
    this.theme.apply(state.theme);
    this.controls.show();
    this.times.show();
    const panels = this.all.of(state.view);
    const waits = panels.flatMap((panel) => panel.needs()).filter(Boolean);
    if (state.view === "grid") {
      // Thumbnails appear layer by layer.
      const early = () => turn === this.#turn && panels.forEach((panel) => panel.show());
      for (const wait of waits) wait?.then(early, () => {});
    }
    if (waits.length) await Promise.all(waits);
    if (turn !== this.#turn) return;
    this.panels = panels;
    this.sentence.lay(this.present()[0]);
    this.legend.show(this);
    for (const panel of panels) panel.show();
    if (state.view === "text") {
      this.toggles.show(this.present()[0]);
      for (const panel of panels) panel.scrollTo?.(state.top);
    }
    this.mark();
    this.#bringIntoSight();
  }

  /** Show the pinned cell in the view of the computation. */
  enter() {
    this.#enters = true;
    this.state.set({ view: "worked", token: null });
    this.#enters = false;
  }

  /** After a jump, scroll to the row of the chosen query or key. */
  #bringIntoSight() {
    const { state } = this;
    if (!this.#jumps || state.query === null) return;
    this.#jumps = false;
    for (const panel of this.panels) panel.reveal?.(this.cellOf(panel.column, true));
  }

  /** Show the cell that is pointed at or pinned, wherever it is visible. */
  mark() {
    const { state, pointed } = this;
    for (const panel of this.panels) panel.mark(this.cellOf(panel.column));
    // These two are about the model, whatever text it reads.
    if (state.view === "positions" || state.view === "model") {
      const [view] = this.present();
      this.looks.host.replaceChildren();
      this.sentence.show(view, this.units(view), null, null);
      return;
    }
    const single = state.view !== "grid" && state.view !== "table" && state.view !== "own";
    this.all.mark(state.view);
    const views = this.shownOn();
    const column = Math.min(pointed?.column ?? 0, views.length - 1);
    const view = views[column];
    const units = this.units(view);
    const cell = this.cellOf(column);
    const on = state.view === "text" ? this.headsOn(view) : [{ layer: state.layer, head: state.head }];
    const here = on.length > 0 && single && view.has(on[0].layer, on[0].head) && !view.need(on[0].layer);
    const matrix = here ? this.matrix(view, on[0].layer, on[0].head) : null;
    const before = matrix && this.untouched && column === 0 ? matrixBy(this.untouched, on[0].layer, on[0].head, units, this.weights) : null;
    if (state.view !== "worked") {
      const hint = state.view === "text" ? "hint-text" : this.present().length > 1 ? "hint-many" : "hint";
      this.readout.show(units, on.length === 1 ? matrix : null, cell, sayHint(hint), before);
    } else if (!this.readout.host.textContent) this.tell(sayHint("point-strip"));
    this.looks.show(units, (state.view === "head" || state.view === "text") && on.length === 1 ? matrix : null, cell?.query ?? null, before);
    this.sentence.show(view, units, state.view === "worked" ? { query: units.of(this.tokenOf(0)), key: null } : cell, on.length === 1 ? matrix : null);
  }
}
