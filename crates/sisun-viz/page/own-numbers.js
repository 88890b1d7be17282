// Attention computed from matrices that a reader gives, and a note's numbers compared with the right ones.

import { shown } from "./labels.js";
import { matricesOf, OwnTrouble } from "./own-check.js";
import { division, fixed } from "./worked-context.js";
import { word } from "./worked-list.js";
import { attendRow } from "./worked-steps.js";

/** @import { Language, OwnGiven } from "./types.js" */
/** @import { Context } from "./worked-list.js" */

/** A printed number that is not the right one, rounded. @typedef {{ step: string, table: string, row: number, column: number, printed: string, right: number }} Deviation */
/** @typedef {ReturnType<typeof explainOwn>} OwnFound */

/**
 * Compute softmax(Q·Kᵀ/√d)·V of given matrices, row by row.
 * @param {OwnGiven} given
 */
export function explainOwn(given) {
  const [q, k, v] = matricesOf(given);
  const n = q.length;
  const tokens = given.tokens ?? q.map((_, i) => String(i));
  if (tokens.length !== n) throw new OwnTrouble("own-labels", tokens.length, n);
  const query = queryOf(given.query, tokens);
  const divisor = divisorOf(given.scale, q[0].length);
  const rows = q.map((row, i) => attendRow(row, k.map((key, j) => ({ k: key, v: v[j] })), { scale: 1 / divisor, hidden: (key) => given.mask && key > i }));
  const finite = rows.every(({ keys, z }) => keys.every((key) => Number.isFinite(key.dot) && Number.isFinite(key.scaled)) && z.every(Number.isFinite));
  if (!finite || ![q, k, v].flat(2).every(Number.isFinite)) throw new OwnTrouble("own-overflow");
  return { given, tokens, query, divisor, q, k, v, rows, deviations: deviationsOf(given.printed ?? {}, { q, k, v, rows, query }) };
}

/**
 * @param {number | string | undefined} query
 * @param {string[]} tokens
 */
function queryOf(query, tokens) {
  if (query === undefined) return tokens.length - 1;
  const found = typeof query === "number" ? query : tokens.indexOf(query);
  if (!(found in tokens)) throw new OwnTrouble("own-no-query", query);
  if (typeof query === "string" && tokens.lastIndexOf(query) !== found) throw new OwnTrouble("own-queries", query);
  return found;
}

/**
 * @param {boolean | number} scale
 * @param {number} d
 */
function divisorOf(scale, d) {
  if (scale === true) return Math.sqrt(d);
  if (scale === false) return 1;
  if (!(scale > 0 && scale <= 1e100)) throw new OwnTrouble("own-divisor", scale);
  return scale;
}

/**
 * Return the printed numbers that are wrong, table by table.
 * @param {Record<string, string[]>} printed
 * @param {{ q: number[][], k: number[][], v: number[][], rows: ReturnType<typeof attendRow>[], query: number }} found
 * @returns {Deviation[]}
 */
function deviationsOf(printed, { q, k, v, rows, query }) {
  const of = (/** @type {(key: ReturnType<typeof attendRow>["keys"][number]) => number} */ number) => rows.map((row) => row.keys.map(number));
  const exp = of((key) => Math.exp(key.masked));
  /** @type {[step: string, table: string, right: ArrayLike<number>[]][]} */
  const tables = [
    ["qkv", "Q", q], ["qkv", "K", k], ["qkv", "V", v], ["similarity", "scores", of((key) => key.dot)], ["scale", "scaled", of((key) => key.scaled)],
    ["softmax", "exp", exp], ["softmax", "sum", exp.map((row) => [row.reduce((sum, x) => sum + x, 0)])],
    ["softmax", "weights", of((key) => key.weight)], ["weighted-sum", "z", rows.map((row) => row.z)],
  ];
  return tables.flatMap(([step, table, right]) => {
    const given = printed[table] ?? [];
    const first = given.length === 1 ? query : 0;
    if (given.length > 1 && given.length !== right.length) throw new OwnTrouble("own-printed", table);
    return given.flatMap((text, i) => {
      const row = first + i;
      const numbers = text.trim().split(/\s+/);
      if (numbers.length !== right[row].length || numbers.some((number) => number.length > 30)) throw new OwnTrouble("own-printed", table);
      return numbers.flatMap((number, column) => {
        const value = right[row][column];
        return Math.abs(Number(number) - value) <= 0.5 * 10 ** -decimals(number) + 1e-12 ? [] : [{ step, table, row, column, printed: number, right: value }];
      });
    });
  });
}

