// The worker of a page that computes: it holds the model, and answers one request after another.

import { UNTOUCHED } from "./live-edits.js";
import { Model } from "./live-model.js";
import { Reading } from "./live-reading.js";
import { rolloutOf, spreadOf } from "./live-statistics.js";
import { parametersOf } from "./live-weights.js";
import { bytesOf, inflate } from "./unpack.js";

/** @import { Edits } from "./live-edits.js" */
/** @import { Spread } from "./live-statistics.js" */
/** @import { LiveModelData } from "./types.js" */

/** What the page sends first; blocks are texts in base64. @typedef {{ kind: "load", model: LiveModelData, weights: string[], means: string }} LoadRequest */
/** A text to compute. @typedef {{ kind: "read", turn: number, ids: number[], edits: Edits, lens: boolean }} ReadRequest */

/**
 * One pass over a text.
 * @typedef {object} PassResult
 * @property {Uint16Array[]} patterns by layer: the rows of its heads one after another, `round(p · 65535)`
 * @property {Uint16Array | null} rollout
 * @property {Spread[][]} spreads by layer and head
 * @property {{ tokens: number, q: Float32Array[], k: Float32Array[], v: Float32Array[] }} vectors of the first tokens, by layer: `[head, token, d_head]`
 * @property {Float32Array} logits of the token after the text
 * @property {Float32Array[] | null} lens logits that the head makes of the last token before each layer and after the last
 */

/** @typedef {{ kind: "loaded", kernel: "WebAssembly" | "JavaScript" | "Sisun", bias: Float32Array | null, milliseconds: number }} Loaded */
/** @typedef {{ kind: "read", turn: number, untouched: PassResult, edited: PassResult | null, rows: number, milliseconds: number }} ReadAnswer */
/** @typedef {{ kind: "failed", turn: number | null, message: string }} Failed */
/** A layer of an answer that is still arriving, in what there is of its pass. @typedef {{ kind: "layer", turn: number, layer: number, pass: PassResult }} LayerAnswer */
/** @typedef {Loaded | ReadAnswer | LayerAnswer | Failed} Answer */

/** Most bytes of queries, keys and values that are sent with a text. */
const VECTOR_BYTES = 4 << 20;

/** Readings of the text as it is, and with the reader's edits. @type {Reading[]} */
let readings = [];

/**
 * @param {Answer} answer
 * @param {Transferable[]} [transfer]
 */
const send = (answer, transfer = []) => postMessage(answer, { transfer });

/** @param {LoadRequest} request */
async function load({ model: given, weights, means }) {
  const began = performance.now();
  const parts = [];
  // One after another: each is dropped as soon as it is unpacked.
  while (weights.length) parts.push(await inflate(bytesOf(weights.shift() ?? "")));
  const bytes = new Uint8Array(parts.reduce((all, part) => all + part.length, 0));
  let at = 0;
  for (const part of parts.splice(0)) {
    bytes.set(part, at);
    at += part.length;
  }
  const parameters = parametersOf(given, bytes);
  const model = new Model(given.config, parameters, { readings: 2 });
  const average = new Float32Array((await inflate(bytesOf(means))).buffer);
  readings = [0, 1].map((cache) => new Reading(model, cache, average));
  send({ kind: "loaded", kernel: model.kernel.kind, bias: model.bias, milliseconds: performance.now() - began });
}

/** @param {ReadRequest} request */
function read({ turn, ids, edits, lens }) {
  const began = performance.now();
  const [plain, other] = readings;
  let rows = plain.read(ids, UNTOUCHED);
  const untouched = resultOf(plain, lens);
  let edited = null;
  if (Object.keys(edits.ablated).length || edits.cells.length) {
    rows += other.read(ids, edits);
    edited = resultOf(other, lens);
  }
  const milliseconds = performance.now() - began;
  const owned = [untouched, edited].flatMap((result) => (result ? buffersOf(result) : []));
  send({ kind: "read", turn, untouched, edited, rows, milliseconds }, owned);
}

/**
 * @param {Reading} reading
 * @param {boolean} lens
 * @returns {PassResult}
 */
function resultOf(reading, lens) {
  const { config: { n_layers, n_heads, causal } } = reading.model;
  const n = reading.tokens.length;
  const layers = Array.from({ length: n_layers }, (_, layer) => Array.from({ length: n_heads }, (_, head) => reading.pattern(layer, head)));
  const rollout = rolloutOf(reading);
  return {
    patterns: layers.map(coded),
    rollout: rollout && coded([rollout]),
    spreads: layers.map((patterns) => patterns.map((pattern) => spreadOf(pattern, n, causal))),
    vectors: vectorsOf(reading),
    logits: reading.logits(n - 1),
    lens: lens ? Array.from({ length: n_layers + 1 }, (_, layer) => reading.logits(n - 1, layer)) : null,
  };
}

/**
 * Weights as integers of 16 bits, as Rust writes them into a page.
 * @param {Float32Array[]} patterns
 */
function coded(patterns) {
  const codes = new Uint16Array(patterns.reduce((all, pattern) => all + pattern.length, 0));
  let at = 0;
  for (const pattern of patterns) for (let i = 0; i < pattern.length; i++) codes[at++] = Math.round(Math.min(Math.max(pattern[i], 0), 1) * 65535);
  return codes;
}

/** @param {Reading} reading */
function vectorsOf(reading) {
  const { width, config: { n_layers, n_heads, n_kv_heads, d_head } } = reading.model;
  const tokens = Math.min(reading.tokens.length, Math.floor(VECTOR_BYTES / (4 * width * n_layers)));
  /** @type {(layer: number, first: number, heads: number) => Float32Array} */
  const heads = (layer, first, heads) => {
    const rows = reading.qkv(layer);
    const values = new Float32Array(heads * tokens * d_head);
    for (let head = 0, at = 0; head < heads; head++) {
      for (let token = 0; token < tokens; token++, at += d_head) {
        const from = token * width + (first + head) * d_head;
        values.set(rows.subarray(from, from + d_head), at);
      }
    }
    return values;
  };
  const all = (/** @type {number} */ first, /** @type {number} */ count) => Array.from({ length: n_layers }, (_, layer) => heads(layer, first, count));
  return { tokens, q: all(0, n_heads), k: all(n_heads, n_kv_heads), v: all(n_heads + n_kv_heads, n_kv_heads) };
}

/** @param {PassResult} result */
function buffersOf({ patterns, rollout, vectors: { q, k, v }, logits, lens }) {
  return [...patterns, ...(rollout ? [rollout] : []), ...q, ...k, ...v, logits, ...(lens ?? [])].map((array) => array.buffer);
}

/** Requests are answered in order. */
let before = Promise.resolve();

addEventListener("message", ({ data }) => {
  /** @type {LoadRequest | ReadRequest} */
  const request = data;
  const answer = async () => (request.kind === "load" ? load(request) : read(request));
  const turn = request.kind === "read" ? request.turn : null;
  before = before.then(answer).catch((error) => send({ kind: "failed", turn, message: error instanceof Error ? error.message : String(error) }));
});
