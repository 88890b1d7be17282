// What a head is called, and what it does most of the time.

import { say } from "./words.js";

/** @import { Habit, HeadStats, Layer } from "./types.js" */

/**
 * Layer and head of "1.2".
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
 * What a head does most of the time, if anything, by its statistics.
 * @param {HeadStats | null} stats
 * @param {Record<Habit, number | null>} chance
 * @returns {Habit | null}
 */
export function habitOf(stats, chance) {
  const strongest = HABITS.reduce((best, name) => ((stats?.[name] ?? 0) > (stats?.[best] ?? 0) ? name : best), HABITS[0]);
  const [share, even] = [stats?.[strongest] ?? 0, chance[strongest] ?? 0];
  // In a short text an even look gives much to each token. As `Chance::is_beaten` has it.
  return share >= Math.max(0.5, 2 * even, even + 0.1) ? strongest : null;
}
