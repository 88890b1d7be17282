// The text that the model read, coloured by the attention of the current query.

import { hex, inkOn, share } from "./colour.js";
import { closest, make } from "./elements.js";
import { spelledOut } from "./labels.js";

/** @import { App } from "./app.js" */
/** @import { Matrix } from "./matrix.js" */
/** @import { Cell } from "./types.js" */
/** @import { Units } from "./units.js" */
/** @import { View } from "./view.js" */

/**
 * A part of the text with a single background.
 * @typedef {object} Span
 * @property {HTMLElement} span
 * @property {number} start its start in the text, in characters
 * @property {number} stop
 * @property {string} look its current background
 * @property {boolean} asks true if it belongs to the current query
 */

/** The sentence, each token coloured by the weight that the current query gives it. */
export class Sentence {
  /** @type {View | null} */
  #view = null;
  /** @type {Span[]} */
  #spans = [];
  /** Index of the span of each token. */
  #spanOf = new Int32Array();

  /**
   * @param {HTMLElement} host
   * @param {App} app
   */
  constructor(host, app) {
    this.host = host;
    this.app = app;
  }

  /**
   * Tokens that share a character (parts of a multi-byte one) form one span.
   * @param {View} view
   */
  #build(view) {
    this.#view = view;
    const characters = [...(view.text ?? this.app.page.text)];
    const slice = (/** @type {number} */ from, /** @type {number} */ to) => spelledOut(characters.slice(from, to).join(""));
    this.#spans = [];
    this.#spanOf = new Int32Array(view.tokens.length);
    let end = 0;
    /** @type {(Node | string)[]} */
    const nodes = [];
    view.tokens.forEach(({ start, end: stop }, token) => {
      const joined = this.#spans.length > 0 && start < end;
      if (!joined) {
        if (start > end) nodes.push(slice(end, start));
        const span = make("span", { data: { token } });
        this.#spans.push({ span, start, stop, look: "", asks: false });
        nodes.push(span);
      }
      const last = this.#spans[this.#spans.length - 1];
      last.stop = Math.max(last.stop, stop);
      end = Math.max(end, stop);
      this.#spanOf[token] = this.#spans.length - 1;
    });
    for (const { span, start, stop } of this.#spans) span.textContent = slice(start, stop);
    if (end < characters.length) nodes.push(slice(end, characters.length));
    this.host.replaceChildren(...nodes);
    this.host.onclick = (event) => {
      const { token } = closest(event, "[data-token]")?.dataset ?? {};
      if (token !== undefined) this.app.toggle(0, { query: this.app.units(view).of(Number(token)), key: null });
    };
  }

  /**
   * Scroll a long text to the query, without scrolling the page.
   * @param {HTMLElement | undefined} span
   */
  #follow(span) {
    const { host } = this;
    if (!span || host.scrollHeight <= host.clientHeight) return;
    if (span.offsetTop < host.scrollTop || span.offsetTop + span.offsetHeight > host.scrollTop + host.clientHeight) {
      host.scrollTop = span.offsetTop - host.clientHeight / 2;
    }
  }

  /**
   * @param {View} view
   * @param {Units} units
   * @param {Cell | null} cell
   * @param {Matrix | null} matrix
   */
  show(view, units, cell, matrix) {
    if (view.tokens !== this.#view?.tokens) this.#build(view);
    const { colours } = this.app;
    const query = matrix ? cell?.query ?? null : null;
    const weights = new Float64Array(this.#spans.length);
    if (matrix && query !== null) {
      for (let key = 0; key < units.n; key++) {
        const value = matrix.value(query, key);
        for (let token = units.first[key], last = -1; token < units.first[key + 1]; token++) {
          if (this.#spanOf[token] !== last) weights[this.#spanOf[token]] += value;
          last = this.#spanOf[token];
        }
      }
    }
    const asking = query === null ? [1, 0] : [this.#spanOf[units.first[query]], this.#spanOf[units.first[query + 1] - 1]];
    this.#spans.forEach((entry, i) => {
      // The light end of the map would look like a shadow without meaning.
      const rgb = share(weights[i], colours.scale) >= 0.04 ? colours.rgb(weights[i]) : null;
      const look = rgb ? hex(rgb) : "";
      if (entry.look !== look) {
        entry.look = look;
        entry.span.style.backgroundColor = look;
        entry.span.style.color = rgb ? inkOn(rgb) : "";
      }
      const asks = asking[0] <= i && i <= asking[1];
      if (entry.asks !== asks) {
        entry.asks = asks;
        entry.span.classList.toggle("asks", asks);
      }
    });
    // Not while pointing: the text would jump, and be laid out again for every cell.
    if (!this.app.pointed && query !== null) this.#follow(this.#spans[asking[0]]?.span);
  }
}
