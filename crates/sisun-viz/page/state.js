// All choices of the reader of the attention page.

import { Address, readIndex, readLanguage, readMap, readNumber, readOne, readTheme, same } from "./address.js";
import { OKABE_ITO } from "./colour.js";
import { headOf } from "./heads.js";
import { unitsOf } from "./units.js";

/** @typedef {"grid" | "head" | "text" | "worked" | "table" | "lens" | "attribution" | "positions" | "model" | "own"} ViewName */
/** @typedef {import("./units.js").UnitName} UnitName */

/** @type {ViewName[]} */
export const VIEWS = ["grid", "head", "text", "worked", "table", "lens", "attribution", "positions", "model", "own"];

/**
 * Return the views that a page has: those of sheets only with their sheets.
 * @param {import("./types.js").PageData} page
 * @returns {ViewName[]}
 */
export function viewsOf({ sheets = [] }) {
  return VIEWS.filter((view) => (view !== "lens" && view !== "attribution") || sheets.some(({ name }) => name === view));
}

/**
 * @param {string} text
 * @returns {import("./types.js").Layer | null}
 */
export const readLayer = (text) => (text === "rollout" ? text : readIndex(text));

/**
 * Parse the heads of the text view, "0.1,,2.3": slots keep their colours, and an empty one has no head.
 * @param {string} text
 */
const readHeads = (text) => text.split(",").slice(0, OKABE_ITO.length).map((head) => (/^(\d+|rollout)\.\d+$/.test(head) ? head : null));

/** Parse temperature, top-k and top-p, "0.8,40,0.9". @param {string} text */
const readSampler = (text) => (/^(\d+(\.\d+)?,){2}\d+(\.\d+)?$/.test(text) ? text : null);

const READERS = {
  view: readOne(...VIEWS), layer: readLayer, head: readIndex, query: readIndex, key: readIndex, token: readIndex,
  unit: readOne("token", "word", "character"), time: readIndex, map: readMap,
  scale: readOne("linear", "root"), weights: readOne("attention", "values"), language: readLanguage, theme: readTheme,
  heads: readHeads, zoom: readNumber, x: readNumber, y: readNumber, top: readNumber, sort: (/** @type {string} */ text) => text, sheet: (/** @type {string} */ text) => text,
  text: (/** @type {string} */ text) => text, second: (/** @type {string} */ text) => text, edits: (/** @type {string} */ text) => text,
  beside: readOne("second", "untouched", "nothing"), sampler: readSampler,
};

/** All choices, with their initial values. */
class Choices {
  /** @type {ViewName} */
  view = "grid";
  /** @type {import("./types.js").Layer} */
  layer = 0;
  head = 0;
  /** @type {number | null} The pinned cell, in units of the first column. */
  query = null;
  /** @type {number | null} */
  key = null;
  /** @type {number | null} The token of the step-by-step view, if it is not the first of the pinned unit. */
  token = null;
  /** What rows and columns stand for; where a text has no such units, its tokens. @type {UnitName} */
  unit = "word";
  /** Index of the checkpoint. */
  time = 0;
  /** @type {string | null} */
  map = null;
  /** @type {import("./types.js").Scale | null} */
  scale = null;
  /** @type {import("./types.js").Weights} */
  weights = "attention";
  /** @type {import("./types.js").Language} */
  language = "en";
  /** @type {import("./types.js").ThemeChoice} */
  theme = "auto";
  /** @type {(string | null)[] | null} Heads of the text view as "layer.head". */
  heads = null;
  zoom = 1;
  x = 0;
  y = 0;
  /** Scroll position of the text view. */
  top = 0;
  /** Column by which the table is sorted; "-entropy" is descending. */
  sort = "";
  /** Name of the sheet of the view of positions; the first if there is no such one. */
  sheet = "";
  /** @type {string | null} On a page that computes: the typed text, or null for the page's own. */
  text = null;
  /** The second sentence, or nothing. */
  second = "";
  /** Changes to the model, as `--edit` writes them, with semicolons between them. */
  edits = "";
  /** @type {"second" | "untouched" | "nothing"} What is shown beside the text. */
  beside = "second";
  /** Temperature, top-k and top-p. */
  sampler = "1,0,1";
}

export class State extends Choices {
  /** @type {((changed: Set<string>) => void)[]} */
  #listeners = [];
  #address;
  #page;
  #views;

  /**
   * @param {import("./types.js").PageData} page
   * @param {import("./view.js").View[]} views
   */
  constructor(page, views) {
    super();
    this.#page = page;
    this.#views = views;
    // As `sisun explain`: the last layer, its first head.
    const [layer, head, time] = [views[0].layers[views[0].layers.length - 1], views[0].heads[0], views.length - 1];
    /** @type {Choices} */
    const defaults = { ...new Choices(), layer, head, time, language: page.language, unit: page.unit };
    this.#address = new Address(READERS, defaults, "view");
    this.#assign(this.#address.read());
    this.#address.listen((choices) => this.set(choices));
  }

  /**
   * Call back with the names of the changed choices.
   * @param {(changed: Set<string>) => void} callback
   */
  listen(callback) {
    this.#listeners.push(callback);
  }

  /** @param {Partial<Choices>} changes */
  set(changes) {
    const changed = this.#assign(changes);
    if (changed.size === 0) return;
    for (const listener of this.#listeners) listener(changed);
    this.#address.writeSoon(this);
  }

  /** What the address asks for that is no choice. */
  get ignored() {
    return this.#address.ignored;
  }

  /** Hold the choices within views that have changed. */
  refit() {
    this.#hold();
  }

  /** The choices that differ from the usual ones, as the address spells them. */
  spelled() {
    return this.#address.spell(this);
  }

  /** Update the address at once. */
  write() {
    this.#address.write(this);
  }

  /**
   * @param {Partial<Choices>} changes
   * @returns {Set<string>}
   */
  #assign(changes) {
    const before = { ...this };
    Object.assign(this, changes);
    this.#hold();
    return new Set(this.#address.names.filter((name) => !same(before[name], this[name])));
  }

  /** An address may contain values that this page does not have. */
  #hold() {
    const { defaults } = this.#address;
    const [page, views] = [this.#page, this.#views];
    this.time = Math.min(this.time, views.length - 1);
    if (!views.some((view) => view.has(this.layer, this.head))) Object.assign(this, { layer: defaults.layer, head: defaults.head });
    if (!viewsOf(page).includes(this.view)) this.view = defaults.view;
    const last = unitsOf(page.kind === "time" ? views[this.time] : views[0], this.unit).n - 1;
    if (this.query !== null) this.query = Math.min(this.query, last);
    if (this.key !== null) this.key = Math.min(this.key, last);
    if (this.token !== null) this.token = Math.min(this.token, views[0].tokens.length - 1);
    this.zoom = Math.max(1, this.zoom);
    const exists = (/** @type {string | null} */ head) => head !== null && views.some((view) => view.has(...headOf(head)));
    if (this.heads) this.heads = this.heads.map((head) => (exists(head) ? head : null));
  }
}
