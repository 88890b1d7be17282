// Value-weighted attention: the weight times the length of what its key contributes (Kobayashi et al. 2020), in shares of
// the row, so that it stands beside the attention weights on one scale.

import { Matrix } from "./matrix.js";

/**
 * Return a pattern whose weights count by what their keys contribute.
 * @param {Matrix} plain
 * @param {Float32Array} norms a length for each key
 * @returns {Matrix}
 */
export function byValues(plain, norms) {
  const { n, causal } = plain;
  const greatest = 65535;
  const codes = new Uint16Array(causal ? n * (n + 1) / 2 : n * n);
  let error = 0;
  const weighted = new Matrix({ codes, n, causal, greatest, error });
  for (let query = 0; query < n; query++) {
    const [base, width] = [weighted.base(query), weighted.width(query)];
    let [sum, all, longest] = [0, 0, 0];
    for (let key = 0; key < width; key++) {
      sum += plain.value(query, key) * norms[key];
      all += norms[key];
      longest = Math.max(longest, norms[key]);
    }
    // Nothing is written: the row stays empty.
    if (!(sum > 0)) continue;
    for (let key = 0; key < width; key++) codes[base + key] = Math.round(greatest * Math.min(1, plain.value(query, key) * norms[key] / sum));
    error = Math.max(error, plain.error * (longest + all) / sum);
  }
  weighted.error = error + 0.5 / greatest;
  return weighted;
}
