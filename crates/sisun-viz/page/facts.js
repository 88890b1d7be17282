// What a model is, in a few words each.

import { hasWords, say } from "./words.js";

/**
 * What a model is, in a few words each.
 * @param {import("./view.js").View} view
 * @returns {string[]}
 */
export function modelFacts(view) {
  const position = `position-${view.position}`;
  return [
    view.layers.length === 1 ? say("one-layer") : say("layers", view.layers.length),
    view.heads.length === 1 ? say("one-head") : say("heads", view.heads.length),
    say("dimensions", view.d_head),
    hasWords(position) ? say(position) : view.position,
    ...(view.causal ? [] : [say("not-causal")]),
    // Not known of a model that others trained.
    ...(view.step === null ? [] : [say("step", view.step.toLocaleString("en"))]),
    say("tokens", view.tokens.length.toLocaleString("en")),
  ];
}
