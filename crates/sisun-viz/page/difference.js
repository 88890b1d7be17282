// The difference of two patterns: of two texts in one model, or of two models on one text, aligned by position.

import { Matrix } from "./matrix.js";
import { Units, unitsOf } from "./units.js";
import { View } from "./view.js";

/** @import { Layer } from "./types.js" */
/** @import { UnitName } from "./units.js" */

/** Greatest code of a difference: 0 stands for −1, half of it for 0. */
const GREATEST = 65534;

/** One pattern less another, of their first rows and columns, as many as both have. Codes are for drawing; `value` is as exact as both patterns are. */
export class DifferenceMatrix extends Matrix {
  /** @override */
  signed = true;

  /**
   * @param {Matrix} one
   * @param {Matrix} other
   */
  constructor(one, other) {
    const { causal } = one;
    const n = Math.min(one.n, other.n);
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

/** The differences of all heads that two views share. */
export class DifferenceView extends View {
  /** @override @type {[one: View, other: View]} */
  difference;

  /**
   * @param {View} one
   * @param {View} other
   */
  constructor(one, other) {
    const n = Math.min(one.n, other.n);
    super({ ...one, n, vectors: null, stats: [], rollout: other.rollout === null ? null : one.rollout });
    this.difference = [one, other];
    for (const name of /** @type {UnitName[]} */ (["token", "word", "character"])) this.cuts.set(name, this.#units(name));
  }

  /**
   * Units aligned by position, with both labels where they differ.
   * @param {UnitName} name
   */
  #units(name) {
    const [a, b] = [unitsOf(this.difference[0], name), unitsOf(this.difference[1], name)];
    const n = Math.min(a.n, b.n);
    const labels = Array.from({ length: n }, (_, i) => (a.labels[i] === b.labels[i] ? a.labels[i] : `${a.labels[i]}·${b.labels[i]}`));
    return new Units(name, labels, a.first.slice(0, n + 1), this);
  }

  /**
   * @override
   * @param {Layer} layer
   * @param {number} head
   */
  has(layer, head) {
    return this.difference.every((view) => view.has(layer, head));
  }

  /** @override @param {Layer} layer */
  need(layer) {
    const waits = this.difference.map((view) => view.need(layer)).filter((wait) => wait !== null);
    return waits.length ? Promise.all(waits).then(() => {}) : null;
  }

  /** @override */
  needVectors() {
    return null;
  }
}
