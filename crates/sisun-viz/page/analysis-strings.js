// The texts of the page of an analysis, in English and Korean. `{0}`, `{1}` … are placeholders.

/** @type {import("./words.js").Strings} */
export const ANALYSIS_STRINGS = {
  en: {
    "read": "Text", "sheets": "Sheets",
    "sheet-lens": "Most likely token", "sheet-lens-next": "Token that follows", "sheet-attribution": "Contributions",
    "sheet-copying": "Copying", "sheet-composition-q": "Q-composition", "sheet-composition-k": "K-composition", "sheet-composition-v": "V-composition",
    "story-lens": "Logit lens: final norm and head applied after each layer. A cell is the token that the model would write after the token above it if the layer were the last; darker is more likely.",
    "story-lens-next": "The probability that each layer gives the token that really follows, and its rank among all tokens.",
    "story-attribution": "What each part of the model adds to the logit of the answer (less that of the other answer), at each position: blue raises it, orange lowers it. The parts add up to the model's own logit; the last row is their sum.",
    "story-copying": "1: a head that attends to a token raises the logit of the same token. −1: it lowers it. Read from the weights alone: the sum of the eigenvalues of W_E·W_V·W_O·W_U over the sum of their moduli.",
    "story-composition-q": "How much of what the head of the row writes the head of the column reads in its queries, less what random heads have.",
    "story-composition-k": "How much of what the head of the row writes the head of the column reads in its keys, less what random heads have.",
    "story-composition-v": "How much of what the head of the row writes the head of the column reads in its values, less what random heads have.",
    "hint": "Point at a cell; click to keep it, or move with the arrow keys.",
    "cell": "{0} · {1}", "top": "Most likely tokens", "largest": "Largest contributions at {0}", "sum": "sum",
    "old": "This browser is too old to decode the numbers.",
  },
  ko: {
    "read": "글", "sheets": "표",
    "sheet-lens": "가장 가능성 높은 토큰", "sheet-lens-next": "실제 다음 토큰", "sheet-attribution": "기여도",
    "sheet-copying": "복사 점수", "sheet-composition-q": "Q 합성", "sheet-composition-k": "K 합성", "sheet-composition-v": "V 합성",
    "story-lens": "로짓 렌즈: 각 층 뒤에 마지막 정규화와 출력 헤드를 적용했습니다. 칸은 그 층이 마지막이라면 모델이 위 토큰 다음에 쓸 토큰이며, 진할수록 확률이 높습니다.",
    "story-lens-next": "각 층이 실제 다음 토큰에 주는 확률과, 전체 토큰 가운데 순위입니다.",
    "story-attribution": "모델의 각 부분이 위치마다 정답의 로짓(다른 답의 로짓을 뺀 값)에 더하는 값입니다. 파란색은 올리고 주황색은 내립니다. 모두 더하면 모델의 로짓이 되며, 마지막 행이 그 합입니다.",
    "story-copying": "1이면 헤드가 본 토큰과 같은 토큰의 로짓을 올리고, −1이면 내립니다. 가중치만으로 계산합니다: W_E·W_V·W_O·W_U의 고윳값의 합을 절댓값의 합으로 나눈 값입니다.",
    "story-composition-q": "행의 헤드가 쓴 것을 열의 헤드가 쿼리에서 읽는 정도에서 무작위 헤드의 값을 뺀 것입니다.",
    "story-composition-k": "행의 헤드가 쓴 것을 열의 헤드가 키에서 읽는 정도에서 무작위 헤드의 값을 뺀 것입니다.",
    "story-composition-v": "행의 헤드가 쓴 것을 열의 헤드가 밸류에서 읽는 정도에서 무작위 헤드의 값을 뺀 것입니다.",
    "hint": "칸을 가리키세요. 누르면 고정되고, 화살표 키로 움직입니다.",
    "cell": "{0} · {1}", "top": "가장 가능성 높은 토큰", "largest": "{0}에서 가장 큰 기여", "sum": "합",
    "old": "브라우저가 너무 오래되어 숫자를 읽을 수 없습니다.",
  },
};
