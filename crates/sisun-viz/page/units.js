// A text by tokens, by words or by characters.

import { shown } from "./labels.js";

/** @import { View } from "./view.js" */
/** @typedef {"token" | "word" | "character"} UnitName */

export const UNITS = /** @type {const} */ ({ token: null, word: "words", character: "characters" });

/** How a text is cut: unit i has the tokens `first[i]` up to, not including, `first[i + 1]`. */
export class Units {
  /**
   * @param {UnitName} name
   * @param {string[]} labels
   * @param {number[]} first
   * @param {View} view
   */
  constructor(name, labels, first, view) {
    this.name = name;
    this.labels = labels;
    this.first = first;
    this.tokens = view.tokens;
    this.n = labels.length;
  }

  /**
   * The unit that a token is in.
   * @param {number} token
   * @returns {number}
   */
  of(token) {
    let [low, high] = [0, this.n - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.first[middle] <= token) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /**
   * Where a unit begins in the text, in characters.
   * @param {number} i
   * @returns {number}
   */
  begin(i) {
    return this.tokens[this.first[i]]?.start ?? 0;
  }

  /**
   * The unit at a place in the text: how cells are matched between models that cut it differently.
   * @param {number} character
   * @returns {number}
   */
  at(character) {
    let found = 0;
    for (let i = 0; i < this.n && this.begin(i) <= character; i++) if (this.begin(i) > this.begin(found)) found = i;
    return found;
  }
}

/**
 * Units of a view by name; what it does not have (because its tokens are just that) is its tokens.
 * @param {View} view
 * @param {UnitName} name
 * @returns {Units}
 */
export function unitsOf(view, name) {
  const units = view.cuts.get(name) ?? cut(view, name);
  view.cuts.set(name, units);
  return units;
}

/**
 * @param {View} view
 * @param {UnitName} name
 */
function cut(view, name) {
  const list = UNITS[name];
  const given = list && view[list];
  if (given) {
    const first = given.text.map((_, unit) => given.of.indexOf(unit));
    return new Units(name, given.text.map(shown), [...first, view.tokens.length], view);
  }
  if (name !== "token") return unitsOf(view, "token");
  const step = view.thinned ?? 1;
  const first = Array.from({ length: view.n + 1 }, (_, cell) => Math.min(cell * step, view.tokens.length));
  const label = (/** @type {number} */ cell) => view.tokens.slice(first[cell], first[cell + 1]).map((token) => shown(token.text)).join("·");
  return new Units("token", Array.from({ length: view.n }, (_, cell) => label(cell)), first, view);
}

/**
 * The unit of `to` that stands where unit `i` of `from` does.
 * @param {Units} from
 * @param {Units} to
 * @param {number | null} i
 * @returns {number | null}
 */
export function counterpart(from, to, i) {
  if (i === null || from === to || (from.n === to.n && from.labels.every((label, at) => label === to.labels[at]))) return i;
  return to.at(from.begin(i));
}

/**
 * Where a token begins in the text.
 * @param {View} view
 * @param {number} token
 * @returns {number}
 */
export const tokenBegin = (view, token) => view.tokens[token].start;

/**
 * The token at a place in the text; the same number where both models cut the text alike.
 * @param {View} view
 * @param {number} begin
 * @param {number} number
 * @returns {number}
 */
export function tokenAt(view, begin, number) {
  if (view.tokens[number]?.start === begin) return number;
  return view.tokens.reduce((found, token, i) => (token.start <= begin && token.start > view.tokens[found].start ? i : found), 0);
}
