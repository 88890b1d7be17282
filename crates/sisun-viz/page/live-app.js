// The page that computes: a typed text, the reader's changes to the model, and what follows from both.

import { takeBlock } from "./blocks.js";
import { find } from "./elements.js";
import { Accuracy } from "./live-accuracy.js";
import { Arriving } from "./live-arriving.js";
import { Client } from "./live-client.js";
import { readAblated, readCells, spellAblated, spellCells, UNTOUCHED, within } from "./live-edits.js";
import { Lens } from "./live-lens.js";
import { NextTokens } from "./live-next.js";
import { Surgery } from "./live-surgery.js";
import { Tokenizer, UnknownCharacters } from "./live-tokenizer.js";
import { viewOf } from "./live-view.js";
import { counted } from "./numbers.js";
import { report, tellTrouble } from "./trouble.js";
import { bytesOf, inflate } from "./unpack.js";
import { say } from "./words.js";

/** @import { App } from "./app.js" */
/** @import { Engine } from "./live-client.js" */
/** @import { Edits } from "./live-edits.js" */
/** @import { LayerAnswer, Loaded, ReadAnswer } from "./live-worker.js" */
/** @import { LiveModelData, Token, TokenizerData } from "./types.js" */

/** Longest text that is divided into tokens, in UTF-16 units; only its first tokens are computed anyway. */
const LONGEST_TEXT = 20000;

/** A text in tokens. @typedef {{ ids: number[], text: string, tokens: Token[], cut: boolean }} Laid */

export class Live {
  /** @type {Tokenizer | null} */
  #tokenizer = null;
  /** @type {Loaded | null} */
  #loaded = null;
  /** The texts that are underway, by turn. @type {Map<number, Laid>} */
  #underway = new Map();
  /** What is shown. @type {{ answer: ReadAnswer, laid: Laid } | null} */
  #shown = null;
  /** The tokens to show: those of the typed text, and those appended to it. @type {number[]} */
  #ids = [];
  /** Characters of the typed text that the model does not know. @type {string[]} */
  #unknown = [];
  /** Called once the newest text has been drawn. @type {(() => void)[]} */
  #settled = [];
  /** When the newest text was asked for, in milliseconds. */
  #asked = 0;
  /** From the newest change to its drawing, in milliseconds. */
  latency = 0;

