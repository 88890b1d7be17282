// The layers that are not products: norms, activations, rotation and softmax, in place on rows of float32.

/** @import { LiveConfig } from "./types.js" */

/**
 * Layer norm (Ba et al. 2016) or RMS norm (Zhang and Sennrich 2019) of one row.
 * @param {LiveConfig["norm"]} kind
 * @param {Float32Array} floats
 * @param {number} from place of the row
 * @param {number} to place of the result, which may be the same
 * @param {number} width
 * @param {Float32Array} weight
 * @param {Float32Array | null} bias
 * @param {number} epsilon
 */
export function normalize(kind, floats, from, to, width, weight, bias, epsilon) {
  let mean = 0;
  if (kind === "layer") {
    for (let i = 0; i < width; i++) mean += floats[from + i];
    mean /= width;
  }
  let squares = 0;
  for (let i = 0; i < width; i++) squares += (floats[from + i] - mean) ** 2;
  const factor = 1 / Math.sqrt(squares / width + epsilon);
  for (let i = 0; i < width; i++) floats[to + i] = (floats[from + i] - mean) * factor * weight[i] + (bias ? bias[i] : 0);
}

/**
 * The error function (Abramowitz and Stegun 1964, 7.1.26), within 1.5e-7.
 * @param {number} x
 */
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const y = 1 - ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t * Math.exp(-x * x);
  return x < 0 ? -y : y;
}

/** The activations of the feed-forward network, by the names of the configuration. @type {Record<string, (x: number) => number>} */
const ACTIVATIONS = {
  gelu: (x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2)),
  gelu_tanh: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  relu: (x) => Math.max(x, 0),
  relu_squared: (x) => Math.max(x, 0) ** 2,
};

/**
 * Apply the activation of the feed-forward network to `count` numbers.
 * @param {LiveConfig["ffn"]} kind
 * @param {Float32Array} floats
 * @param {number} up
 * @param {number} gate place of the gate's numbers, for SwiGLU
 * @param {number} count
 */
export function activate(kind, floats, up, gate, count) {
  if (kind === "swiglu") {
    for (let i = 0; i < count; i++) {
      const x = floats[gate + i];
      floats[up + i] *= x / (1 + Math.exp(-x));
    }
    return;
  }
  const activation = ACTIVATIONS[kind];
  for (let i = 0; i < count; i++) floats[up + i] = activation(floats[up + i]);
}

/**
 * Rotate the pairs (i, i + r/2) of one head by the angles `place · radians[i]` (Su et al. 2021).
 * @param {Float32Array} floats
 * @param {number} at
 * @param {number} place position of the token
 * @param {number[]} radians
 * @param {number} magnitude factor on cosines and sines
 */
export function rotate(floats, at, place, radians, magnitude) {
  const half = radians.length;
  for (let i = 0; i < half; i++) {
    const cos = Math.fround(Math.cos(place * radians[i]) * magnitude);
    const sin = Math.fround(Math.sin(place * radians[i]) * magnitude);
    const [x, y] = [floats[at + i], floats[at + half + i]];
    floats[at + i] = x * cos - y * sin;
    floats[at + half + i] = y * cos + x * sin;
  }
}

/**
 * Replace `count` scores by their softmax.
 * @param {Float32Array} floats
 * @param {number} at
 * @param {number} count
 */
export function softmax(floats, at, count) {
  let most = -Infinity;
  for (let i = 0; i < count; i++) most = Math.max(most, floats[at + i]);
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const weight = Math.exp(floats[at + i] - most);
    floats[at + i] = weight;
    sum += weight;
  }
  const factor = 1 / sum;
  for (let i = 0; i < count; i++) floats[at + i] *= factor;
}
