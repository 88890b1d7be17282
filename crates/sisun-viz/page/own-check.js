// Checking matrices that a reader gives: the same rules as the program's.

/** @import { OwnGiven } from "./types.js" */

/** Largest number of rows and of columns. */
export const MOST = 64;
/** Largest magnitude of a number. */
const LARGEST = 1e100;

/** The names of matrices. */
export const PRODUCTS = /** @type {const} */ (["X", "W_Q", "W_K", "W_V"]);
export const DIRECT = /** @type {const} */ (["Q", "K", "V"]);

/** What is wrong with given matrices: the name of a sentence, and its values. */
export class OwnTrouble extends Error {
  /**
   * @param {string} name
   * @param {...(string | number)} values
   */
  constructor(name, ...values) {
    super(`${name} ${values.join(" ")}`);
    this.sentence = name;
    this.values = values;
  }
}

/**
 * Return Q, K and V of given matrices.
 * @param {OwnGiven} given
 * @returns {[number[][], number[][], number[][]]}
 */
export function matricesOf(given) {
  const some = PRODUCTS.filter((name) => given[name]);
  const others = DIRECT.filter((name) => given[name]);
  if (some.length && others.length) throw new OwnTrouble("own-both", [...some, ...others].join(", "));
  for (const name of [...some, ...others]) checkMatrix(name, given[name] ?? []);
  const names = some.length ? PRODUCTS : DIRECT;
  const missing = names.filter((name) => !given[name]);
  if (missing.length) throw new OwnTrouble("own-missing", missing.join(", "));
  const get = (/** @type {typeof PRODUCTS[number] | typeof DIRECT[number]} */ name) => given[name] ?? [];
  const [q, k, v] = some.length ? /** @type {const} */ (["W_Q", "W_K", "W_V"]).map((name) => product(get("X"), name, get(name))) : DIRECT.map(get);
  const [left, right] = some.length ? /** @type {const} */ (["W_Q", "W_K"]) : /** @type {const} */ (["Q", "K"]);
  if (q[0].length !== k[0].length) throw new OwnTrouble("own-columns", left, get(left)[0].length, right, get(right)[0].length);
  for (const [name, rows] of /** @type {const} */ ([["K", k], ["V", v]])) {
    if (rows.length !== q.length) throw new OwnTrouble("own-rows", "Q", q.length, name, rows.length);
  }
  return [q, k, v];
}

/**
 * @param {string} name
 * @param {number[][]} rows
 */
function checkMatrix(name, rows) {
  const width = rows[0]?.length ?? 0;
  if (width === 0) throw new OwnTrouble("own-empty", name);
  const ragged = rows.findIndex((row) => row.length !== width);
  if (ragged >= 0) throw new OwnTrouble("own-ragged", name, ragged, rows[ragged].length, width);
  if (rows.length > MOST || width > MOST) throw new OwnTrouble("own-large", name, rows.length, width, MOST);
  rows.forEach((row, i) => row.forEach((value, j) => {
    if (!(Math.abs(value) <= LARGEST)) throw new OwnTrouble("own-number", name, i, j);
  }));
}

/**
 * X · W.
 * @param {number[][]} x
 * @param {string} name
 * @param {number[][]} w
 */
function product(x, name, w) {
  if (x[0].length !== w.length) throw new OwnTrouble("own-product", x[0].length, name, w.length);
  return x.map((row) => w[0].map((_, j) => row.reduce((sum, value, i) => sum + value * w[i][j], 0)));
}
