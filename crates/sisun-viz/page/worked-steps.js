// The attention of one query, step by step, from the model's own numbers: dot products, scaling, softmax, weighted sum.

/** @import { Layer } from "./types.js" */
/** @import { View } from "./view.js" */

/**
 * Intermediate results of one key.
 * @typedef {object} KeySteps
 * @property {number} token
 * @property {boolean} hidden true if it is after the query in a causal model
 * @property {Float32Array} k
 * @property {Float32Array} v
 * @property {number} dot q·k
 * @property {number} scaled
 * @property {number} bias
 * @property {number} masked the input of the softmax
 * @property {number} exp exp(masked − most)
 * @property {number} weight
 * @property {number | null} pattern the weight captured in the model, if the page has single weights
 */

/** @typedef {ReturnType<typeof workThrough>} Steps */

/**
 * Compute every step for one query, in double precision from the model's float32 vectors.
 * @param {View} view
 * @param {Layer} layer
 * @param {number} head
 * @param {number} query
 */
export function workThrough(view, layer, head, query) {
  const { tokens, q, k, v, bias } = view.vectorsOf(layer, head);
  const matrix = view.thinned ? null : view.matrix(layer, head);
  const own = q(query);
  /** @type {KeySteps[]} */
  const keys = Array.from({ length: tokens }, (_, j) => {
    const key = k(j);
    const hidden = view.causal && j > query;
    const dot = own.reduce((sum, x, d) => sum + x * key[d], 0);
    const scaled = dot * view.scale;
    // A later key has no offset in a causal model's bias.
    const added = bias && !hidden ? bias(query, j) : 0;
    const masked = hidden ? -Infinity : scaled + added;
    const pattern = matrix && matrix.value(query, j);
    return { token: j, hidden, k: key, v: v(j), dot, scaled, bias: added, masked, exp: 0, weight: 0, pattern };
  });
  const most = Math.max(...keys.map((key) => key.masked));
  for (const key of keys) key.exp = Math.exp(key.masked - most);
  const sum = keys.reduce((total, key) => total + key.exp, 0);
  for (const key of keys) key.weight = key.exp / sum;
  const z = Float64Array.from(own, (_, d) => keys.reduce((total, key) => total + key.weight * key.v[d], 0));
  return { q: own, keys, most, sum, z, biased: bias !== null };
}

/**
 * Return the largest magnitude in some vectors.
 * @param {(Float32Array | Float64Array)[]} vectors
 * @returns {number}
 */
export function strongest(vectors) {
  let most = 0;
  for (const vector of vectors) for (const x of vector) most = Math.max(most, Math.abs(x));
  return most;
}
