// The values that edits put in place: means over a text, and those of another text.

/** @import { Edit } from "./live-edits.js" */
/** @import { Reading } from "./live-reading.js" */

/**
 * An edit with its values: one row of numbers, or one for each position; null for those that need none.
 * @typedef {Edit & { values: Float32Array | null }} Resolved
 */

/**
 * Return the edits with their values, which are those of passes without edits.
 *
 * `mean` is the mean over all positions of the text, as `--edit "… = mean 'TEXT'"` takes it: a text that is longer than the trained
 * length is read in windows of that length.
 * @param {Edit[]} edits
 * @param {Reading} plain the text as it is
 * @param {Reading} other the second sentence; after a mean over a long text it holds a part of that
 * @returns {Resolved[]}
 */
export function withValues(edits, plain, other) {
  const resolved = edits.map((edit) => ({ ...edit, values: edit.change === "from" ? ofOther(edit, other) : null }));
  const averaged = resolved.filter((edit) => edit.change === "mean");
  if (averaged.length) {
    const means = meansOf(averaged, plain, other);
    averaged.forEach((edit, i) => { edit.values = means[i]; });
  }
  return resolved;
}

/**
 * @param {Edit} edit
 * @param {Reading} other
 */
function ofOther(edit, other) {
  const { at, stride, width, rows } = other.rowsOf(edit);
  const places = edit.position === null ? other.tokens.map((_, place) => place) : [edit.position];
  const values = new Float32Array(places.length * width);
  places.forEach((place, i) => values.set(rows.subarray(at + place * stride, at + place * stride + width), i * width));
  return values;
}

/**
 * @param {Edit[]} edits
 * @param {Reading} plain
 * @param {Reading} scratch
 */
function meansOf(edits, plain, scratch) {
  const ids = plain.tokens;
  const { context_len } = plain.model.config;
  /** @type {Float64Array[]} */
  const sums = [];
  const addRows = (/** @type {Reading} */ reading) => edits.forEach((edit, i) => {
    const { at, stride, width, rows } = reading.rowsOf(edit);
    sums[i] ??= new Float64Array(width);
    for (let place = 0; place < reading.tokens.length; place++) {
      for (let j = 0, from = at + place * stride; j < width; j++) sums[i][j] += rows[from + j];
    }
  });
  if (ids.length <= context_len) addRows(plain);
  else {
    for (let from = 0; from < ids.length; from += context_len) {
      scratch.read(ids.slice(from, from + context_len));
      addRows(scratch);
    }
  }
  return sums.map((sum) => Float32Array.from(sum, (x) => x / ids.length));
}

/**
 * The first row that two lists of edits compute differently; infinity if they are the same.
 * @param {Resolved[]} a
 * @param {Resolved[]} b
 */
export function firstDifference(a, b) {
  const same = (/** @type {Resolved} */ one, /** @type {Resolved | undefined} */ other) => other !== undefined && one.activation === other.activation
    && one.layer === other.layer && one.head === other.head && one.position === other.position && one.key === other.key && one.change === other.change
    && one.values?.length === other.values?.length && (one.values?.every((x, i) => x === other.values?.[i]) ?? true);
  // Lists usually differ in one edit, often the last: what they have in common at both ends does not matter.
  let begin = 0;
  while (begin < a.length && same(a[begin], b[begin])) begin++;
  let [endA, endB] = [a.length, b.length];
  while (endA > begin && endB > begin && same(a[endA - 1], b[endB - 1])) [endA, endB] = [endA - 1, endB - 1];
  return Math.min(Infinity, ...[...a.slice(begin, endA), ...b.slice(begin, endB)].map(({ position }) => position ?? 0));
}
