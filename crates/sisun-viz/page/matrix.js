// The attention pattern of one head.

/**
 * One pattern: `n` rows of queries, each up to its last visible key. `codes[from + …] / greatest` is a weight, and
 * `error` is its maximum deviation from the model's value.
 */
export class Matrix {
  /** @type {Map<number, Uint16Array>} */
  #pooled = new Map();
  /** True if values may be negative, with half of `greatest` for 0. */
  signed = false;

  /** @param {{ codes: Uint16Array, from?: number, n: number, causal: boolean, greatest: number, error: number }} given */
  constructor({ codes, from = 0, n, causal, greatest, error }) {
    this.codes = codes;
    this.from = from;
    this.n = n;
    this.causal = causal;
    this.greatest = greatest;
    this.error = error;
  }

  /**
   * Return the index of the first code of a query.
   * @param {number} query
   * @returns {number}
   */
  base(query) {
    return this.from + (this.causal ? query * (query + 1) / 2 : query * this.n);
  }

  /**
   * Return the number of keys visible to a query.
   * @param {number} query
   * @returns {number}
   */
  width(query) {
    return this.causal ? query + 1 : this.n;
  }

  /**
   * @param {number} query
   * @param {number} key
   * @returns {boolean}
   */
  hidden(query, key) {
    return this.causal && key > query;
  }

  /**
   * @param {number} query
   * @param {number} key
   * @returns {number}
   */
  value(query, key) {
    return this.hidden(query, key) ? 0 : this.codes[this.base(query) + key] / this.greatest;
  }

  /**
   * Return the maximum deviation of `value` from the model's value.
   * @param {number} key
   * @returns {number}
   */
  errorAt(key) {
    return this.error;
  }

  /**
   * @param {number} query
   * @returns {Float64Array}
   */
  row(query) {
    return Float64Array.from({ length: this.n }, (_, key) => this.value(query, key));
  }

  /**
   * Reduce blocks of `pool` × `pool` cells to their largest code, or of signed values that farthest from 0: a small picture
   * must not lose the few cells that matter.
   * @param {number} pool
   * @returns {Uint16Array}
   */
  pooled(pool) {
    const codes = this.#pooled.get(pool) ?? this.#pool(pool);
    this.#pooled.set(pool, codes);
    return codes;
  }

  /** @param {number} pool */
  #pool(pool) {
    const { codes, n } = this;
    const side = Math.ceil(n / pool);
    const zero = this.signed ? this.greatest / 2 : 0;
    const largest = new Uint16Array(side * side).fill(zero);
    for (let query = 0; query < n; query++) {
      const base = this.base(query);
      const width = this.width(query);
      let out = Math.floor(query / pool) * side;
      for (let key = 0; key < width; out++) {
        let most = largest[out];
        for (const end = Math.min(key + pool, width); key < end; key++) {
          const code = codes[base + key];
          if (Math.abs(code - zero) > Math.abs(most - zero)) most = code;
        }
        largest[out] = most;
      }
    }
    return largest;
  }
}
