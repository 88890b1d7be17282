// What the worker computed, as a view of the page.

import { View } from "./view.js";

/** @import { Spread } from "./live-statistics.js" */
/** @import { PassResult } from "./live-worker.js" */
/** @import { Walk } from "./walk.js" */
/** @import { HeadStats, Layer, LiveConfig, Token, UnitTable, ViewData } from "./types.js" */

/** Follows a token of a reading through a layer and a head. @typedef {(asked: { reading: number, ids: number[], layer: number, head: number, token: number }) => Promise<Walk | null>} Follow */
/** What stays the same from text to text. @typedef {{ given: ViewData, config: LiveConfig, bias: Float32Array | null, follow: Follow }} Fixed */

/**
 * Return a view of a pass over a text.
 * @param {Fixed} fixed
 * @param {{ text: string, tokens: Token[] }} laid
 * @param {PassResult} pass
 * @param {number} reading the worker's number of the reading
 * @returns {View}
 */
export function viewOf(fixed, laid, pass, reading) {
  const { bias, follow, config: { n_layers } } = fixed;
  const { tokens, q, k, v } = pass.vectors;
  const data = viewDataOf(fixed, laid, { spreads: pass.spreads, rollout: pass.rollout, tokens });
  /** @type {Map<Layer, Uint16Array>} */
  const codes = new Map(pass.patterns.map((pattern, layer) => [layer, pattern]));
  if (pass.rollout) codes.set("rollout", pass.rollout);
  /** @type {Map<string, Float32Array>} */
  const floats = new Map(bias ? [["bias", bias]] : []);
  for (let layer = 0; layer < n_layers; layer++) floats.set(`q${layer}`, q[layer]).set(`k${layer}`, k[layer]).set(`v${layer}`, v[layer]);
  const view = new View(data, { codes, floats });
  const ids = laid.tokens.map(({ id }) => id);
  view.follower = (layer, head, token) => follow({ reading, ids, layer, head, token });
  return view;
}

/**
 * Return the data of a view whose numbers are decoded.
 * @param {Fixed} fixed
 * @param {{ text: string, tokens: Token[] }} laid
 * @param {{ spreads: Record<keyof Spread, number | null>[][], rollout: Uint16Array | null, tokens: number }} pass `tokens` have vectors
 * @returns {ViewData}
 */
export function viewDataOf({ given, config, bias }, { text, tokens }, pass) {
  const { n_layers, n_heads, n_kv_heads, max_tokens, causal } = config;
  const n = tokens.length;
  const numbers = (/** @type {number} */ count) => Array.from({ length: count }, (_, i) => i);
  const even = evenly(n, causal);
  // Attention to repeated random text does not depend on the text that is shown.
  const repeated = (/** @type {number} */ layer, /** @type {number} */ head) => {
    const { same = null, induction = null } = given.stats[layer]?.[head] ?? {};
    return { same, induction };
  };
  /** @type {HeadStats[][]} */
  const stats = pass.spreads.map((heads, layer) => heads.map((spread, head) => ({ ...spread, ...repeated(layer, head), silenced: null })));
  return {
    ...given, n, tokens, text, placed: true, stats,
    layers: numbers(n_layers), heads: numbers(n_heads), thinned: null,
    words: words(text, tokens), characters: characters(text, tokens),
    patterns: { blocks: [], bits: 16, error: 0.5 / 65535 + 6e-8 },
    rollout: pass.rollout ? 0 : null,
    // They are computed for the page's own text only.
    norms: null,
    vectors: { tokens: pass.tokens, kv_heads: numbers(n_heads).map((head) => Math.floor(head * n_kv_heads / n_heads)), q: [], k: [], v: [] },
    bias: bias && { block: 0, tokens: max_tokens },
    // The stream of the page's own text does not belong to another one.
    walk: { ...given.walk, tokens: 0 },
    chance: { ...given.chance, previous: even, first: even },
  };
}

/**
 * The mean weight that an even pattern gives one key, from the second query on.
 * @param {number} n
 * @param {boolean} causal
 */
function evenly(n, causal) {
  if (n < 2) return null;
  let sum = 0;
  for (let query = 1; query < n; query++) sum += 1 / (causal ? query + 1 : n);
  return sum / (n - 1);
}

/**
 * The number of the segment of each character, where the browser can divide a text.
 * @param {string} text
 * @param {"word" | "grapheme"} granularity
 * @returns {number[] | null}
 */
function segments(text, granularity) {
  if (!Intl.Segmenter) return null;
  const parts = new Intl.Segmenter("und", { granularity }).segment(text);
  return [...parts].flatMap(({ segment }, number) => [...segment].map(() => number));
}

/** Whether two tokens are parts of the same character. @param {Token} a @param {Token} b */
const share = (a, b) => b.start < a.end && a.start < b.end;

/**
 * Tokens grouped by words; white space belongs to the following word, and at the end of the text to the last one.
 * @param {string} text
 * @param {Token[]} tokens
 */
function words(text, tokens) {
  const word = segments(text, "word");
  if (!word) return null;
  const solid = Array.from(text, (c) => !/\s/u.test(c));
  const ending = solid.lastIndexOf(true) + 1;
  return joining(text, tokens, (before, token) => {
    if (share(before, token)) return true;
    if (before.end === before.start || token.end === token.start) return false;
    let [last, first] = [before.end - 1, token.start];
    while (last >= before.start && !solid[last]) last--;
    while (first < token.end && !solid[first]) first++;
    if (last < before.start) return true;
    return first < token.end ? word[last] === word[first] : token.start >= ending;
  });
}

/**
 * Tokens grouped where they are parts of a character (a grapheme cluster).
 * @param {string} text
 * @param {Token[]} tokens
 */
function characters(text, tokens) {
  const character = segments(text, "grapheme");
  if (!character) return null;
  const within = (/** @type {Token} */ { start, end }) => end > start;
  return joining(text, tokens, (before, token) => share(before, token)
    || (within(before) && within(token) && character[before.end - 1] === character[token.start]));
}

/**
 * Return the units of a text, or null if each is a token.
 * @param {string} text
 * @param {Token[]} tokens
 * @param {(before: Token, token: Token) => boolean} joined
 * @returns {UnitTable | null}
 */
function joining(text, tokens, joined) {
  /** @type {Token[][]} */
  const units = [];
  const of = tokens.map((token, i) => {
    if (i === 0 || !joined(tokens[i - 1], token)) units.push([]);
    units[units.length - 1].push(token);
    return units.length - 1;
  });
  if (units.length === tokens.length) return null;
  const all = [...text];
  const name = (/** @type {Token[]} */ members) => {
    const [start, end] = [Math.min(...members.map((token) => token.start)), Math.max(...members.map((token) => token.end))];
    const plain = all.slice(start, end).join("").trim();
    // Otherwise the tokens' labels, which make invisible characters visible.
    return plain && !/\p{Cc}/u.test(plain) ? plain : members.map((token) => token.text).join("");
  };
  return { of, text: units.map(name) };
}
