// Text to tokens and back, exactly as the model was trained.

import { ByteLevelBpe, byteAlphabet } from "./live-bpe.js";
import { byteOfToken, SentencePieceBpe } from "./live-sentencepiece.js";
import { pieceOf, visible } from "./live-token-labels.js";
import { charactersOf, readable } from "./live-utf8.js";

/** @import { AddedTokenData, Token, TokenizerData } from "./types.js" */
/** @import { Span } from "./live-token-labels.js" */

/** Characters that the vocabulary has no token for. */
export class UnknownCharacters extends Error {
  /** @param {string[]} characters */
  constructor(characters) {
    super(characters.join(" "));
    this.characters = characters;
  }
}

export class Tokenizer {
  /** Bytes of each token. @type {number[][]} */
  #bytes = [];
  /** Names of tokens that may stand for no text. @type {Map<number, string>} */
  #names = new Map();
  /** Tokens that are found in a text before it is divided: first in the text as it is, then in what the normalizer makes of it. @type {AddedTokenData[][]} */
  #added;
  /** The tokens of a part without special ones; `first` if the text begins with it. @type {(part: string, first: boolean) => number[]} */
  #encodePart;
  #spaces;
  /** Whether the first token begins with a space that is not in the text. */
  #marked = false;

  /** @param {TokenizerData} data */
  constructor(data) {
    this.prefix = data.prefix;
    this.composes = data.composes;
    this.#spaces = new RegExp(`^[${data.spaces}]$`, "u");
    const encoder = new TextEncoder();
    if (data.kind === "characters") {
      const ids = new Map(data.characters.map(([character, id]) => [character, id]));
      for (const [character, id] of ids) this.#bytes[id] = [...encoder.encode(character)];
      this.#encodePart = (text) => {
        const unknown = [...new Set(text)].filter((character) => !ids.has(character));
        if (unknown.length) throw new UnknownCharacters(unknown);
        return Array.from(text, (character) => ids.get(character) ?? 0);
      };
    } else if (data.kind === "sentence_piece") {
      data.vocab.forEach((token, id) => {
        const byte = byteOfToken(token);
        if (token !== null) this.#bytes[id] = byte === null ? [...encoder.encode(token.replaceAll("▁", " "))] : [byte];
      });
      const bpe = new SentencePieceBpe(data);
      this.#marked = data.prepend !== "never";
      this.#encodePart = (text, first) => bpe.encode(text, first);
    } else {
      const alphabet = byteAlphabet();
      data.vocab.forEach((token, id) => {
        if (token !== null) this.#bytes[id] = [...token].map((letter) => alphabet.get(letter) ?? 0);
      });
      const bpe = new ByteLevelBpe(data);
      this.#encodePart = (text) => bpe.encode(text);
    }
    for (const { id, content } of data.added) {
      this.#bytes[id] = [...encoder.encode(content)];
      this.#names.set(id, content);
    }
    this.#added = [data.added.filter((token) => !token.normalized), data.added.filter((token) => token.normalized)];
  }

  /**
   * The tokens of a text, after those that stand before every text.
   * @param {string} text
   * @returns {number[]}
   * @throws {UnknownCharacters}
   */
  encode(text) {
    // Halves of surrogate pairs are no text.
    const whole = new TextDecoder("utf-8", { ignoreBOM: true }).decode(new TextEncoder().encode(text));
    const [first, second] = this.#added;
    /** @type {(part: string, begins: boolean) => number[]} */
    const inner = (part, begins) => this.#between(second, this.composes ? part.normalize("NFC") : part, begins, this.#encodePart);
    return [...this.prefix, ...this.#between(first, whole, true, inner)];
  }

  /**
   * Encode the parts of a text between added tokens: the leftmost, and of those the longest.
   * @param {AddedTokenData[]} added
   * @param {string} text
   * @param {boolean} begins true if the whole text begins with this one
   * @param {(part: string, first: boolean) => number[]} encode
   */
  #between(added, text, begins, encode) {
    /** @type {number[]} */
    const ids = [];
    let rest = text;
    while (rest) {
      let [at, found] = [rest.length, /** @type {AddedTokenData | null} */ (null)];
      for (const token of added) {
        const place = rest.indexOf(token.content);
        const earlier = place >= 0 && (place < at || (place === at && token.content.length > (found?.content.length ?? 0)));
        if (earlier) [at, found] = [place, token];
      }
      if (at > 0) for (const id of encode(rest.slice(0, at), begins && rest.length === text.length)) ids.push(id);
      if (found) ids.push(found.id);
      rest = rest.slice(at + (found?.content.length ?? 0));
    }
    return ids;
  }

  /** Return true if a token has this id. @param {number} id */
  has(id) {
    return this.#bytes[id] !== undefined;
  }

  /**
   * The text of tokens that begin with those before every text, and a label for each with its range in the text.
   * @param {number[]} ids
   * @returns {{ text: string, tokens: Token[] }}
   */
  lay(ids) {
    const own = ids.slice(this.prefix.length);
    const parts = own.map((id) => this.#bytes[id] ?? []);
    if (this.#marked && parts[0]?.[0] === 32 && !this.#names.has(own[0])) parts[0] = parts[0].slice(1);
    const { characters, of } = charactersOf(parts.flat());
    let at = 0;
    const spans = parts.map(({ length }) => {
      const here = of[at] ?? characters.length;
      /** @type {Span} */
      const span = length ? [of[at], of[at + length - 1] + 1] : [here, here];
      at += length;
      return span;
    });
    const tokens = own.map((id, i) => {
      const [start, end] = spans[i];
      const piece = pieceOf(spans, i);
      const text = start === end ? this.label(id) : visible(characters.slice(start, end), this.isSpace);
      return { id, text: piece ? `${text} ${piece[0]}/${piece[1]}` : text, start, end };
    });
    const before = this.prefix.map((id) => ({ id, text: this.label(id), start: 0, end: 0 }));
    return { text: characters.join(""), tokens: [...before, ...tokens] };
  }

  /** The label of a token by itself. @param {number} id */
  label(id) {
    return this.#names.get(id) ?? visible([...readable(this.#bytes[id] ?? [])], this.isSpace);
  }

  /** @param {string} character */
  isSpace = (character) => this.#spaces.test(character);
}
