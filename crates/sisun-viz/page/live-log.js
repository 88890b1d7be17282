// Rows of float32 that are appended to.

export class Log {
  #data = new Float32Array(0);

  /** Numbers from `at` on, as many as `count`, with room made for them. @param {number} at @param {number} count */
  room(at, count) {
    if (this.#data.length < at + count) {
      const larger = new Float32Array(Math.max(2 * this.#data.length, at + count, 256));
      larger.set(this.#data);
      this.#data = larger;
    }
    return this.#data.subarray(at, at + count);
  }
}
