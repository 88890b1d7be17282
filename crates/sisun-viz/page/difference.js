// The difference of the patterns of two texts: the weight in the first less the weight in the second, aligned by position.

import { Colours, diverging, share } from "./colour.js";
import { make } from "./elements.js";
import { Matrix } from "./matrix.js";
import { Units, unitsOf } from "./units.js";
import { View } from "./view.js";

/** @import { Layer, Palette } from "./types.js" */
/** @import { UnitName } from "./units.js" */

/** The difference of two patterns: of their first rows and columns, as many as both have. */
class DifferenceMatrix extends Matrix {
  /**
   * @param {Matrix} one
   * @param {Matrix} other
   */
  constructor(one, other) {
    const n = Math.min(one.n, other.n);
    super({ codes: new Uint16Array(0), n, causal: one.causal, greatest: one.greatest, error: one.error + other.error });
    this.one = one;
    this.other = other;
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

/** Colours of differences: blue above zero and orange below, as strong as the square root, so that small ones are seen. */
export class DifferenceColours extends Colours {
  /** @param {Palette} palette */
  constructor(palette) {
    super(new Uint8Array(3 * 256), "root", palette);
  }

  /**
   * @override
   * @param {number} difference
   */
  rgb(difference) {
    return diverging(Math.sign(difference) * share(Math.abs(difference), "root"), 1, this.palette);
  }

  /**
   * Cells that share a pixel show the largest difference.
   * @override
   * @param {Matrix} matrix
   * @param {number} pool
   */
  picture(matrix, pool, canvas = make("canvas")) {
    const side = Math.ceil(matrix.n / pool);
    const largest = new Float64Array(side * side);
    for (let query = 0; query < matrix.n; query++) {
      const row = Math.floor(query / pool) * side;
      for (let key = 0; key < matrix.width(query); key++) {
        const [at, value] = [row + Math.floor(key / pool), matrix.value(query, key)];
        if (Math.abs(value) > Math.abs(largest[at])) largest[at] = value;
      }
    }
    return this.pixels(canvas, side, (row, column) => (matrix.causal && column > row ? null : this.rgb(largest[row * side + column])));
  }
}

/** The differences of all heads. */
export class DifferenceView extends View {
  /**
   * @param {View} one
   * @param {View} other
   */
  constructor(one, other) {
    const n = Math.min(one.n, other.n);
    super({ ...one, n, vectors: null, stats: [], rollout: other.rollout === null ? null : one.rollout });
    this.signed = true;
    this.one = one;
    this.other = other;
    for (const name of /** @type {UnitName[]} */ (["token", "word", "character"])) this.cuts.set(name, this.#units(name));
  }

  /**
   * Units aligned by position, with both labels where they differ.
   * @param {UnitName} name
   */
  #units(name) {
    const [a, b] = [unitsOf(this.one, name), unitsOf(this.other, name)];
    const n = Math.min(a.n, b.n);
    const labels = Array.from({ length: n }, (_, i) => (a.labels[i] === b.labels[i] ? a.labels[i] : `${a.labels[i]}·${b.labels[i]}`));
    return new Units(name, labels, a.first.slice(0, n + 1), this);
  }

  /** @override @param {Layer} layer */
  need(layer) {
    const waits = [this.one.need(layer), this.other.need(layer)].filter(Boolean);
    return waits.length ? Promise.all(waits).then(() => {}) : null;
  }

  /** @override */
  needVectors() {
    return null;
  }

  /**
   * @override
   * @param {(view: View) => Matrix} of the pattern of a view by the current units
   */
  combined(of) {
    return new DifferenceMatrix(of(this.one), of(this.other));
  }
}
