// Dividing a text into tokens, words or characters.

import { shown } from "./labels.js";

/** @import { View } from "./view.js" */
/** @typedef {"token" | "word" | "character"} UnitName */

export const UNITS = /** @type {const} */ ({ token: null, word: "words", character: "characters" });

/** A division of a text: unit i has the tokens `first[i]` up to, but not including, `first[i + 1]`. */
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
    this.placed = view.placed;
    this.n = labels.length;
  }

  /**
   * Return the unit of a token.
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
   * Return the start of a unit in the text, in characters.
   * @param {number} i
   * @returns {number}
   */
  begin(i) {
    return this.tokens[this.first[i]]?.start ?? 0;
  }

  /**
   * Return the unit at a position in the text, to match cells between models with different tokens.
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
 * Return the units of a view by name; if it has none (because they equal its tokens), its tokens.
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
 * Return the unit of `to` at the position of unit `i` of `from`.
 * @param {Units} from
 * @param {Units} to
 * @param {number | null} i
 * @returns {number | null}
 */
export function counterpart(from, to, i) {
  // Different texts are aligned by position.
  if (i !== null && from.placed && to.placed) return i < to.n ? i : null;
  if (i === null || from === to || (from.n === to.n && from.labels.every((label, at) => label === to.labels[at]))) return i;
  return to.at(from.begin(i));
}

/**
 * Return the start of a token in the text.
 * @param {View} view
 * @param {number} token
 * @returns {number}
 */
export const tokenBegin = (view, token) => view.tokens[token].start;

/**
 * Return the token at a position in the text; the same index if both models have the same tokens.
 * @param {View} view
 * @param {number} begin
 * @param {number} number
 * @returns {number}
 */
export function tokenAt(view, begin, number) {
  if (view.placed) return Math.min(number, view.tokens.length - 1);
  if (view.tokens[number]?.start === begin) return number;
  return view.tokens.reduce((found, token, i) => (token.start <= begin && token.start > view.tokens[found].start ? i : found), 0);
}
