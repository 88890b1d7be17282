// The attention of one query, step by step, from the model's own numbers: dot products, scaling, softmax, weighted sum.

import { editedOf } from "./walk.js";

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
 * @property {number} masked the input of the softmax; NaN if it was edited and is not on the page
 * @property {number} exp exp(masked − most)
 * @property {number} weight
 * @property {number | null} pattern the weight captured in the model, if the page has single weights
 */

/** @typedef {ReturnType<typeof workThrough>} Steps */

/** Difference above which a number is not what follows from those before it. */
const APART = 2e-4;

/**
 * Compute every step for one query, in double precision from the model's float32 vectors. Where the model was edited, the
 * edited numbers take the place of those that would follow.
 * @param {View} view
 * @param {Layer} layer
 * @param {number} head
 * @param {number} query
 */
export function workThrough(view, layer, head, query) {
  const { tokens, q, k, v, bias } = view.vectorsOf(layer, head);
  const matrix = view.thinned ? null : view.matrix(layer, head);
  const asked = q(query);
  const rows = Array.from({ length: tokens }, (_, j) => ({ k: k(j), v: v(j) }));
  const hidden = (/** @type {number} */ j) => view.causal && j > query;
  // A later key has no offset in a causal model's bias.
  const worked = attendRow(asked, rows, { scale: view.scale, hidden, bias: bias && ((j) => (hidden(j) ? 0 : bias(query, j))) });
  /** @type {KeySteps[]} */
  const keys = worked.keys.map((key, j) => ({ ...key, token: j, ...rows[j], pattern: matrix && matrix.value(query, j) }));
  const followed = view.walks.get(`${layer} ${head} ${query}`);
  const edited = layer === "rollout" ? [] : [...editedOf(view, layer, head)];
  let { z } = worked;
  // A page that computes knows an edit by its effect; without all keys the softmax is another one anyway.
  const whole = view.causal || tokens === view.tokens.length;
  if (followed && matrix && whole && keys.some((key) => Math.abs(key.weight - (key.pattern ?? key.weight)) > APART)) edited.push("pattern");
  if (matrix && (edited.includes("scores") || edited.includes("pattern"))) {
    for (const key of keys) {
      key.weight = key.pattern ?? key.weight;
      // The edited scores themselves are not on the page.
      if (edited.includes("scores")) key.masked = key.exp = NaN;
    }
    z = worked.z.map((_, d) => keys.reduce((total, key) => total + key.weight * key.v[d], 0));
  }
  const size = strongest([z]) + 1;
  if (whole && followed?.z && followed.z.some((value, d) => Math.abs(value - z[d]) > APART * size)) edited.push("z");
  const own = resultOf(view, layer, head, query) ?? followed?.z;
  if (edited.includes("z") && own) z = Float64Array.from(own);
  const slope = bias && tokens > 1 ? -bias(1, 0) : null;
  return { q: asked, keys, most: worked.most, sum: worked.sum, z, biased: bias !== null, slope, edited };
}

/**
 * The result of a head that the page holds because an edit changed it.
 * @param {View} view
 * @param {Layer} layer
 * @param {number} head
 * @param {number} query
 */
function resultOf(view, layer, head, query) {
  const all = view.walkNumbers("z");
  const { walk: { tokens }, layers, heads, d_head } = view;
  if (!all || layer === "rollout" || query >= tokens) return null;
  const at = ((layers.indexOf(layer) * heads.length + heads.indexOf(head)) * tokens + query) * d_head;
  return all.subarray(at, at + d_head);
}

/**
 * The attention of one query: softmax(q·Kᵀ·scale + bias)·V without the hidden keys.
 * @param {ArrayLike<number>} q
 * @param {{ k: ArrayLike<number>, v: ArrayLike<number> }[]} rows
 * @param {{ scale: number, hidden: (key: number) => boolean, bias?: ((key: number) => number) | null }} how
 */
export function attendRow(q, rows, { scale, hidden: hides, bias = null }) {
  const keys = rows.map(({ k }, j) => {
    let dot = 0;
    for (let d = 0; d < q.length; d++) dot += q[d] * k[d];
    const hidden = hides(j);
    const scaled = dot * scale;
    const added = bias ? bias(j) : 0;
    return { hidden, dot, scaled, bias: added, masked: hidden ? -Infinity : scaled + added, exp: 0, weight: 0 };
  });
  const most = Math.max(...keys.map((key) => key.masked));
  for (const key of keys) key.exp = Math.exp(key.masked - most);
  const sum = keys.reduce((total, key) => total + key.exp, 0);
  for (const key of keys) key.weight = key.exp / sum;
  const z = Float64Array.from({ length: rows[0].v.length }, (_, d) => keys.reduce((total, key, j) => total + key.weight * rows[j].v[d], 0));
  return { keys, most, sum, z };
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
