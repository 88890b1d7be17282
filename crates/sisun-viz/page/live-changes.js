// Making edits on rows of float32 while a text is on its way through the model.

/** @import { Activation } from "./live-edits.js" */
/** @import { Resolved } from "./live-values.js" */
/** @typedef {{ at: number, stride: number }} Rows */

/**
 * @param {Activation} activation
 * @param {number} layer
 * @param {number | null} head
 */
const nameOf = (activation, layer, head) => `${activation} ${layer}.${head}`;

/** The edits of a pass, by what they change. */
export class Changes {
  /** @type {Map<string, Resolved[]>} */
  #edits = new Map();

  /**
   * @param {Float32Array} floats
   * @param {Resolved[]} edits
   */
  constructor(floats, edits) {
    this.floats = floats;
    for (const edit of edits) {
      const name = nameOf(edit.activation, edit.layer, edit.head);
      this.#edits.set(name, [...(this.#edits.get(name) ?? []), edit]);
    }
  }

  /**
   * Change the weights of a query on the `seen` keys that it sees.
   * @param {number} layer
   * @param {number} head
   * @param {number} query
   * @param {number} at
   * @param {number} seen
   */
  weights(layer, head, query, at, seen) {
    const { floats } = this;
    for (const { position, key, change } of this.#edits.get(nameOf("pattern", layer, head)) ?? []) {
      if (position !== null && position !== query) continue;
      if (key === null) {
        floats.fill(0, at, at + seen);
        floats[at + (change === "first" ? 0 : change === "previous" ? Math.max(query - 1, 0) : query)] = 1;
      } else if (key < seen) {
        // The others keep their proportions; if they are all 0, they stay so.
        floats[at + key] = 0;
        let others = 0;
        for (let i = at; i < at + seen; i++) others += floats[i];
        const factor = others > 0 ? (1 - Number(change)) / others : 0;
        for (let i = at; i < at + seen; i++) floats[i] *= factor;
        floats[at + key] = Number(change);
      }
    }
  }

  /**
   * Put values into `count` rows of an activation.
   * @param {Exclude<Activation, "pattern">} activation
   * @param {number} layer
   * @param {number | null} head
   * @param {Rows} rows
   * @param {number} first position of the first row
   * @param {number} count
   * @param {number} width
   */
  rows(activation, layer, head, rows, first, count, width) {
    const { floats } = this;
    for (const { position, values } of this.#edits.get(nameOf(activation, layer, head)) ?? []) {
      for (let place = first; place < first + count; place++) {
        if (position !== null && position !== place) continue;
        const at = rows.at + (place - first) * rows.stride;
        const from = values && values.length > width ? place * width : 0;
        if (values) floats.set(values.subarray(from, from + width), at);
        else floats.fill(0, at, at + width);
      }
    }
  }
}
