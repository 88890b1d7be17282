// A pattern by tokens, words or characters. Keys of a unit are summed and its queries averaged, so that each
// row still sums to 1 (Clark et al. 2019, "What Does BERT Look At?", §4.1).

import { Matrix } from "./matrix.js";
import { unitsOf } from "./units.js";

/** @import { Layer } from "./types.js" */
/** @import { Units } from "./units.js" */
/** @import { View } from "./view.js" */

/** A pattern by units. Sums are stored as integers, so that values are exact. */
class GatheredMatrix extends Matrix {
  /**
   * @param {Matrix} fine
   * @param {Units} units
   */
  constructor(fine, units) {
    const { first, n } = units;
    const { causal, greatest, error } = fine;
    const sums = new Uint32Array(causal ? n * (n + 1) / 2 : n * n);
    super({ codes: new Uint16Array(sums.length), n, causal, greatest, error });
    for (let query = 0; query < n; query++) {
      const base = this.base(query);
      const width = this.width(query);
      for (let token = first[query]; token < first[query + 1]; token++) {
        const from = fine.base(token);
        const visible = fine.width(token);
        for (let key = 0; key < width; key++) {
          const end = Math.min(first[key + 1], visible);
          for (let at = first[key]; at < end; at++) sums[base + key] += fine.codes[from + at];
        }
      }
      const count = first[query + 1] - first[query];
      for (let at = base; at < base + width; at++) this.codes[at] = Math.min(greatest, Math.round(sums[at] / count));
    }
    this.sums = sums;
    this.first = first;
  }

  /**
   * @override
   * @param {number} query
   * @param {number} key
   */
  value(query, key) {
    if (this.hidden(query, key)) return 0;
    return this.sums[this.base(query) + key] / (this.greatest * (this.first[query + 1] - this.first[query]));
  }

  /**
   * Errors of summed keys may add up.
   * @override
   * @param {number} key
   */
  errorAt(key) {
    return this.error * (this.first[key + 1] - this.first[key]);
  }
}

/**
 * Return the pattern of a head by these units; cached, because the same few are drawn again and again.
 * @param {View} view
 * @param {Layer} layer
 * @param {number} head
 * @param {Units} units
 * @returns {Matrix}
 */
export function matrixBy(view, layer, head, units) {
  const name = `${layer} ${head} ${units.name}`;
  const known = view.matrices.get(name);
  if (known) return known;
  const own = () => {
    const fine = view.matrix(layer, head);
    return units.name === "token" ? fine : new GatheredMatrix(fine, units);
  };
  const matrix = view.combined((other) => matrixBy(other, layer, head, unitsOf(other, units.name))) ?? own();
  view.matrices.set(name, matrix);
  return matrix;
}
