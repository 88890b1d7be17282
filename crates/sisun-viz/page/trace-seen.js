// The tokens visible to the model when it chose a token, in the colours of their weights.

import { hex, inkOn } from "./colour.js";
import { closest, find, keepInSight, make } from "./elements.js";
import { counted, written } from "./numbers.js";
import { layOut, tokenElement } from "./tokens.js";
import { say, sayHint, sayWith } from "./words.js";

/** @import { Colours } from "./colour.js" */
/** @import { TraceApp } from "./trace-app.js" */
/** @typedef {{ from: number, weights: Float64Array, error: number }} Seen The weights of the tokens from `from` on. */

/** The visible tokens, each on the colour of its weight, and a list of the strongest. */
export class SeenTokens {
  /** @param {TraceApp} app */
  constructor(app) {
    this.app = app;
    this.host = find("keys");
    this.readout = find("weight");
    this.list = find("strongest");
    /** @type {number | null} The token that is pointed at. */
    this.pointed = null;
    /** @type {Seen | null} Null until the weights have been decoded. */
    this.seen = null;
    this.elements = layOut(this.host, app.trace.tokens, (i) => make("span", { data: { key: i } }));
    this.looks = new Array(this.elements.length).fill("");
    this.parts = new Array(this.elements.length).fill("");
    this.host.addEventListener("pointerover", (event) => this.#point(closest(event, "[data-key]")));
    // Lifting a finger also triggers this event, but the reader still has to see the value.
    this.host.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this.#point(null));
    this.host.addEventListener("keydown", (event) => this.#key(event));
    this.host.addEventListener("blur", () => this.#point(null));
  }

  /**
   * @param {Seen} seen
   * @param {Colours} colours
   */
  show(seen, colours) {
    const { from, weights } = seen;
    this.seen = seen;
    const last = from + weights.length - 1;
    this.elements.forEach((element, i) => {
      const rgb = i >= from && i <= last ? colours.rgb(weights[i - from]) : null;
      const look = rgb ? hex(rgb) : "";
      if (this.looks[i] !== look) {
        this.looks[i] = look;
        element.style.backgroundColor = look;
        element.style.color = rgb ? inkOn(rgb) : "";
      }
      const part = i < from ? "unseen" : i < last ? "" : i === last ? "asks" : i === last + 1 ? "next" : "unread";
      if (this.parts[i] !== part) element.className = `token ${this.parts[i] = part}${i === this.pointed ? " pointed" : ""}`;
    });
    keepInSight(this.host, this.elements[last]);
    const strongest = [...weights.keys()].sort((a, b) => weights[b] - weights[a]).slice(0, 5);
    this.list.replaceChildren(...strongest.map((i) => {
      const line = make("span", { className: "fill" });
      line.style.setProperty("--p", String(weights[i]));
      return make("li", { data: { key: from + i, weight: weights[i] } }, line, this.#name(from + i), make("span", { className: "value", textContent: written(weights[i], 3) }));
    }));
    this.#read();
  }

  /** @param {number} key */
  #name(key) {
    return tokenElement(this.app.trace.tokens[key]);
  }

  /** @param {HTMLElement | null} element */
  #point(element) {
    const key = element ? Number(element.dataset.key) : null;
    if (key === this.pointed) return;
    if (this.pointed !== null) this.elements[this.pointed].classList.remove("pointed");
    this.pointed = key;
    if (key !== null) this.elements[key].classList.add("pointed");
    this.#read();
  }

  /** Show the weight of the token that is pointed at, and its error if it affects the displayed decimals. */
  #read() {
    const { pointed, readout } = this;
    const { from, weights, error } = this.seen ?? { from: 0, weights: [], error: 0 };
    const weight = pointed === null ? undefined : weights[pointed - from];
    if (pointed === null || weight === undefined) {
      readout.textContent = from === 0 ? sayHint("weight-hint") : say(from === 1 ? "unseen-one" : "unseen", counted(from));
      delete readout.dataset.key;
      delete readout.dataset.weight;
      return;
    }
    const doubt = error < 0.00005 ? "" : ` ± ${error.toExponential(1)}`;
    readout.replaceChildren(...sayWith("weight", this.#name(pointed), make("strong", { textContent: written(weight, 4) })), doubt);
    Object.assign(readout.dataset, { key: pointed, weight });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    /** @type {Record<string, number>} */
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -10, ArrowDown: 10 };
    const by = steps[event.key];
    if (!by || !this.seen || event.ctrlKey || event.metaKey || event.altKey) return;
    const { from, weights } = this.seen;
    const last = from + weights.length - 1;
    const next = Math.min(Math.max((this.pointed ?? last + 1) + by, from), last);
    this.#point(this.elements[next]);
    keepInSight(this.host, this.elements[next]);
    event.preventDefault();
    event.stopPropagation();
  }
}
