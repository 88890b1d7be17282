// Reading the blocks of a page: binary numbers, deflated with a checksum (zlib), in base64.

import { find } from "./elements.js";
import { bytesOf, inflate } from "./unpack.js";
import { say } from "./words.js";

let kept = false;

/** Leave the blocks in the page from now on, so that it can be saved. */
export function keepBlocks() {
  kept = true;
}

/**
 * Return the text of block `i`, and, unless they are kept, drop it from the page: it may be tens of megabytes. A long one has several elements.
 * @param {number} i
 * @returns {string}
 */
export function takeBlock(i) {
  const parts = [];
  for (let element = /** @type {HTMLElement | null} */ (find(`b${i}`)), part = 1; element; element = document.getElementById(`b${i}-${part++}`)) {
    parts.push(element.textContent ?? "");
    if (!kept) element.textContent = "";
  }
  return parts.join("").trim();
}

/**
 * Return the bytes of block `i`.
 * @param {number} i
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export function readBlock(i) {
  return inflate(bytesOf(takeBlock(i)));
}

/**
 * @param {number} block
 * @param {Uint8Array} bytes
 * @param {number} expected
 */
export function expectBytes(block, bytes, expected) {
  if (bytes.length !== expected) throw new Error(say("damaged", block, bytes.length, expected));
}
