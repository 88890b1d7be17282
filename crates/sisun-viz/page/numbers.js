// Numbers as a reader takes them in.

import { language } from "./words.js";

/**
 * A number with `decimals` decimals and a proper minus sign; a model that has diverged has numbers that are none.
 * @param {number} value
 * @param {number} decimals
 * @returns {string}
 */
export function written(value, decimals = 4) {
  if (value === -Infinity) return "−∞";
  return Number.isFinite(value) ? value.toFixed(decimals).replace(/^-/, "−") : "–";
}

/**
 * A probability in per cent.
 * @param {number} p
 * @returns {string}
 */
export function percent(p) {
  if (!Number.isFinite(p)) return "–";
  if (p > 0 && p < 0.00005) return "<0.01%";
  return `${(100 * p).toFixed(p === 0 ? 0 : p < 0.0995 ? 2 : 1)}%`;
}

/**
 * A count with its thousands apart.
 * @param {number} n
 * @returns {string}
 */
export const counted = (n) => n.toLocaleString(language());
