// Bytes as text, with the character that each byte belongs to.

/**
 * Decode UTF-8. A byte that is part of no character becomes U+FFFD, a character of its own.
 * @param {number[]} bytes
 * @returns {{ characters: string[], of: Int32Array }} `of` has the number of the character of each byte
 */
export function charactersOf(bytes) {
  /** @type {string[]} */
  const characters = [];
  const of = new Int32Array(bytes.length);
  for (let at = 0; at < bytes.length;) {
    const length = sequenceAt(bytes, at);
    of.fill(characters.length, at, at + Math.max(length, 1));
    characters.push(length ? String.fromCodePoint(codePoint(bytes, at, length)) : "\ufffd");
    at += Math.max(length, 1);
  }
  return { characters, of };
}

/**
 * Return the length of the well-formed sequence that begins at `at`, or 0 (The Unicode Standard, table 3-7).
 * @param {number[]} bytes
 * @param {number} at
 */
function sequenceAt(bytes, at) {
  const first = bytes[at];
  if (first < 0x80) return 1;
  const length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  /** @type {Record<number, [low: number, high: number]>} */
  const narrower = { 0xe0: [0xa0, 0xbf], 0xed: [0x80, 0x9f], 0xf0: [0x90, 0xbf], 0xf4: [0x80, 0x8f] };
  for (let i = 1; i < length; i++) {
    const [low, high] = (i === 1 && narrower[first]) || [0x80, 0xbf];
    if (!(bytes[at + i] >= low && bytes[at + i] <= high)) return 0;
  }
  return length;
}

/**
 * @param {number[]} bytes
 * @param {number} at
 * @param {number} length
 */
function codePoint(bytes, at, length) {
  let code = length === 1 ? bytes[at] : bytes[at] & (0xff >> (length + 1));
  for (let i = 1; i < length; i++) code = code << 6 | bytes[at + i] & 0x3f;
  return code;
}

/**
 * Bytes as text, with those that are part of no character as `<0xED>`.
 * @param {number[]} bytes
 */
export function readable(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length;) {
    const length = sequenceAt(bytes, at);
    text += length ? String.fromCodePoint(codePoint(bytes, at, length)) : `<0x${bytes[at].toString(16).toUpperCase().padStart(2, "0")}>`;
    at += Math.max(length, 1);
  }
  return text;
}
