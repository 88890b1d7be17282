// SentencePiece's BPE with bytes for unknown characters, as LLaMA has it: spaces are the character ▁.

import { Merges } from "./live-merges.js";

/** @import { SentencePieceData } from "./types.js" */

const SPACE = "▁";

/** The byte of a token such as "<0xED>". @param {string | null} token */
export const byteOfToken = (token) => (/^<0x[0-9A-F]{2}>$/.test(token ?? "") ? parseInt(/** @type {string} */ (token).slice(3, 5), 16) : null);

export class SentencePieceBpe {
  /** @type {Map<string, number>} */
  #ids = new Map();
  /** The token of each byte. */
  #ofByte = new Int32Array(256);
  #encoder = new TextEncoder();

  /** @param {SentencePieceData} data */
  constructor(data) {
    this.data = data;
    data.vocab.forEach((token, id) => {
      if (token === null) return;
      this.#ids.set(token, id);
      const byte = byteOfToken(token);
      if (byte !== null) this.#ofByte[byte] = id;
    });
    this.merges = new Merges(data.vocab.length, data.merges);
  }

  /**
   * The tokens of a text without special tokens.
   * @param {string} text
   * @param {boolean} first true if it begins the whole text
   * @returns {number[]}
   */
  encode(text, first) {
    const { prepend, split } = this.data;
    const spaced = text.replaceAll(" ", SPACE);
    const marked = prepend === "always" || ((prepend === "missing" || (prepend === "first" && first)) && !spaced.startsWith(SPACE));
    const whole = marked ? SPACE + spaced : spaced;
    // Each word begins with its mark.
    const words = split ? whole.split(/(?=▁)/u) : [whole];
    return words.flatMap((word) => this.#ofWord(word));
  }

  /** @param {string} word */
  #ofWord(word) {
    const whole = this.data.ignore_merges ? this.#ids.get(word) : undefined;
    if (whole !== undefined) return [whole];
    const tokens = Array.from(word, (character) => {
      const id = this.#ids.get(character);
      return id === undefined ? Array.from(this.#encoder.encode(character), (byte) => this.#ofByte[byte]) : [id];
    });
    return this.merges.apply(tokens.flat());
  }
}
