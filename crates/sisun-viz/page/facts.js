// Short facts about a model.

import { hasWords, say } from "./words.js";

/**
 * Return short facts about a model.
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
    // Unknown for models trained elsewhere.
    ...(view.step === null ? [] : [say("step", view.step.toLocaleString("en"))]),
    say("tokens", view.tokens.length.toLocaleString("en")),
  ];
}
