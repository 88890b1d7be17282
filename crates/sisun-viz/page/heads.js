// Names of heads, and their main behaviour.

import { say } from "./words.js";

/** @import { Habit, HeadStats, Layer } from "./types.js" */

/**
 * Parse layer and head of "1.2".
 * @param {string} name
 * @returns {[layer: Layer, head: number]}
 */
export function headOf(name) {
  const [layer, head] = name.split(".");
  return [layer === "rollout" ? layer : Number(layer), Number(head)];
}

/**
 * @param {Layer} layer
 * @param {number} head
 * @returns {string}
 */
export function headName(layer, head) {
  return layer === "rollout" ? say("rollout") : say("layer-head", layer, head);
}

/** @type {Habit[]} */
const HABITS = ["previous", "first", "induction", "same"];

/**
 * Return the main behaviour of a head according to its statistics, if there is one.
 * @param {HeadStats | null} stats
 * @param {Record<Habit, number | null>} chance
 * @returns {Habit | null}
 */
export function habitOf(stats, chance) {
  const strongest = HABITS.reduce((best, name) => ((stats?.[name] ?? 0) > (stats?.[best] ?? 0) ? name : best), HABITS[0]);
  const [share, even] = [stats?.[strongest] ?? 0, chance[strongest] ?? 0];
  // In a short text uniform attention gives each token much weight. Same rule as `Chance::is_beaten`.
  return share >= Math.max(0.5, 2 * even, even + 0.1) ? strongest : null;
}
