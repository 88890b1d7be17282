// Texts about position encodings, in English and Korean. `{0}`, `{1}` … are placeholders.

/** @type {import("./words.js").Strings} */
const OF_A_MODEL = {
  en: {
    "sheet-position-table": "Vectors", "sheet-position-cosine": "Cosine by offset", "sheet-position-dot": "Inner product by offset",
    "sheet-rope-angles": "Angles", "sheet-rope-cosine": "Similarity by offset", "sheet-rope-bound": "Bound by offset",
    "sheet-position-bias": "Bias", "sheet-position-bias-lines": "Bias as lines",
    "story-position-table": "The vectors that are added to the embeddings: a row is a position, a column a dimension. Sines and cosines are P[p, 2i] = sin(p / 10000^(2i/d)) and P[p, 2i+1] = cos(p / 10000^(2i/d)), here times a constant (Vaswani et al. 2017, §3.5); a learned table has a free row for each position.",
    "story-position-cosine": "The cosine of the angle between the vectors of two positions i and j by their offset |i − j|: the line is the mean over all pairs, the bands are one standard deviation and the smallest and largest. Where the bands are narrow, only the offset matters.",
    "story-position-dot": "The inner product of the vectors of two positions i and j by their offset |i − j|: mean over all pairs, one standard deviation, smallest and largest.",
    "story-rope-angles": "RoPE rotates each pair of dimensions of a query or key by position × radians (Su et al. 2021, eq. 15): a row is a pair, a column a position, colour the angle from −π (orange) to π (blue). Early pairs turn fast, late ones slowly. The score q·k then depends on the offset of the two positions only.",
    "story-rope-cosine": "A vector whose pairs are equally long, compared with itself rotated by an offset: the mean of cos(offset × radians) over the pairs, with their standard deviation, smallest and largest.",
    "story-rope-bound": "The mean of |S_j| over the pairs, S_j = Σ e^(i·offset·radians) of the pairs before j: the bound that falls with the offset (Su et al. 2021, §3.4.3).",
    "story-position-bias": "What is added to the scaled scores of each head by the offset query − key, before the softmax. ALiBi: −slope × distance (Press et al. 2022, §3). T5: a learned number for each bucket of offsets (Raffel et al. 2020, §2.1).",
    "story-position-bias-lines": "The bias of each head as a line over query − key: the steeper a line, the nearer the head is held.",
  },
  ko: {
    "sheet-position-table": "위치 벡터", "sheet-position-cosine": "거리별 코사인", "sheet-position-dot": "거리별 내적",
    "sheet-rope-angles": "회전각", "sheet-rope-cosine": "거리별 유사도", "sheet-rope-bound": "거리별 상한",
    "sheet-position-bias": "편향", "sheet-position-bias-lines": "편향(선)",
    "story-position-table": "임베딩에 더하는 벡터입니다. 행은 위치, 열은 차원입니다. 사인·코사인 인코딩은 P[p, 2i] = sin(p / 10000^(2i/d)), P[p, 2i+1] = cos(p / 10000^(2i/d))에 상수를 곱한 값이고(Vaswani et al. 2017, §3.5), 학습된 표에서는 위치마다 행을 따로 학습합니다.",
    "story-position-cosine": "두 위치 i, j의 벡터가 이루는 각의 코사인을 거리 |i − j|에 따라 나타냈습니다. 선은 모든 쌍의 평균, 띠는 표준편차와 최솟값·최댓값입니다. 띠가 좁으면 거리만으로 정해지는 것입니다.",
    "story-position-dot": "두 위치 i, j의 벡터의 내적을 거리 |i − j|에 따라 나타냈습니다. 선은 모든 쌍의 평균, 띠는 표준편차와 최솟값·최댓값입니다.",
    "story-rope-angles": "RoPE는 쿼리와 키의 차원 쌍을 위치 × 각속도만큼 회전합니다(Su et al. 2021, 식 15). 행은 차원 쌍, 열은 위치이고 색은 −π(주황)부터 π(파랑)까지의 각입니다. 앞쪽 쌍은 빠르게, 뒤쪽 쌍은 느리게 돕니다. 그래서 점수 q·k는 두 위치의 차이로만 달라집니다.",
    "story-rope-cosine": "모든 쌍의 길이가 같은 벡터를 거리만큼 회전한 자신과 비교했습니다. cos(거리 × 각속도)의 쌍에 대한 평균과 표준편차, 최솟값·최댓값입니다.",
    "story-rope-bound": "쌍에 대한 |S_j|의 평균입니다. S_j는 j보다 앞선 쌍들의 e^(i·거리·각속도)의 합이며, 거리가 멀수록 줄어드는 상한입니다(Su et al. 2021, §3.4.3).",
    "story-position-bias": "softmax 전에 헤드마다 스케일된 점수에 더하는 값을 (쿼리 − 키)에 따라 나타냈습니다. ALiBi는 −기울기 × 거리(Press et al. 2022, §3), T5는 거리 구간마다 학습한 값입니다(Raffel et al. 2020, §2.1).",
    "story-position-bias-lines": "헤드마다 편향을 (쿼리 − 키)에 대한 선으로 나타냈습니다. 가파를수록 가까운 곳만 봅니다.",
  },
};

/**
 * The texts of a language model's sheets, and of the encoder's and decoder's.
 * @returns {import("./words.js").Strings}
 */
export function positionStrings() {
  const parts = { en: { encoder: "Encoder", decoder: "Decoder" }, ko: { encoder: "인코더", decoder: "디코더" } };
  /** @type {import("./words.js").Strings} */
  const all = { en: { ...OF_A_MODEL.en }, ko: { ...OF_A_MODEL.ko } };
  for (const language of /** @type {const} */ (["en", "ko"])) {
    for (const [key, text] of Object.entries(OF_A_MODEL[language])) {
      const [kind, ...name] = key.split("-");
      for (const [part, label] of Object.entries(parts[language])) {
        all[language][`${kind}-${part}-${name.join("-")}`] = kind === "sheet" ? `${label}: ${text}` : text;
      }
    }
  }
  return all;
}
