// Byte-level BPE (Sennrich et al. 2016; Radford et al. 2019): words of a regular expression, their bytes merged in order of rank.

/** @import { ByteLevelData } from "./types.js" */

/** Longest word whose tokens are remembered, in bytes. */
const REMEMBERED = 64;

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
  /** Rank and result of the merge of two tokens, by `first * size + second`. @type {Map<number, [rank: number, merged: number]>} */
  #merges = new Map();
  /** The token of each byte. */
  #ofByte = new Int32Array(256);
  /** @type {Map<string, number[]>} */
  #known = new Map();
  /** Tokens by their spelling in the alphabet, if whole words are looked up first. @type {Map<string, number> | null} */
  #whole = null;

  /** @param {ByteLevelData} data */
  constructor(data) {
    this.size = data.vocab.length;
    const alphabet = byteAlphabet();
    data.vocab.forEach((token, id) => {
      const byte = token !== null && [...token].length === 1 ? alphabet.get(token) : undefined;
      if (byte !== undefined) this.#ofByte[byte] = id;
    });
    data.merges.forEach(([first, second, merged], rank) => {
      const pair = first * this.size + second;
      if (!this.#merges.has(pair)) this.#merges.set(pair, [rank, merged]);
    });
    if (data.ignore_merges) this.#whole = new Map(data.vocab.flatMap((token, id) => (token === null ? [] : [[token, id]])));
    this.letters = [...alphabet].reduce((all, [letter, byte]) => ((all[byte] = letter), all), /** @type {string[]} */ ([]));
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
    const encoder = new TextEncoder();
    /** @type {number[]} */
    const ids = [];
    let end = 0;
    // Text between matches is a word, too.
    const word = (/** @type {string} */ part) => part && ids.push(...this.#ofWord(part, encoder));
    for (const match of text.matchAll(this.words)) {
      word(text.slice(end, match.index));
      word(match[0]);
      end = match.index + match[0].length;
    }
    word(text.slice(end));
    return ids;
  }

  /**
   * @param {string} word
   * @param {TextEncoder} encoder
   */
  #ofWord(word, encoder) {
    const known = this.#known.get(word);
    if (known) return known;
    const bytes = encoder.encode(word);
    const whole = this.#whole?.get([...bytes].map((byte) => this.letters[byte]).join(""));
    const ids = whole === undefined ? this.#merge([...bytes].map((byte) => this.#ofByte[byte])) : [whole];
    if (bytes.length <= REMEMBERED) this.#known.set(word, ids);
    return ids;
  }

  /**
   * Merge the pair of least rank, the leftmost of equal ones, as long as there is one.
   * @param {number[]} ids
   */
  #merge(ids) {
    for (;;) {
      let [least, at, into] = [Infinity, -1, -1];
      for (let i = 0; i + 1 < ids.length; i++) {
        const merge = this.#merges.get(ids[i] * this.size + ids[i + 1]);
        if (merge && merge[0] < least) [least, at, into] = [merge[0], i, merge[1]];
      }
      if (at < 0) return ids;
      ids.splice(at, 2, into);
    }
  }
}
