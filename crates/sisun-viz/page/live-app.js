// The page that computes: typed texts, the reader's changes to the model, and what follows from both.

import { takeBlock } from "./blocks.js";
import { Accuracy } from "./live-accuracy.js";
import { Arriving } from "./live-arriving.js";
import { Beside } from "./live-beside.js";
import { Box } from "./live-box.js";
import { Client } from "./live-client.js";
import { readEdits, spellEdits, within } from "./live-edits.js";
import { Lens } from "./live-lens.js";
import { NextTokens } from "./live-next.js";
import { Patching } from "./live-patching.js";
import { Shown } from "./live-shown.js";
import { LiveStatus } from "./live-status.js";
import { Surgery } from "./live-surgery.js";
import { Tokenizer } from "./live-tokenizer.js";
import { counted } from "./numbers.js";
import { report, tellTrouble } from "./trouble.js";
import { bytesOf, inflate } from "./unpack.js";
import { followed } from "./walk.js";
import { say } from "./words.js";

/** @import { App } from "./app.js" */
/** @import { Laid } from "./live-box.js" */
/** @import { Engine } from "./live-client.js" */
/** @import { Edit } from "./live-edits.js" */
/** @import { Follow } from "./live-view.js" */
/** @import { LayerAnswer, Loaded } from "./live-worker.js" */
/** @import { LiveModelData, TokenizerData } from "./types.js" */

/** What a request is about: its texts, its edits, and when it was made, in milliseconds. @typedef {{ first: Laid, second: Laid | null, edits: Edit[], asked: number }} About */

export class Live {
  /** @type {Tokenizer | null} */
  #tokenizer = null;
  /** @type {Loaded | null} */
  loaded = null;
  /** What is shown, once there is something. @type {Shown | null} */
  shown = null;
  /** Called once the newest text has been drawn. @type {(() => void)[]} */
  #settled = [];
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
    this.first = new Box("text", (text) => this.type(text));
    this.second = new Box("second", (second) => app.state.set({ second }));
    this.first.area.value = app.state.text ?? this.ownText;
    this.arriving = new Arriving();
    /** @type {Client<About>} */
    this.client = new Client(
      engine,
      (answer, about) => {
        const fixed = this.#fixed();
        if (!fixed) return;
        this.shown = new Shown(fixed, about, answer, this.shown);
        this.#show(this.shown);
      },
      (answer, about) => this.#arriving(answer, about),
    );
    this.accuracy = new Accuracy(this);
    this.next = new NextTokens(this);
    this.lens = new Lens(this);
    this.surgery = new Surgery(this);
    this.patching = new Patching(this);
    this.beside = new Beside(this);
    this.status = new LiveStatus(this);
    app.state.listen((changed) => this.#changed(changed));
  }

  /** Load the model, and compute the text of the address or the page's own. */
  async start() {
    const { model, app: { state } } = this;
    this.status.tell(say("live-loading", counted(model.parameters)));
    /** @type {TokenizerData} */
    const tokenizer = JSON.parse(new TextDecoder().decode(await inflate(bytesOf(takeBlock(model.tokenizer)))));
    this.#tokenizer = new Tokenizer(tokenizer);
    const weights = model.weights.map(takeBlock);
    const failed = (/** @type {Error} */ error) => {
      this.#settle();
      report(error);
    };
    this.loaded = await this.client.load({ kind: "load", model, weights }, failed);
    this.first.read(this.tokenizer, this.ownText);
    const own = this.#laid(this.first);
    // The page would show another text than it was written for.
    if (own.ids.join() !== this.given.tokens.map((token) => token.id).join()) return tellTrouble(say("live-tokens"));
    await this.accuracy.measure(own);
    this.first.read(this.tokenizer, state.text ?? this.ownText);
    this.second.read(this.tokenizer, state.second);
    this.compute();
  }

