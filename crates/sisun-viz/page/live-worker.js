// The worker of a page that computes: it holds the model, and answers one request after another.

import { Model } from "./live-model.js";
import { Reading } from "./live-reading.js";
import { rolloutOf, spreadOf } from "./live-statistics.js";
import { withValues } from "./live-values.js";
import { walkIn } from "./live-walk.js";
import { parametersOf } from "./live-weights.js";
import { bytesOf, inflate } from "./unpack.js";

/** @import { Edit } from "./live-edits.js" */
/** @import { Spread } from "./live-statistics.js" */
/** @import { LiveWalk } from "./live-walk.js" */
/** @import { LiveModelData } from "./types.js" */

/** What the page sends first; blocks are texts in base64. @typedef {{ kind: "load", model: LiveModelData, weights: string[] }} LoadRequest */
/**
 * A text to compute, and the second sentence, if there is one; the edits are all for this text.
 * @typedef {{ kind: "read", turn: number, ids: number[], second: number[] | null, edits: Edit[], lens: boolean }} ReadRequest
 */
/** A token to follow through a layer; `reading` numbers the readings. @typedef {{ kind: "walk", number: number, reading: number, ids: number[], layer: number, head: number, token: number }} WalkRequest */

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
/**
 * What has not changed since the answer before is "same".
 * @typedef {{ kind: "read", turn: number, untouched: PassResult | "same", second: PassResult | "same" | null, edited: PassResult | null, rows: number, milliseconds: number }} ReadAnswer
 */
/** Null if the reading has gone on to another text. @typedef {{ kind: "walk", number: number, walk: LiveWalk | null }} WalkAnswer */
/** @typedef {{ kind: "failed", turn: number | null, message: string }} Failed */
/** A layer of an answer that is still arriving, in what there is of its pass. @typedef {{ kind: "layer", turn: number, layer: number, pass: PassResult }} LayerAnswer */
/** @typedef {Loaded | ReadAnswer | WalkAnswer | LayerAnswer | Failed} Answer */

/** Most bytes of queries, keys and values that are sent with a text. */
const VECTOR_BYTES = 4 << 20;

/** Readings of the text as it is, of the second sentence, and of the text with the reader's edits. @type {Reading[]} */
let readings = [];
/** What was sent last of the first two. @type {[untouched: string, second: string]} */
let sent = ["", ""];

/**
 * @param {Answer} answer
 * @param {Transferable[]} [transfer]
 */
const send = (answer, transfer = []) => postMessage(answer, { transfer });

/** @param {LoadRequest} request */
async function load({ model: given, weights }) {
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
  const model = new Model(given.config, parameters, { readings: 3 });
  readings = [0, 1, 2].map((cache) => new Reading(model, cache, cache < 2));
  send({ kind: "loaded", kernel: model.kernel.kind, bias: model.bias, milliseconds: performance.now() - began });
}

/** @param {ReadRequest} request */
function read({ turn, ids, second, edits, lens }) {
  const began = performance.now();
  const [plain, other, changed] = readings;
  let rows = plain.read(ids);
  if (second) rows += other.read(second);
  const names = /** @type {typeof sent} */ ([`${ids} ${lens}`, String(second)]);
  const untouched = names[0] === sent[0] ? "same" : resultOf(plain, lens);
  const beside = second && (names[1] === sent[1] ? "same" : resultOf(other, false));
  sent = names;
  let edited = null;
  if (edits.length) {
    rows += changed.read(ids, withValues(edits, plain, other));
    edited = resultOf(changed, lens);
  }
  const milliseconds = performance.now() - began;
  const results = [untouched, beside, edited].filter((result) => result !== null && typeof result !== "string");
  const owned = results.flatMap(buffersOf);
  send({ kind: "read", turn, untouched, second: beside, edited, rows, milliseconds }, owned);
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

/** @param {WalkRequest} request */
function walk({ number, reading, ids, layer, head, token }) {
  const read = readings[reading];
  send({ kind: "walk", number, walk: read?.tokens.join() === ids.join() ? walkIn(read, layer, head, token) : null });
}

/** Requests are answered in order. */
let before = Promise.resolve();

addEventListener("message", ({ data }) => {
  /** @type {LoadRequest | ReadRequest | WalkRequest} */
  const request = data;
  const answer = async () => (request.kind === "load" ? load(request) : request.kind === "walk" ? walk(request) : read(request));
  const turn = request.kind === "read" ? request.turn : null;
  before = before.then(answer).catch((error) => send({ kind: "failed", turn, message: error instanceof Error ? error.message : String(error) }));
});
