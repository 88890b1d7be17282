// Sentences under the text boxes: what was computed, what could not be read, and what a link asked for in vain.

import { find } from "./elements.js";
import { shown } from "./labels.js";
import { counted } from "./numbers.js";
import { say } from "./words.js";

/** @import { Live } from "./live-app.js" */

/** Most characters of a part of a link that are repeated. */
const REPEATED = 60;

export class LiveStatus {
  /** @param {Live} live */
  constructor(live) {
    this.live = live;
    this.host = find("live-status");
    live.app.state.listen((changed) => { if (["view", "layer", "head"].some((name) => changed.has(name)) && live.shown) this.show(); });
  }

  /** @param {string} text */
  tell(text) {
    this.host.textContent = text;
  }

  show() {
    const { live } = this;
    const { first, second, config } = live;
    const wrong = [...this.#of(first, "live-unknown"), ...(live.app.state.second ? this.#of(second, "live-unknown-second") : [])];
    if (first.unknown.length === 0 && first.ids.length === 0) wrong.unshift(say("live-empty"));
    const sentences = [...wrong];
    if (live.shown && live.loaded && wrong.length === 0) {
      const { rows, milliseconds, about } = live.shown;
      sentences.push(say("live-computed", counted(about.first.ids.length), counted(live.model.parameters), counted(rows), milliseconds.toFixed(1), live.loaded.kernel));
      const { view, layer, head } = live.app.state;
      const forced = about.edits.some((edit) => edit.activation === "pattern" && edit.layer === layer && edit.head === head);
      if (view === "worked" && forced) sentences.push(say("live-worked"));
      const [a, b] = [about.first.ids.length, about.second?.ids.length ?? null];
      if (b !== null && a !== b) sentences.push(say(config.causal ? "live-counts" : "live-counts-both", counted(a), counted(b), counted(Math.min(a, b))));
    }
    this.tell(sentences.join(" "));
    this.#showIgnored();
  }

  /**
   * @param {import("./live-box.js").Box} box
   * @param {string} unknown
   */
  #of({ ids, unknown: characters }, unknown) {
    const { config } = this.live;
    if (characters.length) return [say(unknown, characters.slice(0, 12).map(shown).join(" "))];
    if (ids.length > config.max_tokens) return [say("live-long", counted(ids.length), counted(config.max_tokens))];
    return ids.length > config.context_len ? [say("live-beyond", counted(config.context_len))] : [];
  }

  #showIgnored() {
    const { live } = this;
    const ignored = [...live.app.state.ignored, ...live.asked.left].map((part) => (part.length > REPEATED ? `${part.slice(0, REPEATED)}…` : part));
    const host = find("ignored");
    host.hidden = ignored.length === 0;
    host.textContent = ignored.length ? say("live-ignored", ignored.slice(0, 5).map(shown).join(", ") + (ignored.length > 5 ? " …" : "")) : "";
  }
}
