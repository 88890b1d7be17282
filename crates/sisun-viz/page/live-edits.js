// The reader's changes to the model, and how they are spelled in the address.

/** @import { LiveConfig } from "./types.js" */

/** A head's output is replaced by zero or by its mean over the page's text. @typedef {"zero" | "mean"} Ablation */
/** A weight of a pattern that is set, while the rest of its row is scaled so that it sums to 1. @typedef {{ layer: number, head: number, query: number, key: number, weight: number }} CellEdit */
/** @typedef {{ ablated: Record<string, Ablation>, cells: CellEdit[] }} Edits Ablated heads by "layer.head". */

/** @type {Edits} */
export const UNTOUCHED = { ablated: {}, cells: [] };

/**
 * Ablated heads from "0.1:zero,2.3:mean"; what this model does not have is left out.
 * @param {string} text
 * @param {LiveConfig} config
 * @returns {Record<string, Ablation>}
 */
export function readAblated(text, { n_layers, n_heads }) {
  /** @type {Record<string, Ablation>} */
  const ablated = {};
  for (const part of text.split(",")) {
    const [, layer, head, how] = /^(\d+)\.(\d+):(zero|mean)$/.exec(part) ?? [];
    if (Number(layer) < n_layers && Number(head) < n_heads) ablated[`${Number(layer)}.${Number(head)}`] = how === "mean" ? "mean" : "zero";
  }
  return ablated;
}

/** @param {Record<string, Ablation>} ablated */
export const spellAblated = (ablated) => Object.entries(ablated).map(([head, how]) => `${head}:${how}`).join(",");

/**
 * Weights that are set, from "layer.head.query.key:weight,…".
 * @param {string} text
 * @param {LiveConfig} config
 * @returns {CellEdit[]}
 */
export function readCells(text, { n_layers, n_heads, max_tokens, causal }) {
  return text.split(",").flatMap((part) => {
    const found = /^(\d+)\.(\d+)\.(\d+)\.(\d+):(0|1|0?\.\d+)$/.exec(part);
    if (!found) return [];
    const [layer, head, query, key, weight] = found.slice(1).map(Number);
    const exists = layer < n_layers && head < n_heads && query < max_tokens && key < max_tokens && (!causal || key <= query);
    return exists ? [{ layer, head, query, key, weight }] : [];
  });
}

/** @param {CellEdit[]} cells */
export const spellCells = (cells) => cells.map(({ layer, head, query, key, weight }) => `${layer}.${head}.${query}.${key}:${weight}`).join(",");

/**
 * The same edits without those of tokens that are not there.
 * @param {Edits} edits
 * @param {number} tokens
 * @returns {Edits}
 */
export function within({ ablated, cells }, tokens) {
  return { ablated, cells: cells.filter(({ query, key }) => query < tokens && key < tokens) };
}

/**
 * The first row that two sets of edits compute differently; infinity if they are the same.
 * @param {Edits} a
 * @param {Edits} b
 */
export function firstDifference(a, b) {
  const names = [...new Set([...Object.keys(a.ablated), ...Object.keys(b.ablated)])];
  if (names.some((name) => a.ablated[name] !== b.ablated[name])) return 0;
  const spelled = (/** @type {CellEdit} */ cell) => JSON.stringify([cell.layer, cell.head, cell.query, cell.key, cell.weight]);
  const [ofA, ofB] = [new Set(a.cells.map(spelled)), new Set(b.cells.map(spelled))];
  const changed = [...a.cells.filter((cell) => !ofB.has(spelled(cell))), ...b.cells.filter((cell) => !ofA.has(spelled(cell)))];
  return Math.min(Infinity, ...changed.map((cell) => cell.query));
}
