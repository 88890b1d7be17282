// Sampling the next token from logits: the stages of `sisun sample`, and what each removes.

/** @typedef {{ temperature: number, top_k: number, top_p: number }} SamplerChoices */

/**
 * A token that may come next.
 * @typedef {object} NextToken
 * @property {number} id
 * @property {number} probability under the model
 * @property {"top_k" | "top_p" | null} removed the stage that removes it
 * @property {number} drawn the probability that it is drawn
 */

/**
 * @typedef {object} Next
 * @property {NextToken[]} listed the most likely tokens, the likeliest first
 * @property {{ vocabulary: number, top_k: number, top_p: number }} left number of tokens that each stage leaves
 * @property {NextToken[]} open the tokens that can be drawn
 */

/**
 * Return the probability of each token.
 * @param {Float32Array} logits
 * @returns {Float64Array}
 */
export function probabilitiesOf(logits) {
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const weights = Float64Array.from(logits, (logit) => Math.exp(logit - most));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

/**
 * Apply temperature, top-k (Fan et al. 2018) and top-p (Holtzman et al. 2020), in this order. Temperature 0 leaves only the
 * likeliest token.
 * @param {Float32Array} logits
 * @param {SamplerChoices} sampler
 * @param {number} count number of tokens to list
 * @returns {Next}
 */
export function nextTokens(logits, { temperature, top_k, top_p }, count) {
  const probabilities = probabilitiesOf(logits);
  const order = Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a] || a - b);
  const vocabulary = order.length;
  const keptByK = temperature === 0 ? 1 : top_k > 0 ? Math.min(top_k, vocabulary) : vocabulary;
  const weights = order.slice(0, keptByK).map((id) => (temperature === 0 ? 1 : Math.exp((logits[id] - logits[order[0]]) / temperature)));
  let keptByP = keptByK;
  if (top_p < 1) {
    const enough = top_p * weights.reduce((a, b) => a + b, 0);
    keptByP = 0;
    for (let reached = 0; keptByP < keptByK && reached < enough; keptByP++) reached += weights[keptByP];
    keptByP = Math.max(keptByP, 1);
  }
  const total = weights.slice(0, keptByP).reduce((a, b) => a + b, 0);
  const token = (/** @type {number} */ rank) => {
    /** @type {NextToken["removed"]} */
    const removed = rank >= keptByK ? "top_k" : rank >= keptByP ? "top_p" : null;
    return { id: order[rank], probability: probabilities[order[rank]], removed, drawn: removed ? 0 : weights[rank] / total };
  };
  return {
    listed: Array.from({ length: Math.min(count, vocabulary) }, (_, rank) => token(rank)),
    left: { vocabulary, top_k: keptByK, top_p: keptByP },
    open: Array.from({ length: keptByP }, (_, rank) => token(rank)),
  };
}

/**
 * Draw one of the tokens that are left, by a number from 0 to 1.
 * @param {NextToken[]} open
 * @param {number} random
 * @returns {number}
 */
export function draw(open, random) {
  let left = random;
  for (const { id, drawn } of open) {
    left -= drawn;
    if (left < 0) return id;
  }
  return open[open.length - 1].id;
}
