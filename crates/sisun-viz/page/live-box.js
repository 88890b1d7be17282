// A text box, and the tokens of what is typed into it.

import { find } from "./elements.js";
import { UnknownCharacters } from "./live-tokenizer.js";

/** @import { Tokenizer } from "./live-tokenizer.js" */
/** @import { Token } from "./types.js" */

/** A text in tokens, as many as are computed. @typedef {{ ids: number[], text: string, tokens: Token[] }} Laid */

/** Longest text that is divided into tokens, in UTF-16 units; only its first tokens are computed anyway. */
const LONGEST_TEXT = 20000;

export class Box {
  /** The tokens of the text, and those that were appended to it. @type {number[]} */
  ids = [];
  /** Characters of the text that the model does not know. @type {string[]} */
  unknown = [];
  /** The text of the tokens. */
  #text = "";

  /**
   * @param {string} id
   * @param {(text: string) => void} typed called with what a reader types
   */
  constructor(id, typed) {
    this.area = find(id, HTMLTextAreaElement);
    this.area.maxLength = LONGEST_TEXT;
    this.area.disabled = true;
    this.area.addEventListener("input", () => typed(this.area.value));
  }

  /** Return true if these are the tokens of a text. @param {string} text */
  holds(text) {
    return this.unknown.length === 0 && this.#text === text;
  }

  /**
   * Divide a text; if the model does not know a character of it, the tokens stay as they are until it can be read again.
   * @param {Tokenizer} tokenizer
   * @param {string} text
   */
  read(tokenizer, text) {
    this.area.disabled = false;
    if (this.area.value !== text) this.area.value = text;
    try {
      this.ids = tokenizer.encode(text.slice(0, LONGEST_TEXT));
      this.unknown = [];
      this.#text = text;
    } catch (error) {
      if (!(error instanceof UnknownCharacters)) throw error;
      this.unknown = error.characters;
    }
  }

  /**
   * Put tokens in place of the text, and return their text. Encoded again, it might have other tokens: these ones stay.
   * @param {Tokenizer} tokenizer
   * @param {number[]} ids
   */
  put(tokenizer, ids) {
    const { text } = tokenizer.lay(ids);
    Object.assign(this, { ids, unknown: [] });
    this.#text = text;
    this.area.value = text;
    return text;
  }

  /**
   * The first tokens, as many as are computed.
   * @param {Tokenizer} tokenizer
   * @param {number} most
   * @returns {Laid}
   */
  laid(tokenizer, most) {
    const ids = this.ids.slice(0, most);
    return { ids, ...tokenizer.lay(ids) };
  }
}
