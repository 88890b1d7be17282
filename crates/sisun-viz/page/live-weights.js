// A model's parameters from their bytes.

/** @import { LiveModelData, WeightFormat } from "./types.js" */

/** Bytes of a number in each format of several bytes. @type {Record<string, 2 | 3 | 4>} */
const PLANES = { float32: 4, float24: 3, float16: 2 };

/** All numbers in half precision, computed once for the millions that are read. @type {Float32Array | null} */
let halves = null;

/**
 * The size of a tensor in bytes. Vectors are float32 in every format; with 8 bits each row has a scale.
 * @param {WeightFormat} format
 * @param {number[]} shape
 */
function bytesIn(format, shape) {
  const count = shape.reduce((all, side) => all * side, 1);
  if (shape.length === 1) return 4 * count;
  return format === "int8" ? count + 4 * (count / shape[shape.length - 1]) : PLANES[format] * count;
}

/**
 * Return the parameters by name.
 * @param {Pick<LiveModelData, "format" | "tensors">} model
 * @param {Uint8Array} bytes
 * @returns {Map<string, Float32Array>}
 */
export function parametersOf({ format, tensors }, bytes) {
  const expected = tensors.reduce((all, [, shape]) => all + bytesIn(format, shape), 0);
  if (bytes.length !== expected) throw new RangeError(`${bytes.length} bytes of weights, and not ${expected}`);
  let at = 0;
  return new Map(tensors.map(([name, shape]) => {
    const part = bytes.subarray(at, at + bytesIn(format, shape));
    at += part.length;
    const values = shape.length === 1 ? joined(part, 4) : format === "int8" ? rows(part, shape[shape.length - 1]) : joined(part, PLANES[format]);
    return [name, values];
  }));
}

/**
 * Floats from planes of bytes, the most significant first.
 * @param {Uint8Array} bytes
 * @param {2 | 3 | 4} planes
 */
function joined(bytes, planes) {
  const count = bytes.length / planes;
  const values = new Float32Array(count);
  if (planes === 2) {
    halves ??= Float32Array.from({ length: 65536 }, (_, code) => half(code));
    for (let i = 0; i < count; i++) values[i] = halves[bytes[i] << 8 | bytes[count + i]];
    return values;
  }
  const bits = new Uint32Array(values.buffer);
  for (let plane = 0; plane < planes; plane++) {
    const shift = 24 - 8 * plane;
    for (let i = 0, from = plane * count; i < count; i++) bits[i] |= bytes[from + i] << shift;
  }
  return values;
}

/**
 * A number in half precision (IEEE 754, binary16).
 * @param {number} bits
 */
function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = bits >> 10 & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/**
 * Rows of integers of 8 bits, each multiplied by its scale.
 * @param {Uint8Array} bytes
 * @param {number} width
 */
function rows(bytes, width) {
  const count = bytes.length / (width + 4);
  const scales = joined(bytes.subarray(0, 4 * count), 4);
  const values = new Float32Array(count * width);
  for (let row = 0, at = 0; row < count; row++) {
    for (let column = 0; column < width; column++, at++) values[at] = (bytes[4 * count + at] << 24 >> 24) * scales[row];
  }
  return values;
}