  /** The tokenizer, once it is there. */
  get tokenizer() {
    if (!this.#tokenizer) throw new Error("text is encoded before the model is there");
    return this.#tokenizer;
  }

  /** The reader's changes, and what the address asks for that this model cannot do. */
  get asked() {
    return readEdits(this.app.state.edits, this.config);
  }

  /** @param {Edit[]} edits */
  setEdits(edits) {
    this.app.state.set({ edits: spellEdits(edits) });
  }

  /** Return when the newest text has been drawn. @returns {Promise<void>} */
  settled() {
    return new Promise((resolve) => {
      if (this.client.idle) resolve();
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
    if (this.first.ids.length >= this.config.max_tokens) return false;
    this.#put([...this.first.ids, id]);
    return true;
  }

  /** Remove the last token, and all of its text. */
  removeLast() {
    const { ids } = this.first;
    if (ids.length > this.tokenizer.prefix.length + 1) this.#put(ids.slice(0, -1));
  }

  /** @param {number[]} ids */
  #put(ids) {
    this.app.state.set({ text: this.first.put(this.tokenizer, ids) });
    this.compute();
  }

  /** @param {Set<string>} changed */
  #changed(changed) {
    if (!this.loaded) return;
    const { first, second, app: { state } } = this;
    const text = state.text ?? this.ownText;
    let anew = changed.has("edits");
    if (changed.has("text") && !first.holds(text)) {
      first.read(this.tokenizer, text);
      anew = true;
    }
    if (changed.has("second") && !second.holds(state.second)) {
      second.read(this.tokenizer, state.second);
      anew = true;
    }
    if (anew) this.compute();
    if ((changed.has("language") || changed.has("beside")) && this.shown) this.#show(this.shown);
  }

  /**
   * Compute a text without the reader's changes.
   * @param {Laid} first
   */
  measure(first) {
    this.#ask({ first, second: null, edits: [], asked: performance.now() });
  }

  /** Ask for what is to be shown. */
  compute() {
    const first = this.#laid(this.first);
    if (first.ids.length === 0 || this.first.unknown.length) return this.status.show();
    const second = this.app.state.second ? this.#laid(this.second) : null;
    const there = second?.ids.length ? second : null;
    const edits = within(this.asked.edits, first.ids.length, there?.ids.length ?? null, this.config.causal);
    this.#ask({ first, second: there, edits, asked: performance.now() });
  }

  /** @param {About} about */
  #ask(about) {
    const { first, second, edits } = about;
    this.client.read({ ids: first.ids, second: second?.ids ?? null, edits, lens: this.lens.open }, about);
  }

  /** @param {Box} box */
  #laid(box) {
    return box.laid(this.tokenizer, this.config.max_tokens);
  }

  /** What all views of this model share; null until it is loaded. */
  #fixed() {
    /** @type {Follow} */
    const follow = async (asked) => followed(await this.client.walk(asked), this.tokenizer);
    return this.loaded && { given: this.given, config: this.config, bias: this.loaded.bias, follow };
  }

  /**
   * @param {LayerAnswer} answer
   * @param {About} about
   */
  #arriving(answer, about) {
    const fixed = this.#fixed();
    if (!fixed || about.edits.length) return;
    const view = this.arriving.add(answer, about.asked, about.first, fixed);
    if (!view) return;
    const { app } = this;
    app.views[0] = view;
    app.untouched = app.beside = app.difference = null;
    app.page.text = about.first.text;
    app.state.refit();
    app.refresh();
  }

  /** @param {Shown} shown */
  #show(shown) {
    const { app } = this;
    shown.present(app);
    this.accuracy.compare(shown);
    app.refresh();
    this.status.show();
    for (const part of [this.accuracy, this.next, this.lens, this.surgery, this.patching, this.beside]) part.show();
    requestAnimationFrame(() => {
      this.latency = performance.now() - shown.about.asked;
      if (this.client.idle) this.#settle();
    });
  }

  #settle() {
    for (const resolve of this.#settled.splice(0)) resolve();
  }
}
