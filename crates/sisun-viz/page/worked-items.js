// Steps as a list on the page: title, shapes, sentences, and what is shown below.

import { make } from "./elements.js";

/** @import { WorkedStep } from "./worked-list.js" */

/**
 * @param {WorkedStep[]} steps
 * @param {(id: string) => HTMLElement[]} below what is shown below the sentences of a step
 */
export function stepList(steps, below) {
  // A shape is not broken at the end of a line.
  const whole = (/** @type {string} */ shape) => shape.replace(/\((\d+) × (\d+)\)/g, "($1\u00a0×\u00a0$2)");
  return make("ol", { className: "steps" }, ...steps.map(({ id, title, operation, shape, sentences }) => make("li", { data: { step: id } },
    make("h3", { textContent: title }), make("p", { className: "formula", textContent: `${operation}: ${whole(shape)}` }),
    ...sentences.map((textContent) => make("p", { className: "said", textContent })), ...below(id))));
}
