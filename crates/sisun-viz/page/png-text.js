// Texts in a PNG file (PNG specification, third edition, §11.3.3.4), which say what a picture shows.

/** Length of the signature and of the first chunk, IHDR. */
const BEFORE = 8 + 25;

/** The remainder of each byte in the checksum of chunks (§D). */
const REMAINDERS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? 0xedb88320 ^ (rest >>> 1) : rest >>> 1;
  return rest;
});

/** @param {Uint8Array} bytes */
function checksum(bytes) {
  let rest = 0xffffffff;
  for (const byte of bytes) rest = REMAINDERS[(rest ^ byte) & 255] ^ (rest >>> 8);
  return ~rest >>> 0;
}

/**
 * Return a chunk `iTXt` that is neither compressed nor translated.
 * @param {string} keyword in ASCII
 * @param {string} text
 */
function chunk(keyword, text) {
  const content = new TextEncoder().encode(`iTXt${keyword}\0\0\0\0\0${text.replaceAll("\0", "␀")}`);
  const bytes = new Uint8Array(content.length + 8);
  const numbers = new DataView(bytes.buffer);
  numbers.setUint32(0, content.length - 4);
  bytes.set(content, 4);
  numbers.setUint32(content.length + 4, checksum(content));
  return bytes;
}

/**
 * Return a PNG with texts by their keywords.
 * @param {Blob} png
 * @param {Record<string, string>} texts
 * @returns {Blob}
 */
export function withTexts(png, texts) {
  const chunks = Object.entries(texts).map(([keyword, text]) => chunk(keyword, text));
  return new Blob([png.slice(0, BEFORE), ...chunks, png.slice(BEFORE)], { type: "image/png" });
}
