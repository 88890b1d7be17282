// Decoding the blocks of a page to bytes and integers.

import { find } from "./elements.js";
import { say } from "./words.js";

/**
 * Return true if the browser can decompress blocks.
 * @returns {boolean}
 */
export function canUnpack() {
  try {
    return Boolean(new DecompressionStream("deflate-raw"));
  } catch {
    return false;
  }
}

/**
 * Decode a base64 text; the native decoder is many times faster if the browser has one.
 * @param {string} base64
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function bytesOf(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/**
 * Return the bytes of block `i`. Its text is dropped, because a page may hold tens of megabytes of text.
 * @param {number} i
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function readBlock(i) {
  const element = find(`b${i}`);
  const packed = new Blob([bytesOf((element.textContent ?? "").trim())]);
  element.textContent = "";
  const stream = packed.stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * @param {number} block
 * @param {Uint8Array} bytes
 * @param {number} expected
 */
export function expectBytes(block, bytes, expected) {
  if (bytes.length !== expected) throw new Error(say("damaged", block, bytes.length, expected));
}

/**
 * Decode integers that were written as a plane of high bytes and a plane of low bytes.
 * @param {Uint8Array} bytes
 * @returns {Uint16Array}
 */
export function joinPlanes(bytes) {
  const count = bytes.length / 2;
  const codes = new Uint16Array(count);
  for (let i = 0; i < count; i++) codes[i] = bytes[i] << 8 | bytes[count + i];
  return codes;
}
