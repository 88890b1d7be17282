// The difference of two models' patterns on the same tokens.

import { Matrix } from "./matrix.js";

/** @import { Layer } from "./types.js" */
/** @import { View } from "./view.js" */

/** Greatest code of a difference: 0 stands for −1, half of it for 0. */
const GREATEST = 65534;

/** One pattern less another. Codes are for drawing; `value` is as exact as both patterns are. */
export class DifferenceMatrix extends Matrix {
  /** @override */
  signed = true;

  /**
   * @param {Matrix} one
   * @param {Matrix} other
   */
  constructor(one, other) {
    const { n, causal } = one;
    super({ codes: new Uint16Array(causal ? n * (n + 1) / 2 : n * n), n, causal, greatest: GREATEST, error: one.error + other.error });
    this.one = one;
    this.other = other;
    for (let query = 0; query < n; query++) {
      for (let key = 0; key < this.width(query); key++) {
        this.codes[this.base(query) + key] = Math.round((Math.min(Math.max(this.value(query, key), -1), 1) + 1) / 2 * GREATEST);
      }
    }
  }

  /**
   * @override
   * @param {number} query
   * @param {number} key
   */
  value(query, key) {
    return this.one.value(query, key) - this.other.value(query, key);
  }

  /**
   * @override
   * @param {number} key
   */
  errorAt(key) {
    return this.one.errorAt(key) + this.other.errorAt(key);
  }
}

/**
 * The first of two views less the second, with the members of a view that maps need.
 * @param {View} one
 * @param {View} other
 * @param {string} label
 * @returns {View}
 */
export function differenceOf(one, other, label) {
  /** @type {Map<string, Matrix>} */
  const matrices = new Map();
  /** @type {Partial<View>} */
  const own = {
    label,
    difference: [one, other],
    matrices,
    rollout: null,
    vectors: null,
    has: (/** @type {Layer} */ layer, /** @type {number} */ head) => layer !== "rollout" && one.has(layer, head) && other.has(layer, head),
    need: (/** @type {Layer} */ layer) => {
      const waits = [one.need(layer), other.need(layer)].filter((wait) => wait !== null);
      return waits.length ? Promise.all(waits).then(() => {}) : null;
    },
    needVectors: () => null,
    statsOf: () => null,
  };
  // What is not its own is the first view's: tokens, units, layers and heads.
  return /** @type {View} */ (Object.assign(Object.create(one), own));
}
