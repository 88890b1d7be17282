// The merges of byte-pair encoding (Sennrich et al. 2016), in order of rank.

/** A pair that could be merged. @typedef {{ rank: number, at: number, first: number, second: number, merged: number }} Candidate */

export class Merges {
  /** Rank and result of the merge of two tokens, by `first * size + second`. @type {Map<number, [rank: number, merged: number]>} */
  #merges = new Map();

  /**
   * @param {number} size number of tokens
   * @param {[first: number, second: number, merged: number][]} merges in order of rank
   */
  constructor(size, merges) {
    this.size = size;
    merges.forEach(([first, second, merged], rank) => {
      // Of a pair that stands there twice, the later one counts, as in the library.
      this.#merges.set(first * size + second, [rank, merged]);
    });
  }

  /**
   * Merge the pair of least rank, the leftmost of equal ones, as long as there is one.
   * @param {number[]} ids
   * @returns {number[]}
   */
  apply(ids) {
    const n = ids.length;
    const tokens = [...ids];
    // Neighbours of each place; a place whose token became part of the one before is -1.
    const before = Int32Array.from({ length: n }, (_, i) => i - 1);
    const after = Int32Array.from({ length: n }, (_, i) => i + 1);
    /** @type {Candidate[]} */
    const heap = [];
    const consider = (/** @type {number} */ at) => {
      if (at < 0 || after[at] >= n) return;
      const [first, second] = [tokens[at], tokens[after[at]]];
      const merge = this.#merges.get(first * this.size + second);
      if (merge) push(heap, { rank: merge[0], at, first, second, merged: merge[1] });
    };
    for (let at = 0; at + 1 < n; at++) consider(at);
    for (let best = pop(heap); best; best = pop(heap)) {
      const { at, first, second, merged } = best;
      // Its tokens may have been merged with others meanwhile.
      if (tokens[at] !== first || after[at] >= n || tokens[after[at]] !== second) continue;
      const gone = after[at];
      tokens[at] = merged;
      tokens[gone] = -1;
      after[at] = after[gone];
      if (after[at] < n) before[after[at]] = at;
      consider(before[at]);
      consider(at);
    }
    return tokens.filter((token) => token >= 0);
  }
}

/** @param {Candidate} a @param {Candidate} b */
const precedes = (a, b) => a.rank < b.rank || (a.rank === b.rank && a.at < b.at);

/**
 * Add to a binary heap.
 * @param {Candidate[]} heap
 * @param {Candidate} candidate
 */
function push(heap, candidate) {
  let at = heap.length;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!precedes(candidate, heap[parent])) break;
    heap[at] = heap[parent];
    at = parent;
  }
  heap[at] = candidate;
}

/**
 * Remove the first of a binary heap.
 * @param {Candidate[]} heap
 * @returns {Candidate | null}
 */
function pop(heap) {
  const first = heap[0];
  const last = heap.pop();
  if (!first || !last) return null;
  if (heap.length === 0) return first;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && precedes(heap[child + 1], heap[child])) child++;
    if (!precedes(heap[child], last)) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = last;
  return first;
}
