// The residual stream of one token around one layer, computed from a text that the model has read.

import { PANEL } from "./live-kernel.js";
import { activate, normalize } from "./live-layers.js";

/** @import { Linear, Norm } from "./live-model.js" */
/** @import { Reading } from "./live-reading.js" */

/**
 * A token's way through a layer, as the worker sends it; vectors are whole.
 * @typedef {object} LiveWalk
 * @property {Record<string, Float32Array>} vectors
 * @property {Record<"q" | "k" | "v" | "o", Float32Array>} terms
 * @property {number} next id of the most likely next token
 * @property {{ part: string, probability: number }[]} points
 * @property {number} without
 * @property {Float32Array} z the head's result
 */

/** Number of terms of a written-out product. */
const TERMS = 4;

/**
 * Follow a token of a reading through a layer and a head.
 * @param {Reading} reading
 * @param {number} layer
 * @param {number} head
 * @param {number} token
 * @returns {LiveWalk}
 */
export function walkIn(reading, layer, head, token) {
  const { model } = reading;
  const { config: { d_model: d, d_head, n_heads, n_kv_heads, n_layers, placement, residual, parallel }, blocks, kernel: { floats } } = model;
  const row = (/** @type {Float32Array} */ all, width = d) => all.slice(token * width, (token + 1) * width);
  const pre = placement === "pre";
  const join = (/** @type {Float32Array} */ stream, /** @type {Float32Array} */ added, /** @type {Norm} */ norm) => {
    const total = residual ? sum(stream, added) : added;
    return pre ? total : normed(reading, norm, total);
  };
  model.embed(reading.tokens[token], model.scratch.x.at);
  const embedding = floats.slice(model.scratch.x.at, model.scratch.x.at + d);
  /** @type {Record<string, Float32Array>} */
  const vectors = { embedding, positioned: row(reading.residual(0)) };
  /** @type {{ part: string, stream: Float32Array }[]} */
  const streams = [{ part: "embed", stream: embedding }];
  if (model.added) {
    vectors.position = row(model.added);
    streams.push({ part: "pos_embed", stream: vectors.positioned });
  }
  const z = (/** @type {number} */ at) => row(reading.z(at), n_heads * d_head);
  /** @type {Float32Array} */
  let left = embedding;
  for (let at = 0; at < n_layers; at++) {
    const block = blocks[at];
    const [before, after] = [row(reading.residual(at)), row(reading.residual(at + 1))];
    const attention = applied(reading, block.output, z(at), d);
    const mid = join(before, attention, block.normAttention);
    // A layer of attention only ends here, with whatever was changed at its end.
    streams.push({ part: `attn_out ${at}`, stream: block.normFfn ? mid : after });
    if (block.normFfn) streams.push({ part: `mlp_out ${at}`, stream: after });
    if (at !== layer) continue;
    Object.assign(vectors, { before, attention, mid: block.normFfn ? mid : after, after });
    const read = pre ? normed(reading, block.normAttention, before) : before;
    if (pre) vectors.normed = read;
    const qkv = applied(reading, block.qkv, read, model.width);
    const kv = n_heads + Math.floor(head * n_kv_heads / n_heads);
    [["q", head], ["k", kv], ["v", kv + n_kv_heads]].forEach(([name, place]) => { vectors[name] = qkv.slice(Number(place) * d_head, (Number(place) + 1) * d_head); });
    const own = z(at).map((value, i) => (Math.floor(i / d_head) === head ? value : 0));
    vectors.share = applied(reading, { weight: block.output.weight, bias: null }, own, d);
    left = join(before, attention.map((value, i) => value - vectors.share[i]), block.normAttention);
    if (block.normFfn) vectors.ffn = fed(reading, at, parallel ? before : mid);
  }
  const probabilities = [...streams.map(({ stream }) => stream), left].map((stream) => readOut(reading, stream));
  const last = probabilities[probabilities.length - 2];
  const next = last.reduce((best, p, id) => (p > last[best] ? id : best), 0);
  const { qkv, output } = blocks[layer];
  const kv = n_heads + Math.floor(head * n_kv_heads / n_heads);
  const column = (/** @type {Linear} */ { weight: { at, stride } }, /** @type {number} */ first, /** @type {number} */ c, /** @type {number} */ rows) => {
    return Float32Array.from({ length: Math.min(TERMS, rows) }, (_, i) => floats[at + Math.floor(c / PANEL) * stride + (first + i) * PANEL + c % PANEL]);
  };
  return {
    vectors, next, z: z(layer).slice(head * d_head, (head + 1) * d_head),
    terms: { q: column(qkv, 0, head * d_head, d), k: column(qkv, 0, kv * d_head, d), v: column(qkv, 0, (kv + n_kv_heads) * d_head, d), o: column(output, head * d_head, 0, d_head) },
    points: streams.map(({ part }, i) => ({ part, probability: probabilities[i][next] })), without: probabilities[probabilities.length - 1][next],
  };
}