/** Number of decimals of a printed number. @param {string} number */
const decimals = (number) => number.split(".")[1]?.length ?? 0;

/**
 * The right number with as many decimals as the note prints, and one more if that is the printed number.
 * @param {Deviation} deviation
 */
export function corrected({ printed, right }) {
  const text = right.toFixed(decimals(printed));
  return text === printed ? right.toFixed(decimals(printed) + 1) : text;
}

/**
 * Return the flags and values of the steps of given matrices.
 * @param {OwnFound} found
 * @param {Language} language
 * @returns {Context}
 */
export function ownContext({ given, tokens, query, divisor, q, v, rows }, language) {
  /** @type {Set<string>} */
  const flags = new Set();
  const [d, dv] = [q[0].length, v[0].length];
  if (given.X) flags.add("products");
  if (dv !== d) flags.add("own-widths");
  if (rows[query].keys.some((key) => key.hidden)) flags.add("masked");
  const values = {
    ...division(flags, given.scale !== false, d, divisor, language),
    n: String(tokens.length), d: String(d), dv: String(dv), D: String(given.X?.[0].length ?? 0), input: "X", query: shown(tokens[query]), top: fixed(rows[query].most, 3),
  };
  return { flags: [...flags], values };
}

/**
 * Return what a note prints wrong, and remarks on it, as sentences by the name of the step; the numbers of other rows than
 * the query's are counted.
 * @param {OwnFound} found
 * @param {Language} language
 * @returns {Record<string, string[]>}
 */
export function printedSentences(found, language) {
  const { given, tokens, query, deviations } = found;
  /** @type {Record<string, string[]>} */
  const sentences = {};
  /** @type {Record<string, number>} */
  const others = {};
  const add = (/** @type {string} */ step, /** @type {string} */ text) => (sentences[step] ??= []).push(text);
  if (given.printed?.exp?.length) add("softmax", word("printed-exp", {}, language));
  /** @type {Record<string, string>} */
  const names = { Q: "q", K: "k", V: "v", scores: "q · Kᵀ", scaled: "q · Kᵀ ÷ √d", weights: "softmax" };
  /** @type {Map<string, Deviation[]>} */
  const rows = new Map();
  for (const wrong of deviations) {
    const { step, table, row } = wrong;
    if (row !== query && table !== "sum") others[step] = (others[step] ?? 0) + 1;
    else rows.set(table, [...rows.get(table) ?? [], wrong]);
  }
  for (const [table, row] of rows) {
    const list = (/** @type {string[]} */ texts) => (texts.length > 1 ? `[${texts.join(", ")}]` : texts[0]);
    const values = {
      table: names[table] ?? table, token: shown(tokens[row[0].row]), number: row.map(({ column }) => column + 1).join(", "),
      printed: list(row.map(({ printed }) => printed)), right: list(row.map(corrected)),
    };
    add(row[0].step, word(table === "sum" ? "printed-sum" : "printed", values, language));
  }
  for (const [step, count] of Object.entries(others)) add(step, word("printed-more", { count: String(count) }, language));
  for (const remark of given.remarks ?? []) add(remark.step, remark[language]);
  return sentences;
}

/**
 * Return the matrices as TOML, for `sisun explain --matrices`.
 * @param {OwnGiven} given
 */
export function asToml(given) {
  const { title, tokens, query, mask, scale } = given;
  const lines = [];
  if (title) lines.push(`title = ${JSON.stringify(title)}`);
  if (tokens) lines.push(`tokens = ${JSON.stringify(tokens)}`);
  if (query !== undefined) lines.push(`query = ${JSON.stringify(query)}`);
  lines.push(`mask = ${mask}`, `scale = ${scale}`);
  for (const name of /** @type {const} */ (["X", "W_Q", "W_K", "W_V", "Q", "K", "V"])) {
    const rows = given[name];
    if (rows) lines.push(`${name} = [`, ...rows.map((row) => `  [${row.join(", ")}],`), "]");
  }
  return `${lines.join("\n")}\n`;
}
