// What the computation of one query is like: flags and values for the words of its steps.

import { shown } from "./labels.js";
import { percent } from "./numbers.js";
import { word } from "./worked-list.js";

/** @import { Context } from "./worked-list.js" */
/** @import { Steps } from "./worked-steps.js" */
/** @import { Language } from "./types.js" */
/** @import { View } from "./view.js" */
/** @import { Walk } from "./walk.js" */

/**
 * Format a number; zero has no sign.
 * @param {number} x
 * @param {number} decimals
 * @returns {string}
 */
export function fixed(x, decimals) {
  const text = x.toFixed(decimals);
  return /[1-9]/.test(text) ? text : text.replace("-", "");
}

/**
 * Return the flags and values of one query of one head.
 * @param {{ view: View, layer: number, head: number, query: number, steps: Steps, walk: Walk | null }} given
 * @param {Language} language
 * @returns {Context}
 */
export function contextOf({ view, layer, head, query, steps, walk }, language) {
  const { walk: { context, rotation, edits }, d_head: d, scale } = view;
  const flags = new Set([...context.flags, "page", "model", "products"]);
  const put = (/** @type {string} */ flag, /** @type {boolean} */ on) => { if (on) flags.add(flag); };
  const { edited } = steps;
  put("deeper", layer > 0);
  put("masked", steps.keys.some((key) => key.hidden));
  put("bias", steps.biased);
  put("edited-qkv", ["q", "k", "v"].some((name) => edited.includes(name)));
  for (const name of ["scores", "pattern", "z", "logits"]) put(`edited-${name}`, edited.includes(name));
  put("absent", !walk);
  put("absent-next", !walk);
  put("without", walk !== null && walk.without !== null);
  const each = Number(context.values.H) / Number(context.values.kvs);
  const kv = Math.floor(head / each);
  const here = walk?.points.find(({ part }) => part === `attn_out ${layer}`);
  const token = shown(view.tokens[query].text);
  /** @type {Record<string, string>} */
  const values = {
    ...context.values, ...names(flags, layer), ...division(flags, scale !== 1 || d === 1, d, Math.sqrt(d), language),
    n: String(steps.keys.length), d: String(d), dv: String(d), layer: String(layer), head: String(head), query: token, place: String(query),
    id: String(view.tokens[query].id), first: String(kv * each), last: String((kv + 1) * each - 1), kv: String(kv),
    edits: edits?.written.join("; ") ?? word("edited-here", {}, language), top: fixed(steps.most, 3), absent: word("absent", {}, language),
    next: walk ? shown(walk.next) : "", without: percent(walk?.without ?? NaN), with: percent(here?.probability ?? NaN),
  };
  if (steps.slope !== null) values.slope = fixed(steps.slope, 4);
  if (rotation) Object.assign(values, turning(flags, rotation.radians, d, query));
  return { flags: [...flags], values };
}

/**
 * Names of the vectors, which depend on the layer and the variant.
 * @param {Set<string>} flags
 * @param {number} layer
 */
function names(flags, layer) {
  const x = flags.has("added") ? "x̃" : "x";
  const h = layer > 0 ? "h" : x;
  const [norm, end] = flags.has("prenorm") ? ["", ""] : ["norm(", ")"];
  const added = (/** @type {string} */ to, /** @type {string} */ what) => `${norm}${flags.has("residual") ? `${to} + ` : ""}${what}${end}`;
  const sum = added(h, "ΔE");
  return { x, h, input: flags.has("prenorm") ? "x̂" : h, sum, "ffn-sum": flags.has("parallel") ? `${sum} + f` : added("h′", "f") };
}

/**
 * How the scores are divided, by √d or by a given divisor.
 * @param {Set<string>} flags
 * @param {boolean} divides
 * @param {number} d
 * @param {number} divisor
 * @param {Language} language
 * @returns {Record<string, string>}
 */
export function division(flags, divides, d, divisor, language) {
  const isRoot = divisor === Math.sqrt(d);
  if (divides && isRoot) flags.add("scaled");
  if (!divides) flags.add("unscaled");
  if (divides && !isRoot) flags.add("own-divisor");
  const root = fixed(divisor, 3);
  const plain = isRoot || !divides;
  const result = divides ? "scaled-scores" : flags.has("model") ? "left-out" : "left-out-own";
  return { divided: plain ? "√d_head" : root, divisor: plain ? `√${d}` : root, root, scaled: word(result, {}, language) };
}

/**
 * @param {Set<string>} flags
 * @param {number[]} radians
 * @param {number} d
 * @param {number} query
 */
function turning(flags, radians, d, query) {
  const half = radians.length;
  if (2 * half < d) flags.add("partial");
  const theta = radians[0] ?? 0;
  return { half: String(half), half2: String(half + 1), rotary: String(2 * half), theta: fixed(theta, 4), angle: fixed(theta * query, 4) };
}
