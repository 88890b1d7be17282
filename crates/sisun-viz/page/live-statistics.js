// What Rust measures of each pattern of an attention page, measured of a text that was typed.

/** @import { Reading } from "./live-reading.js" */

/** How a head spreads its attention. @typedef {{ entropy: number, distance: number, previous: number, first: number }} Spread */

/** Longest text whose rollout is computed; the time grows with the cube of it. */
const ROLLOUT_TOKENS = 256;

/**
 * Visit each row of a pattern: the place of its first weight, and how many it has.
 * @param {number} n
 * @param {boolean} causal
 * @param {(query: number, at: number, width: number) => void} visit
 */
function eachRow(n, causal, visit) {
  for (let query = 0, at = 0; query < n; query++) {
    const width = causal ? query + 1 : n;
    visit(query, at, width);
    at += width;
  }
}

/**
 * @param {Float32Array} pattern
 * @param {number} n
 * @param {boolean} causal
 * @returns {Spread}
 */
export function spreadOf(pattern, n, causal) {
  let [entropy, distance, previous, first] = [0, 0, 0, 0];
  eachRow(n, causal, (query, at, width) => {
    for (let key = 0; key < width; key++) {
      const p = pattern[at + key];
      if (p <= 0) continue;
      entropy -= p * Math.log(p);
      distance += p * Math.abs(query - key);
    }
    if (query === 0) return;
    previous += pattern[at + query - 1];
    first += pattern[at];
  });
  const later = Math.max(n - 1, 1);
  return { entropy: entropy / n, distance: distance / n, previous: previous / later, first: first / later };
}

/**
 * Attention rollout (Abnar and Zuidema 2020, equation 1): `rollout ← (½·A + ½·I)·rollout`, where A is the mean over the heads of
 * a layer. Rows are as long as those of patterns; null for a long text.
 * @param {Reading} reading
 * @returns {Float32Array | null}
 */
export function rolloutOf(reading) {
  const { config: { n_layers, n_heads, causal } } = reading.model;
  const n = reading.tokens.length;
  if (n > ROLLOUT_TOKENS) return null;
  let rollout = new Float32Array(n * n);
  for (let i = 0; i < n; i++) rollout[i * n + i] = 1;
  for (let layer = 0; layer < n_layers; layer++) {
    const patterns = Array.from({ length: n_heads }, (_, head) => reading.pattern(layer, head));
    const before = rollout;
    rollout = new Float32Array(n * n);
    eachRow(n, causal, (query, at, width) => {
      const row = rollout.subarray(query * n, query * n + width);
      for (let key = 0; key < width; key++) {
        let weight = 0;
        for (const pattern of patterns) weight += pattern[at + key];
        weight = 0.5 * weight / n_heads + (key === query ? 0.5 : 0);
        if (weight === 0) continue;
        for (let i = 0, from = key * n; i < width; i++) row[i] += weight * before[from + i];
      }
    });
  }
  const rows = new Float32Array(causal ? n * (n + 1) / 2 : n * n);
  eachRow(n, causal, (query, at, width) => rows.set(rollout.subarray(query * n, query * n + width), at));
  return rows;
}