/** @param {Float32Array} a @param {Float32Array} b */
const sum = (a, b) => a.map((value, i) => value + b[i]);

/**
 * A norm of one vector.
 * @param {Reading} reading
 * @param {Norm} layer
 * @param {Float32Array} x
 */
function normed({ model: { config: { norm, eps } } }, { weight, bias }, x) {
  const y = new Float32Array(x.length);
  y.set(x);
  normalize(norm, y, 0, 0, x.length, weight, bias, eps);
  return y;
}

/**
 * x·W + b of one vector.
 * @param {Reading} reading
 * @param {Linear} layer
 * @param {Float32Array} x
 * @param {number} width of the result
 */
function applied({ model: { kernel, scratch } }, { weight, bias }, x, width) {
  // The widest rows of each kind: what was in them belongs to no reading.
  const from = [scratch.input, scratch.z, scratch.up].find(({ stride }) => stride >= x.length);
  const to = [scratch.added, scratch.qkv, scratch.logits, scratch.up].find(({ stride }) => stride >= width);
  if (!from || !to) throw new Error("a row is wider than the model");
  const { floats } = kernel;
  floats.set(x, from.at);
  if (bias) floats.set(bias, to.at);
  else floats.fill(0, to.at, to.at + to.stride);
  kernel.multiply(from.at, from.stride, weight, to.at, to.stride, 1);
  return floats.slice(to.at, to.at + width);
}

/**
 * The feed-forward network of a layer on one vector of the stream.
 * @param {Reading} reading
 * @param {number} layer
 * @param {Float32Array} stream
 */
function fed(reading, layer, stream) {
  const { config: { ffn, d_ff, d_model, placement }, blocks } = reading.model;
  const { up, gate, down, normFfn } = blocks[layer];
  if (!up || !down || !normFfn) throw new Error("the layer has no feed-forward network");
  const x = placement === "pre" ? normed(reading, normFfn, stream) : stream;
  const both = new Float32Array(2 * d_ff);
  both.set(applied(reading, up, x, d_ff));
  if (gate) both.set(applied(reading, gate, x, d_ff), d_ff);
  activate(ffn, both, 0, d_ff, d_ff);
  return applied(reading, down, both.slice(0, d_ff), d_model);
}

/**
 * Softmax of the head over one vector of the stream, after the final norm.
 * @param {Reading} reading
 * @param {Float32Array} stream
 */
function readOut(reading, stream) {
  const { config: { vocab }, normFinal, head } = reading.model;
  const logits = applied(reading, { weight: head, bias: null }, normFinal ? normed(reading, normFinal, stream) : stream, vocab);
  const most = logits.reduce((best, x) => Math.max(best, x), -Infinity);
  const exps = Float64Array.from(logits, (x) => Math.exp(x - most));
  const total = exps.reduce((all, x) => all + x, 0);
  return exps.map((x) => x / total);
}
