// Labels of tokens, as Rust writes them into a page.

/** @typedef {[start: number, end: number]} Span A range of characters. */

/** A joiner, a variation selector or a tag, which change how the characters beside them look. */
const JOINER = /^[\u200c\u200d\ufe00-\ufe0f\u{e0020}-\u{e01ef}]$/u;
const INVISIBLE = /^[\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]$/u;

/**
 * Make white space and control characters visible.
 * @param {string[]} characters
 * @param {(character: string) => boolean} isSpace
 */
export function visible(characters, isSpace) {
  if (characters.length === 0) return "∅";
  if (characters.every((c) => c === " ")) return "␣".repeat(characters.length);
  /** @type {Record<string, string>} */
  const marks = { "\n": "⏎", "\t": "⇥", "\r": "\\r", " ": " " };
  const one = (/** @type {string} */ c) => {
    const code = c.codePointAt(0) ?? 0;
    const control = code < 32 || (code >= 127 && code < 160);
    if (marks[c]) return marks[c];
    if (JOINER.test(c) && characters.length > 1) return c;
    const hidden = control || isSpace(c) || JOINER.test(c) || INVISIBLE.test(c);
    return hidden ? `U+${code.toString(16).toUpperCase().padStart(4, "0")}` : c;
  };
  return characters.map(one).join("");
}

/**
 * The position of token `at` among the tokens that share its character, and their number; null if it shares none. A token that
 * shares a character with each side is counted in the later one.
 * @param {Span[]} spans
 * @param {number} at
 * @returns {[piece: number, pieces: number] | null}
 */
export function pieceOf(spans, at) {
  const [start, end] = spans[at];
  if (start === end) return null;
  const covers = (/** @type {number} */ character) => (/** @type {Span} */ [from, to]) => from <= character && character < to;
  const run = (/** @type {number} */ step, /** @type {(span: Span) => boolean} */ holds) => {
    let count = 0;
    for (let i = at + step; spans[i]; i += step) {
      if (spans[i][0] === spans[i][1]) continue;
      if (!holds(spans[i])) break;
      count++;
    }
    return count;
  };
  const later = run(1, covers(end - 1)) > 0;
  if (!later && run(-1, covers(start)) === 0) return null;
  const character = later ? end - 1 : start;
  const before = run(-1, covers(character));
  return [before + 1, before + 1 + run(1, covers(character))];
}
