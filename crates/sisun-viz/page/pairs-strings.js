// The texts of the page of a source and its target, in English and Korean. `{0}`, `{1}` … are placeholders.

/** @type {import("./words.js").Strings} */
export const PAIRS_STRINGS = {
  en: {
    "source": "Source", "target": "Target", "parts": "Attention of", "heads": "Heads",
    "part-cross": "Cross-attention", "part-encoder": "Encoder", "part-decoder": "Decoder",
    "story-cross": "Each row is a token of the target, as it is written. Its cells show how much the decoder looks at each token of the source; a row adds up to 1.",
    "story-encoder": "Each row is a token of the source. It may look at every token of the source, also at later ones.",
    "story-decoder": "Each row is a token that the decoder reads: it predicts the next one, and looks only at those before it.",
    "hint": "Point at a cell, or move with the arrow keys.", "hint-touch": "Tap a cell to read it.",
    "reads-cross": "writing {0}, the decoder looks at {1}", "reads": "{0} looks at {1}",
    "is-aligned": "true alignment", "aligned": "the true alignment; {0} of the weight of its rows lies in it",
    "best": "best for this pair ★", "without": "Without this head the model writes", "without-context": "Without the context the model writes",
    "without-changed": "another target; the log-probability of the one above changes by {0}", "without-same": "the same target; its log-probability changes by {0}",
    "old": "This browser is too old to decode the patterns.",
  },
  ko: {
    "source": "입력", "target": "출력", "parts": "어텐션", "heads": "헤드",
    "part-cross": "교차 어텐션", "part-encoder": "인코더", "part-decoder": "디코더",
    "story-cross": "행은 디코더가 쓰는 출력 토큰이고, 칸은 그때 입력의 각 토큰을 보는 정도입니다. 한 행의 합은 1입니다.",
    "story-encoder": "행은 입력의 토큰입니다. 뒤에 오는 토큰까지 입력 전체를 볼 수 있습니다.",
    "story-decoder": "행은 디코더가 읽는 토큰입니다. 다음 토큰을 예측하며, 앞에 있는 토큰만 봅니다.",
    "hint": "칸을 가리키거나 화살표 키로 움직이세요.", "hint-touch": "칸을 누르면 값이 나옵니다.",
    "reads-cross": "{0}을(를) 쓸 때 {1}을(를) 봅니다", "reads": "{0}이(가) {1}을(를) 봅니다",
    "is-aligned": "참 정렬", "aligned": "참 정렬. 해당 행의 가중치 가운데 {0}가 그 안에 있습니다",
    "best": "이 쌍에서 가장 잘 맞음 ★", "without": "이 헤드가 없으면 모델은 이렇게 씁니다", "without-context": "문맥 벡터가 없으면 모델은 이렇게 씁니다",
    "without-changed": "출력이 달라졌습니다. 위 출력의 로그 확률은 {0}만큼 변합니다", "without-same": "출력이 같습니다. 로그 확률은 {0}만큼 변합니다",
    "old": "브라우저가 너무 오래되어 패턴을 읽을 수 없습니다.",
  },
};
