// Base64, deflate, and planes of bytes; on the page and in its worker.

/**
 * Return true if the browser can decompress blocks.
 * @returns {boolean}
 */
export function canUnpack() {
  try {
    return Boolean(new DecompressionStream("deflate"));
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
 * @param {Uint8Array<ArrayBuffer>} packed
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function inflate(packed) {
  const stream = new DecompressionStream("deflate");
  const writer = stream.writable.getWriter();
  // The reader tells of damaged data, of which zlib's checksum misses none; a Blob's stream would not work in WebKit's workers.
  const written = writer.write(packed).then(() => writer.close());
  written.catch(() => {});
  const bytes = new Uint8Array(await new Response(stream.readable).arrayBuffer());
  await written;
  return bytes;
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
