// Products of matrices in one memory: by a WebAssembly kernel where the browser allows it, else in JavaScript.

import { moduleBytes } from "./live-wasm.js";

/** Number of columns of a panel. */
export const PANEL = 8;

/**
 * The least multiple of a panel's columns that is at least `n`.
 * @param {number} n
 */
export const padded = (n) => Math.ceil(n / PANEL) * PANEL;

/**
 * The factor on the right of a product, `k` × `n`, in panels: 8 columns of a row one after another, then those of the next row.
 * `at` and `stride` (from one panel to the next) count float32. Columns after the last are zero.
 * @typedef {{ at: number, stride: number, k: number, n: number }} Panels
 */

/** Places in the memory, handed out one after another before the memory is made: it never grows, which would detach its views. */
export class Places {
  length = 0;

  /**
   * Reserve room for `count` float32 and return its place.
   * @param {number} count
   */
  take(count) {
    const at = this.length;
    this.length += padded(count);
    return at;
  }

  /**
   * @param {number} k
   * @param {number} n
   * @returns {Panels}
   */
  panels(k, n) {
    return { at: this.take(k * padded(n)), stride: k * PANEL, k, n };
  }
}

/** @typedef {(a: number, aStride: number, b: number, bStride: number, c: number, cStride: number, m: number, k: number, panels: number) => void} Multiply */

export class Kernel {
  /** @type {Multiply | null} */
  #multiply = null;

  /**
   * @param {number} length size of the memory in float32
   * @param {boolean} wasm whether to try WebAssembly
   */
  constructor(length, wasm = true) {
    const pages = Math.max(1, Math.ceil(length * 4 / 65536));
    try {
      if (wasm) {
        const memory = new WebAssembly.Memory({ initial: pages });
        const instance = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes()), { env: { memory } });
        this.#multiply = /** @type {Multiply} */ (instance.exports.multiply);
        this.floats = new Float32Array(memory.buffer);
        return;
      }
    } catch {
      // No WebAssembly, none with vectors, or not under this policy: JavaScript gives the same numbers more slowly.
    }
    this.floats = new Float32Array(pages * 16384);
  }

  /** The name of what multiplies. @returns {"WebAssembly" | "JavaScript"} */
  get kind() {
    return this.#multiply ? "WebAssembly" : "JavaScript";
  }

  /**
   * c += a·b. Rows of `c` are as wide as b's columns filled up to whole panels.
   * @param {number} a place of the first row
   * @param {number} aStride from one row to the next
   * @param {Panels} b
   * @param {number} c
   * @param {number} cStride
   * @param {number} m number of rows of a
   */
  multiply(a, aStride, b, c, cStride, m) {
    const panels = Math.ceil(b.n / PANEL);
    if (m === 0 || b.k === 0) return;
    if (this.#multiply) this.#multiply(4 * a, 4 * aStride, 4 * b.at, 4 * b.stride, 4 * c, 4 * cStride, m, b.k, panels);
    else for (let panel = 0; panel < panels; panel++) this.#multiplyPanel(a, aStride, b.at + panel * b.stride, c + panel * PANEL, cStride, m, b.k);
  }

  /**
   * @param {number} a
   * @param {number} aStride
   * @param {number} panel
   * @param {number} c
   * @param {number} cStride
   * @param {number} m
   * @param {number} k
   */
  #multiplyPanel(a, aStride, panel, c, cStride, m, k) {
    const { floats } = this;
    for (let row = 0; row < m; row++) {
      const [from, to] = [a + row * aStride, c + row * cStride];
      let [s0, s1, s2, s3, s4, s5, s6, s7] = [0, 0, 0, 0, 0, 0, 0, 0];
      for (let i = 0, at = panel; i < k; i++, at += PANEL) {
        const x = floats[from + i];
        s0 += x * floats[at];
        s1 += x * floats[at + 1];
        s2 += x * floats[at + 2];
        s3 += x * floats[at + 3];
        s4 += x * floats[at + 4];
        s5 += x * floats[at + 5];
        s6 += x * floats[at + 6];
        s7 += x * floats[at + 7];
      }
      floats[to] += s0;
      floats[to + 1] += s1;
      floats[to + 2] += s2;
      floats[to + 3] += s3;
      floats[to + 4] += s4;
      floats[to + 5] += s5;
      floats[to + 6] += s6;
      floats[to + 7] += s7;
    }
  }

  /**
   * Store a matrix, whose element (row, column) is `values[row * rowStep + column * columnStep]`, in panels.
   * @param {Panels} panels
   * @param {Float32Array} values
   * @param {number} rowStep
   * @param {number} columnStep
   */
  pack({ at, stride, k, n }, values, rowStep, columnStep) {
    const { floats } = this;
    if (columnStep === 1) {
      // Row by row, as they lie in memory.
      for (let row = 0; row < k; row++) {
        const from = row * rowStep;
        for (let panel = 0, column = 0; column < n; panel++) {
          let to = at + panel * stride + row * PANEL;
          for (const end = Math.min(column + PANEL, n); column < end; column++) floats[to++] = values[from + column];
        }
      }
      return;
    }
    for (let column = 0; column < n; column++) {
      let to = at + Math.floor(column / PANEL) * stride + column % PANEL;
      for (let row = 0, from = column * columnStep; row < k; row++, from += rowStep, to += PANEL) floats[to] = values[from];
    }
  }
}
