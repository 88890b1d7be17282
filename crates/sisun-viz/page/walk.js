// The residual stream of a token around one layer, as a page holds it.

/** @import { LiveWalk } from "./live-walk.js" */
/** @import { View } from "./view.js" */

/** @typedef {"start" | "layers" | "products" | "shares" | "terms" | "probabilities" | "without"} WalkBlock */

/** The first numbers of a vector, its length, and how many numbers it has. @typedef {{ numbers: Float32Array, length: number, width: number }} Brief */

/**
 * A token on its way through one layer and head.
 * @typedef {object} Walk
 * @property {Record<string, Brief>} vectors by name: embedding, position, positioned, before, normed, q, k, v, share, attention, mid, ffn, after
 * @property {Record<"q" | "k" | "v" | "o", Float32Array>} terms the first numbers of the first column of each matrix
 * @property {string} next the most likely next token
 * @property {{ part: string, probability: number }[]} points its probability along the stream
 * @property {number | null} without its probability after the layer's attention without the head
 * @property {Float32Array | null} z the head's result, where it was edited
 */

/** Number of numbers that are shown of a vector. */
const SHOWN = 8;

/**
 * What a worker found, as a page shows it.
 * @param {LiveWalk | null} found
 * @param {{ label: (id: number) => string }} tokenizer
 * @returns {Walk | null}
 */
export function followed(found, tokenizer) {
  if (!found) return null;
  const brief = (/** @type {Float32Array} */ values) => ({ numbers: values.subarray(0, SHOWN), length: Math.hypot(...values), width: values.length });
  const vectors = Object.fromEntries(Object.entries(found.vectors).map(([name, values]) => [name, brief(values)]));
  return { ...found, vectors, next: tokenizer.label(found.next) };
}

/**
 * Return how many numbers each block has.
 * @param {View} view
 * @returns {[WalkBlock, number][]}
 */
export function walkSizes({ walk, layers, heads }) {
  const { tokens, shown, shown_of_head: narrow, start_names, layer_names, points } = walk;
  const all = layers.length * heads.length;
  return [
    ["start", start_names.length * tokens * (shown + 1)], ["layers", layers.length * layer_names.length * tokens * (shown + 1)],
    ["products", all * 3 * tokens * (narrow + 1)], ["shares", all * tokens * (shown + 1)], ["terms", all * 16],
    ["without", all * tokens], ["probabilities", tokens * points.length],
  ];
}

/**
 * Return a token's way through a layer and a head, or null if this page does not have it.
 * @param {View} view
 * @param {number} layer
 * @param {number} head
 * @param {number} token
 * @returns {Walk | null}
 */
export function walkOf(view, layer, head, token) {
  const computed = view.walks.get(`${layer} ${head} ${token}`);
  if (computed) return computed;
  const { walk, layers, heads, d_head } = view;
  const { tokens, shown, shown_of_head: narrow } = walk;
  if (token >= tokens) return null;
  const width = Number(walk.context.values.D);
  const block = (/** @type {WalkBlock} */ name) => {
    const numbers = view.walkNumbers(name);
    if (!numbers) throw new Error(`the block ${name} is used before it has been decoded`);
    return numbers;
  };
  const brief = (/** @type {Float32Array} */ values, /** @type {number} */ row, /** @type {number} */ count, /** @type {number} */ whole) => {
    const at = (row * tokens + token) * (count + 1);
    return { numbers: values.subarray(at, at + count), length: values[at + count], width: whole };
  };
  const [l, h] = [layers.indexOf(layer), heads.indexOf(head)];
  const place = l * heads.length + h;
  /** @type {Record<string, Brief>} */
  const vectors = {};
  walk.start_names.forEach((name, i) => { vectors[name] = brief(block("start"), i, shown, width); });
  walk.layer_names.forEach((name, i) => { vectors[name] = brief(block("layers"), l * walk.layer_names.length + i, shown, width); });
  ["q", "k", "v"].forEach((name, i) => { vectors[name] = brief(block("products"), 3 * place + i, narrow, d_head); });
  vectors.share = brief(block("shares"), place, shown, width);
  const terms = block("terms").subarray(16 * place, 16 * place + 16);
  const of = (/** @type {number} */ i) => terms.subarray(4 * i, 4 * i + 4);
  const probabilities = block("probabilities");
  const without = view.walkNumbers("without");
  return {
    vectors,
    terms: { q: of(0), k: of(1), v: of(2), o: of(3) },
    next: walk.next[token],
    points: walk.points.map((part, i) => ({ part, probability: probabilities[token * walk.points.length + i] })),
    without: without && without[place * tokens + token],
    z: null,
  };
}

/**
 * Return the names of the activations of a head that the reader's or the writer's edits change.
 * @param {View} view
 * @param {number} layer
 * @param {number} head
 * @returns {string[]}
 */
export function editedOf({ walk: { edits }, layers, heads }, layer, head) {
  return edits?.of[layers.indexOf(layer)]?.[heads.indexOf(head)] ?? [];
}
