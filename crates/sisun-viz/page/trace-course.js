// Entropy and surprise of each token, as two curves above the slider, aligned with it.

import { find, make } from "./elements.js";
import { written } from "./numbers.js";
import { say } from "./words.js";

/** @import { TraceApp } from "./trace-app.js" */

const TALL = 64;

/** Half of the slider's thumb: the centre of the thumb stays this far from the edge. */
const EDGE = 8;

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 */
const svg = (name, attributes) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
};

/**
 * Return the largest of 1, 2, 5, 10, 20 … that is at most `most`, which is at least 1.
 * @param {number} most
 */
function gridLine(most) {
  const decade = 10 ** Math.floor(Math.log10(most));
  return decade * ([5, 2].find((step) => step * decade <= most) ?? 1);
}

export class Course {
  #width = 0;
  /** The current step. */
  #step = 0;
  /** @type {Element | null} Null until there is room to draw. */
  #cursor = null;

  /** @param {TraceApp} app */
  constructor(app) {
    this.app = app;
    const { steps } = app.trace;
    this.host = find("course");
    this.legend = find("course-legend");
    this.lines = { entropy: steps.map(({ entropy }) => entropy), surprise: steps.map(({ logprob }) => -logprob) };
    this.most = Math.max(1, ...Object.values(this.lines).flat().filter(Number.isFinite));
    const go = (/** @type {MouseEvent} */ event) => {
      if (event.buttons !== 1 && event.type !== "click") return;
      const box = this.host.getBoundingClientRect();
      const share = (event.clientX - box.left - EDGE) / Math.max(box.width - 2 * EDGE, 1);
      app.choose({ step: Math.round(Math.min(Math.max(share, 0), 1) * (steps.length - 1)) });
    };
    this.host.addEventListener("click", go);
    this.host.addEventListener("pointermove", go);
    new ResizeObserver(() => this.#draw()).observe(this.host);
  }

  /** @param {number} step */
  #x(step) {
    const last = this.app.trace.steps.length - 1;
    return EDGE + (last > 0 ? step / last : 0) * (this.#width - 2 * EDGE);
  }

  /** @param {number} value */
  #y(value) {
    return TALL - 4 - value / this.most * (TALL - 10);
  }

  #draw() {
    this.#width = this.host.clientWidth;
    if (!this.#width) return;
    const picture = svg("svg", { width: this.#width, height: TALL, role: "img", "aria-label": say("course") });
    picture.append(svg("line", { class: "axis", x1: EDGE, x2: this.#width - EDGE, y1: this.#y(0), y2: this.#y(0) }));
    const line = gridLine(this.most);
    const label = svg("text", { x: this.#width - EDGE, y: this.#y(line) + 4 });
    label.textContent = say("nats", line);
    picture.append(svg("line", { class: "axis", x1: EDGE, x2: this.#width - EDGE, y1: this.#y(line), y2: this.#y(line) }));
    for (const [name, values] of Object.entries(this.lines)) {
      // A value that is not finite leaves a gap.
      let pen = "M";
      const d = values.map((value, step) => {
        if (!Number.isFinite(value)) {
          pen = "M";
          return "";
        }
        const at = `${pen}${this.#x(step).toFixed(1)} ${this.#y(value).toFixed(1)}`;
        pen = "L";
        return at;
      });
      picture.append(svg("path", { class: name, d: d.join("") }));
    }
    const cursor = svg("g", { class: "cursor" });
    picture.append(cursor, label);
    this.#cursor = cursor;
    this.host.replaceChildren(picture);
    this.show(this.#step);
  }

  /** @param {number} step */
  show(step) {
    this.#step = step;
    const { entropy, logprob } = this.app.trace.steps[step];
    const item = (/** @type {string} */ name, /** @type {string} */ text, /** @type {string} */ title) => make("span", { className: name, textContent: text, title });
    this.legend.replaceChildren(item("entropy", say("entropy", written(entropy, 3)), say("entropy-title", written(Math.exp(entropy), 1))),
      item("surprise", say("logprob", written(logprob, 3)), say("logprob-title")));
    if (!this.#cursor) return;
    const x = this.#x(step);
    const dots = Object.entries(this.lines).filter(([, values]) => Number.isFinite(values[step]))
      .map(([name, values]) => svg("circle", { class: name, cx: x, cy: this.#y(values[step]), r: 3.5 }));
    this.#cursor.replaceChildren(svg("line", { x1: x, x2: x, y1: 0, y2: TALL }), ...dots);
  }

  translate() {
    this.#draw();
  }
}
