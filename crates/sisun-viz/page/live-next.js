// The tokens that may come next: their probabilities, what the sampler removes, and writing on.

import { find, make } from "./elements.js";
import { quoted, shown } from "./labels.js";
import { draw, nextTokens, probabilitiesOf } from "./live-sampling.js";
import { counted, percent, signed } from "./numbers.js";
import { say } from "./words.js";

/** @import { Live } from "./live-app.js" */
/** @import { Next, NextToken, SamplerChoices } from "./live-sampling.js" */

/** Number of tokens that are listed. */
const LISTED = 10;
/** Number of tokens that are written at a time. */
const WRITTEN = 40;

export class NextTokens {
  /** @type {Next | null} */
  #next = null;
  /** Whether tokens are being written. */
  #writing = false;

  /** @param {Live} live */
  constructor(live) {
    this.live = live;
    this.host = find("next");
    for (const id of ["temperature", "top-k", "top-p"]) {
      find(id).addEventListener("input", () => {
        const { temperature, top_k, top_p } = this.sampler;
        live.app.state.set({ sampler: [temperature, top_k, top_p].join() });
      });
    }
    live.app.state.listen((changed) => { if (changed.has("sampler")) this.#fill(); });
    this.#fill();
    find("draw").addEventListener("click", () => this.#append());
    find("write-on").addEventListener("click", () => this.#write());
    find("undo").addEventListener("click", () => live.removeLast());
  }

  /** The reader's settings; what is no number counts as its default. @returns {SamplerChoices} */
  get sampler() {
    const number = (/** @type {string} */ id, /** @type {number} */ least, /** @type {number} */ most, /** @type {number} */ otherwise) => {
      const value = find(id, HTMLInputElement).valueAsNumber;
      return Number.isFinite(value) ? Math.min(Math.max(value, least), most) : otherwise;
    };
    return { temperature: number("temperature", 0, 100, 1), top_k: Math.round(number("top-k", 0, 1e9, 0)), top_p: number("top-p", 0.0001, 1, 1) };
  }

  /** Show the sampler of the address. */
  #fill() {
    const values = this.live.app.state.sampler.split(",");
    ["temperature", "top-k", "top-p"].forEach((id, i) => {
      const input = find(id, HTMLInputElement);
      if (document.activeElement !== input) input.value = values[i];
    });
    this.show();
  }

  show() {
    const { live, sampler } = this;
    if (!live.shown) return;
    const { untouched, edited, now, second } = live.shown;
    this.#next = nextTokens(now.pass.logits, sampler, LISTED);
    const before = edited && probabilitiesOf(untouched.pass.logits);
    const after = second && probabilitiesOf(second.pass.logits);
    find("next-second").hidden = !after;
    const plain = sampler.temperature === 1 && this.#next.left.top_p === this.#next.left.vocabulary;
    this.host.replaceChildren(...this.#next.listed.map((token) => this.#row(token, before?.[token.id] ?? null, after?.[token.id] ?? null, plain)));
    this.#showStages(this.#next.left, sampler);
    find("write-on").textContent = say(this.#writing ? "stop" : "write-on");
  }

  /**
   * @param {NextToken} token
   * @param {number | null} before its probability in the untouched model
   * @param {number | null} after its probability after the second sentence
   * @param {boolean} plain true if the sampler changes nothing
   */
  #row({ id, probability, removed, drawn }, before, after, plain) {
    const label = shown(this.live.tokenizer.label(id));
    const bar = make("span", { className: "fill" });
    bar.style.width = `${100 * probability}%`;
    const parts = [bar, make("bdi", { textContent: label }), make("span", { className: "value", textContent: percent(probability) })];
    if (before !== null) {
      const title = say("change-title", percent(before));
      parts.push(make("span", { className: "change", title, textContent: say("points", signed(100 * (probability - before), 2)) }));
    }
    if (after !== null) parts.push(make("span", { className: "value second", data: { second: after }, textContent: percent(after) }));
    if (!plain) parts.push(make("span", { className: "value drawn", textContent: removed ? say(`removed-${removed}`) : percent(drawn) }));
    const button = make("button", { className: removed ? "removed" : "", data: { token: id, probability, drawn }, title: say("append", quoted(label)) }, ...parts);
    button.addEventListener("click", () => this.live.append(id));
    return make("li", {}, button);
  }

  /**
   * @param {Next["left"]} left
   * @param {SamplerChoices} sampler
   */
  #showStages({ vocabulary, top_k, top_p }, sampler) {
    const stage = (/** @type {string} */ name, /** @type {number} */ count) => make("li", {}, `${name} `, make("b", { textContent: counted(count) }));
    const stages = [stage(say("stage-vocabulary"), vocabulary)];
    if (sampler.temperature === 0) stages.push(stage(say("stage-greedy"), top_k));
    else if (sampler.top_k > 0) stages.push(stage("top-k", top_k));
    if (sampler.top_p < 1) stages.push(stage("top-p", top_p));
    const list = find("next-stages");
    list.replaceChildren(...stages);
    list.hidden = stages.length === 1;
  }

  /** Draw a token and append it. */
  #append() {
    return this.#next !== null && this.live.append(draw(this.#next.open, Math.random()));
  }

  /** Write tokens one after another, each from the text with those before it, until there is no room or the reader stops. */
  async #write() {
    if (this.#writing) {
      this.#writing = false;
      return;
    }
    this.#writing = true;
    for (let i = 0; i < WRITTEN && this.#writing && this.#append(); i++) await this.live.settled();
    this.#writing = false;
    this.show();
  }
}
