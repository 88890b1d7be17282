// Tokens laid out as readable text; each can be pointed at, and no character is invisible.

import { make } from "./elements.js";

/** @typedef {{ of: string, piece: number }} Piece A part of a character that consists of several tokens. */

/** Joiners, variation selectors and tags: within an emoji or a word they are visible through their effect. */
const SHAPING = /[\u200c\u200d\ufe00-\ufe0f\u{e0020}-\u{e01ef}]/u;

const INVISIBLE = /[\p{Cc}\p{Zs}\p{Zl}\p{Zp}\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\u{e0020}-\u{e01ef}]/gu;

/**
 * Format the text of a token like the labels of a text: ⏎, ⇥, ␣, U+200B; an empty one is ∅.
 * @param {string} text
 * @returns {string}
 */
export function visible(text) {
  if (text === "") return "∅";
  if (/^ +$/.test(text)) return "␣".repeat(text.length);
  const alone = [...text].length === 1;
  /** @type {Record<string, string>} */
  const names = { "\n": "⏎", "\t": "⇥", "\r": "\\r", " ": " " };
  return text.replace(INVISIBLE, (c) => {
    if (c in names) return names[c];
    return !alone && SHAPING.test(c) ? c : `U+${(c.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
  });
}

const MARKS = /([␣⏎⇥]+)/;

/**
 * Contents of a token's element: replacement symbols are faint.
 * @param {string} label
 */
function withMarks(label) {
  return label.split(MARKS).filter((part) => part !== "").map((part) => (MARKS.test(part) ? make("span", { className: "mark", textContent: part }) : part));
}

/**
 * A token in a sentence or a table, where leading and trailing spaces must be visible.
 * @param {string} label
 * @returns {HTMLElement}
 */
export function tokenElement(label, className = "token") {
  const spelled = label.replace(/^ +| +$/g, (spaces) => "␣".repeat(spaces.length));
  return make("bdi", { className }, ...withMarks(spelled));
}

/**
 * For each label, its part if several tokens form one character ("한 1/3", "한 2/3", "한 3/3"), or null.
 * @param {string[]} labels
 * @returns {(Piece | null)[]}
 */
function piecesOf(labels) {
  /** @type {(Piece | null)[]} */
  const pieces = new Array(labels.length).fill(null);
  labels.forEach((label, i) => {
    const [, of, count] = /^(.+) 1\/(\d{1,2})$/su.exec(label) ?? [];
    const all = Array.from({ length: Number(count ?? 0) > 1 ? Number(count) : 0 }, (_, k) => `${of} ${k + 1}/${count}`);
    if (all.length > 0 && all.every((piece, k) => labels[i + k] === piece)) all.forEach((_, k) => { pieces[i + k] = { of, piece: k + 1 }; });
  });
  return pieces;
}

/** Lines may break at spaces, next to Han and kana, and after this many letters without either. */
const LONGEST_RUN = 16;

const BREAKS_AFTER = /[\s␣⏎⇥\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}]$/u;

const BREAKS_BEFORE = /^[\s␣\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}]/u;

/**
 * Lay out tokens in `host`; `element(i)` creates the empty element of a token. Return the elements in order.
 * @param {HTMLElement} host
 * @param {string[]} labels
 * @param {(i: number) => HTMLElement} element
 * @returns {HTMLElement[]}
 */
export function layOut(host, labels, element) {
  const pieces = piecesOf(labels);
  host.dir = directionOf(labels.join(""));
  /** @type {HTMLElement | null} */
  let word = null;
  let run = 0;
  return labels.map((label, i) => {
    const token = element(i);
    const part = pieces[i];
    // The space before a word belongs to its token, but must collapse at the beginning of a line as in any text.
    const spaced = /^ \S/.test(label) && !part;
    token.classList.add("token");
    token.dir = "auto";
    if (part) {
      const { of, piece } = part;
      token.append(...(piece === 1 ? [of] : []), make("small", { textContent: piece }));
    } else token.append(...withMarks(spaced ? label.slice(1) : label));
    const length = part ? 1 : label.length;
    run += length;
    const broken = run > LONGEST_RUN && !(part && part.piece > 1);
    if (!word || broken || BREAKS_BEFORE.test(label) || BREAKS_AFTER.test(labels[i - 1])) {
      word = make("span", { className: "word" });
      run = length;
      host.append(...(spaced ? [" "] : []), word);
    }
    word.append(token);
    if (label.endsWith("⏎")) host.append(make("br"));
    return token;
  });
}

/**
 * The direction of a text according to its first strong letter. Each token is isolated, so the browser cannot infer it.
 * @param {string} text
 */
function directionOf(text) {
  const probe = make("p", { dir: "auto", textContent: text, hidden: true });
  document.body.append(probe);
  const { direction } = getComputedStyle(probe);
  probe.remove();
  return direction;
}
