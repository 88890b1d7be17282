// Short facts about a trace: the model and its settings, and the legend of the colours.

import { make } from "./elements.js";
import { counted } from "./numbers.js";
import { say } from "./words.js";

/** @import { Sampler, TracePageData } from "./types.js" */

/**
 * "4 layers × 4 heads"
 * @param {{ layers: number, heads: number }} model
 * @returns {string}
 */
export const shapeOf = ({ layers, heads }) => `${say(layers === 1 ? "one-layer" : "layers", layers)} × ${say(heads === 1 ? "one-head" : "heads", heads)}`;

/**
 * Return facts about the model and the settings that have an effect.
 * @param {TracePageData} page
 * @param {string} seed
 * @returns {string[]}
 */
export function traceFacts(page, seed) {
  const { step, steps, prompt_tokens: read, sampler } = page.trace;
  /** @type {[name: keyof Sampler, idle: number][]} */
  const settings = [["top_k", 0], ["top_p", 1], ["min_p", 0], ["repetition_penalty", 1]];
  const drawn = sampler.temperature > 0;
  return [
    // Unknown for models trained elsewhere.
    ...(step === null ? [] : [say("fact-step", counted(step))]), ...(steps.length > 0 ? [shapeOf(page)] : []),
    say(steps.length === 1 ? "fact-one" : "fact-tokens", counted(steps.length), counted(read)),
    drawn ? say("fact-temperature", sampler.temperature) : say("fact-greedy"),
    ...settings.filter(([name, idle]) => sampler[name] !== idle && (drawn || name === "repetition_penalty")).map(([name]) => say(`fact-${name}`, sampler[name])),
    ...(drawn ? [say("fact-seed", seed)] : []),
  ];
}

/**
 * Draw a colour bar with ticks, [text, position from 0 to 1]; without `colour` the style sheet defines the colours.
 * @param {HTMLElement} legend
 * @param {[text: string, place: number][]} ticks
 * @param {(place: number) => string} [colour]
 */
export function showScale(legend, ticks, colour) {
  const bar = make("span", { className: "ramp" });
  if (colour) bar.style.background = `linear-gradient(to right, ${Array.from({ length: 17 }, (_, i) => colour(i / 16)).join(", ")})`;
  const marks = ticks.map(([text, at]) => {
    const mark = make("span", { className: "tick", textContent: text });
    mark.style.left = `${100 * at}%`;
    return mark;
  });
  legend.querySelector(".scale")?.replaceChildren(bar, ...marks);
}
