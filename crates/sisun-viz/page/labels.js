// Making invisible characters in texts and labels visible.

/**
 * Replace characters that are invisible or change the writing direction.
 * @param {string} text
 * @returns {string}
 */
export function spelledOut(text) {
  const invisible = /(?![\n\t])[\p{Cc}\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\p{Cs}]/gu;
  return text.replace(invisible, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
}

/**
 * The same for a label, which is a single line: line feeds, tabs and spaces that would be lost are replaced, too.
 * @param {string} label
 * @returns {string}
 */
export function shown(label) {
  /** @type {Record<string, string>} */
  const lost = { " ": "␣", "\n": "⏎", "\t": "⇥" };
  return spelledOut(label).replace(/^ +| +$| {2,}|[\n\t]/g, (spaces) => [...spaces].map((c) => lost[c]).join(""));
}

/**
 * Put a label in quotation marks; isolated, so that a right-to-left label does not affect the sentence around it.
 * @param {string} label
 * @returns {string}
 */
export function quoted(label) {
  return `“\u2068${label}\u2069”`;
}
