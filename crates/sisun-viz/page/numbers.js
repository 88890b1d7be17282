// Formatting of numbers.

import { language } from "./words.js";

/**
 * Format a number with `decimals` decimals and a typographic minus sign; the numbers of a diverged model may not be finite.
 * @param {number} value
 * @param {number} decimals
 * @returns {string}
 */
export function written(value, decimals = 4) {
  if (value === -Infinity) return "−∞";
  return Number.isFinite(value) ? value.toFixed(decimals).replace(/^-/, "−") : "–";
}

/**
 * Format a difference, with its sign.
 * @param {number} difference
 * @param {number} decimals
 * @returns {string}
 */
export function signed(difference, decimals = 4) {
  const text = written(difference, decimals);
  if (!/[1-9]/.test(text)) return `±${(0).toFixed(decimals)}`;
  return difference > 0 ? `+${text}` : text;
}

/**
 * Format a probability in per cent.
 * @param {number} p
 * @returns {string}
 */
export function percent(p) {
  if (!Number.isFinite(p)) return "–";
  if (p > 0 && p < 0.00005) return "<0.01%";
  return `${(100 * p).toFixed(p === 0 ? 0 : p < 0.0995 ? 2 : 1)}%`;
}

/**
 * Format a count with thousands separators.
 * @param {number} n
 * @returns {string}
 */
export const counted = (n) => n.toLocaleString(language());
