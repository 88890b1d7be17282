// Byte-level BPE (Radford et al. 2019): words of a regular expression, whose bytes are merged.

import { Merges } from "./live-merges.js";

/** @import { ByteLevelData } from "./types.js" */

/** Longest word whose tokens are remembered, in bytes, and the number of words that are. */
const [LONGEST, MOST] = [64, 20000];

/** The byte of each character of GPT-2's alphabet. */
export function byteAlphabet() {
  /** @type {Map<string, number>} */
  const bytes = new Map();
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    const itself = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    bytes.set(String.fromCodePoint(itself ? byte : next++), byte);
  }
  return bytes;
}

export class ByteLevelBpe {
  /** The token of each byte. */
  #ofByte = new Int32Array(256);
  /** @type {Map<string, number[]>} */
  #known = new Map();
  /** Tokens by their spelling in the alphabet, if whole words are looked up first. @type {Map<string, number> | null} */
  #whole = null;
  #encoder = new TextEncoder();

  /** @param {ByteLevelData} data */
  constructor(data) {
    const alphabet = byteAlphabet();
    this.letters = [...alphabet.keys()];
    data.vocab.forEach((token, id) => {
      const byte = token !== null && [...token].length === 1 ? alphabet.get(token) : undefined;
      if (byte !== undefined) this.#ofByte[byte] = id;
    });
    this.merges = new Merges(data.vocab.length, data.merges);
    if (data.ignore_merges) this.#whole = new Map(data.vocab.flatMap((token, id) => (token === null ? [] : [[token, id]])));
    // Rust writes the ranges of its classes: browsers differ in their versions of Unicode.
    const pattern = data.pattern.replace(/\{(\w)\}/g, (_, name) => data.classes[name]);
    this.words = new RegExp(pattern, "gu");
  }

  /**
   * The tokens of a text without special tokens.
   * @param {string} text
   * @returns {number[]}
   */
  encode(text) {
    /** @type {number[]} */
    const ids = [];
    let end = 0;
    const word = (/** @type {string} */ part) => {
      if (part) for (const id of this.#ofWord(part)) ids.push(id);
    };
    for (const match of text.matchAll(this.words)) {
      // Text between matches is a word, too.
      word(text.slice(end, match.index));
      word(match[0]);
      end = match.index + match[0].length;
    }
    word(text.slice(end));
    return ids;
  }

  /** @param {string} word */
  #ofWord(word) {
    const known = this.#known.get(word);
    if (known) return known;
    const bytes = this.#encoder.encode(word);
    const whole = this.#whole?.get(Array.from(bytes, (byte) => this.letters[byte]).join(""));
    const ids = whole === undefined ? this.merges.apply(Array.from(bytes, (byte) => this.#ofByte[byte])) : [whole];
    if (bytes.length <= LONGEST && this.#known.size < MOST) this.#known.set(word, ids);
    return ids;
  }
}