  /**
   * @param {App} app
   * @param {LiveModelData} model
   * @param {Engine} engine
   */
  constructor(app, model, engine) {
    this.app = app;
    this.model = model;
    this.config = model.config;
    this.given = app.page.views[0];
    this.ownText = app.page.text;
    this.box = find("text", HTMLTextAreaElement);
    this.client = new Client(engine, (answer) => this.#answered(answer), (answer) => this.#arriving(answer));
    this.arriving = new Arriving();
    this.accuracy = new Accuracy(this);
    this.next = new NextTokens(this);
    this.lens = new Lens(this);
    this.surgery = new Surgery(this);
    this.box.maxLength = LONGEST_TEXT;
    this.box.disabled = true;
    this.box.value = app.state.text ?? this.ownText;
    this.box.addEventListener("input", () => this.type(this.box.value));
    app.state.listen((changed) => this.#changed(changed));
  }

  /** Load the model, and compute the text of the address or the page's own. */
  async start() {
    const { model } = this;
    this.#tell(say("live-loading", counted(model.parameters)));
    /** @type {TokenizerData} */
    const tokenizer = JSON.parse(new TextDecoder().decode(await inflate(bytesOf(takeBlock(model.tokenizer)))));
    this.#tokenizer = new Tokenizer(tokenizer);
    const weights = model.weights.map(takeBlock);
    const failed = (/** @type {Error} */ error) => {
      this.#underway.clear();
      this.#settle();
      report(error);
    };
    this.#loaded = await this.client.load({ kind: "load", model, weights, means: takeBlock(model.means) }, failed);
    this.box.disabled = false;
    const own = this.#lay(this.#tokenizer.encode(this.ownText));
    // The page would show another text than it was written for.
    if (own.ids.join() !== this.given.tokens.map((token) => token.id).join()) return tellTrouble(say("live-tokens"));
    await this.accuracy.measure(own);
    this.#setText(this.app.state.text ?? this.ownText);
  }

  /** The tokenizer, once it is there. */
  get tokenizer() {
    if (!this.#tokenizer) throw new Error("text is encoded before the model is there");
    return this.#tokenizer;
  }

  /** The reader's changes. @returns {Edits} */
  get edits() {
    const { ablate, cells } = this.app.state;
    return { ablated: readAblated(ablate, this.config), cells: readCells(cells, this.config) };
  }

  /** @param {Partial<Edits>} changes */
  setEdits({ ablated, cells }) {
    this.app.state.set({ ...(ablated ? { ablate: spellAblated(ablated) } : {}), ...(cells ? { cells: spellCells(cells) } : {}) });
  }

  /** What is shown, once there is something. */
  get shown() {
    return this.#shown;
  }

  /** Return when the newest text has been drawn. @returns {Promise<void>} */
  settled() {
    return new Promise((resolve) => {
      if (this.#underway.size === 0) resolve();
      else this.#settled.push(resolve);
    });
  }

  /**
   * Show another text.
   * @param {string} text
   */
  type(text) {
    this.app.state.set({ text: text === this.ownText ? null : text });
  }

  /**
   * Append a token to the text.
   * @param {number} id
   * @returns {boolean} false if there is no room for it
   */
  append(id) {
    if (this.#ids.length >= this.config.max_tokens) return false;
    const { text } = this.tokenizer.lay([...this.#ids, id]);
    // Encoded again, the text might have other tokens: these ones stay.
    this.#ids.push(id);
    this.#unknown = [];
    this.box.value = text;
    this.app.state.set({ text });
    this.compute();
    return true;
  }

  /** Remove the last token, and all of its text. */
  removeLast() {
    if (this.#ids.length <= this.tokenizer.prefix.length + 1) return;
    this.#ids.pop();
    const { text } = this.tokenizer.lay(this.#ids);
    this.box.value = text;
    this.app.state.set({ text });
    this.compute();
  }

  /** @param {Set<string>} changed */
  #changed(changed) {
    if (!this.#loaded) return;
    const text = this.app.state.text ?? this.ownText;
    if (changed.has("text") && text !== this.#textOf(this.#ids)) this.#setText(text);
    else if (changed.has("ablate") || changed.has("cells")) this.compute();
    if (changed.has("language")) this.#showWords();
  }

  /** @param {number[]} ids */
  #textOf(ids) {
    return this.#unknown.length ? null : this.tokenizer.lay(ids).text;
  }

  /** @param {string} text */
  #setText(text) {
    if (this.box.value !== text) this.box.value = text;
    try {
      this.#ids = this.tokenizer.encode(text.slice(0, LONGEST_TEXT));
      this.#unknown = [];
    } catch (error) {
      if (!(error instanceof UnknownCharacters)) throw error;
      // The maps stay as they are until the text can be read again.
      this.#unknown = error.characters;
      this.#showStatus();
      return;
    }
    this.compute();
  }

  /**
   * Compute a text without the reader's changes.
   * @param {Laid} laid
   */
  measure(laid) {
    this.#ask(laid, UNTOUCHED);
  }

  /** Ask for what is to be shown. */
  compute() {
    const laid = this.#lay(this.#ids);
    if (laid.ids.length === 0) return this.#showStatus();
    this.#ask(laid, within(this.edits, laid.ids.length));
  }

  /**
   * @param {Laid} laid
   * @param {Edits} edits
   */
  #ask(laid, edits) {
    this.#asked = performance.now();
    const turn = this.client.read({ ids: laid.ids, edits, lens: this.lens.open });
    // A newer request takes the place of one that waits.
    for (const old of this.#underway.keys()) if (old < turn - 1) this.#underway.delete(old);
    this.#underway.set(turn, laid);
  }

  /**
   * @param {number[]} ids
   * @returns {Laid}
   */
  #lay(ids) {
    const read = ids.slice(0, this.config.max_tokens);
    return { ids: read, ...this.tokenizer.lay(read), cut: read.length < ids.length };
  }

  /** @param {LayerAnswer} answer */
  #arriving(answer) {
    const laid = this.#underway.get(answer.turn);
    const edited = Object.keys(this.edits.ablated).length + this.edits.cells.length > 0;
    if (!laid || !this.#loaded || edited) return;
    const { app, config } = this;
    const view = this.arriving.add(answer, this.#asked, laid, { given: this.given, config, bias: this.#loaded.bias });
    if (!view) return;
    app.views[0] = view;
    app.untouched = null;
    app.page.text = laid.text;
    app.state.refit();
    app.refresh();
  }

  /** @param {ReadAnswer} answer */
  #answered(answer) {
    const laid = this.#underway.get(answer.turn);
    for (const turn of this.#underway.keys()) if (turn <= answer.turn) this.#underway.delete(turn);
    if (!laid || !this.#loaded) return;
    const { app, config } = this;
    const fixed = { given: this.given, config, bias: this.#loaded.bias };
    app.views[0] = viewOf(fixed, laid, answer.edited ?? answer.untouched);
    app.untouched = answer.edited ? viewOf(fixed, laid, answer.untouched) : null;
    app.page.text = laid.text;
    app.state.refit();
    this.#shown = { answer, laid };
    this.accuracy.compare(answer);
    app.refresh();
    this.#showWords();
    requestAnimationFrame(() => {
      this.latency = performance.now() - this.#asked;
      if (this.#underway.size === 0) this.#settle();
    });
  }

  #settle() {
    for (const resolve of this.#settled.splice(0)) resolve();
  }

  /** Everything of this page that has words or numbers of the answer. */
  #showWords() {
    this.#showStatus();
    this.accuracy.show();
    this.next.show();
    this.lens.show();
    this.surgery.show();
  }

  #showStatus() {
    const { config, model } = this;
    const sentences = [];
    if (this.#unknown.length) sentences.push(say("live-unknown", this.#unknown.slice(0, 12).join(" ")));
    else if (this.#ids.length === 0) sentences.push(say("live-empty"));
    if (this.#ids.length > config.max_tokens) sentences.push(say("live-long", counted(this.#ids.length), counted(config.max_tokens)));
    else if (this.#ids.length > config.context_len) sentences.push(say("live-beyond", counted(config.context_len)));
    if (this.#shown && this.#loaded && sentences.length === 0) {
      const { answer: { rows, milliseconds }, laid } = this.#shown;
      sentences.push(say("live-computed", counted(laid.ids.length), counted(model.parameters), counted(rows), milliseconds.toFixed(1), this.#loaded.kernel));
    }
    this.#tell(sentences.join(" "));
  }

  /** @param {string} text */
  #tell(text) {
    find("live-status").textContent = text;
  }
}
