// Every word of the page of a trace, in English and in Korean.

const STRINGS = {
  en: {
    "language": "Language", "theme": "Theme", "theme-auto": "as the system", "theme-light": "light", "theme-dark": "dark",
    "map": "Colours", "map-blues": "Blues", "map-viridis": "Viridis", "map-cividis": "Cividis", "map-magma": "Magma",
    "story": "A language model writes one token at a time: it gives every token a probability, the sampler leaves some out, and chance decides. Go through the text and see how each token came about.",
    "fact-step": "step {0}", "fact-tokens": "{0} tokens written after {1}", "fact-one": "1 token written after {1}",
    "fact-temperature": "temperature {0}", "fact-greedy": "temperature 0 (greedy)", "fact-top_k": "top-k {0}", "fact-top_p": "top-p {0}", "fact-min_p": "min-p {0}",
    "fact-repetition_penalty": "repetition penalty {0}", "fact-seed": "seed {0}",
    "text": "The text, token by token", "prompt": "Prompt", "nothing": "The model wrote nothing.",
    "legend-surprise": "The stronger the colour, the less likely the model found the token:",

    "step": "Token", "place": "token {0} of {1}", "before": "previous token", "after": "next token", "play": "play", "pause": "pause",
    "speed": "Speed", "speed-slow": "slow", "speed-normal": "normal", "speed-fast": "fast",
    "course": "Entropy and surprise of each token. Click to go there.",
    "nats": "{0} nats", "entropy": "entropy {0} nats", "logprob": "log-probability {0} nats",
    "entropy-title": "How undecided the model was: −Σ p ln p. As undecided as among {0} equally likely tokens.",
    "logprob-title": "ln p of the chosen token; the line shows −ln p, its surprise.",

    "candidates": "What could have come", "col-token": "token", "col-model": "model", "col-tempered": "after temperature {0}", "col-penalised": "after penalty",
    "col-both": "after penalty and temperature {0}", "col-drawn": "drawn with",
    "drawn": "drawn", "taken": "taken", "others": "{0} others", "removed-greedy": "greedy", "removed-top_k": "top-k", "removed-top_p": "top-p", "removed-min_p": "min-p",
    "what-greedy": "left out: temperature 0 takes the likeliest token only", "what-top_k": "left out by top-k: not among the {0} likeliest",
    "what-top_p": "left out by top-p: the likelier ones already reach {0} together", "what-min_p": "left out by min-p: less than {0} times as likely as the likeliest",
    "stages": "How many tokens each stage left", "stage-vocabulary": "vocabulary",
    "why": "After {0} the model gave {1} a probability of {2} ({3}).", "rank-first": "the likeliest of {1}", "rank": "number {0} of {1}", "rank-below": "below its {0} likeliest",
    "why-drawn": "Of the {0} tokens left it was drawn with a probability of {1}.", "why-all": "Of all {0} tokens it was drawn with a probability of {1}.",
    "why-only": "It was the only token left.", "why-greedy": "Temperature 0 always takes the likeliest.", "why-penalised": "Temperature 0 takes the likeliest after the penalty for repetition.",

    "looking": "Where the model looked", "looking-story": "To choose this token, the last token read (underlined) looked back at the others: the stronger the colour, the more it took from there.",
    "mean": "Mean of all heads", "layer-head": "layer {0} · head {1}", "layers": "{0} layers", "one-layer": "1 layer", "heads": "{0} heads", "one-head": "1 head", "layer-of": "layer {0}",
    "heads-grid": "Heads: rows are layers, columns are heads", "heads-hint": "head",
    "keys-seen": "The tokens the model saw, by attention weight. Arrow keys go through them while this has the focus.", "strongest": "It looked most at",
    "weight": "{0}: {1}", "weight-hint": "Point at a token to read its weight.", "unseen": "The first {0} tokens had left the context window: the model no longer saw them.",
    "unseen-one": "The first token had left the context window: the model no longer saw it.",
    "legend-weight": "attention weight:", "scale-root": "square-root scale", "scale-sum": "all weights sum to 1",

    "again": "Write it again", "again-text": "The seed decides every draw, so this command writes the same text. RUN is the directory of the run.", "copy": "Copy command", "copied": "Copied.", "copy-by-hand": "Selected: copy it with your keys.",
    "link": "Copy link to this step", "link-done": "Link copied.", "link-shown": "Copy the address of this page: it opens exactly this step.",
    "keys": "Keys", "close": "Close", "help-step": "previous and next token (with Shift by ten); , and . do so everywhere", "help-ends": "first and last token", "help-play": "play and pause",
    "help-head": "previous and next head", "help-mean": "mean of all heads", "help-help": "these keys", "space": "Space",
    "damaged": "This page is damaged: block {0} has {1} bytes and {2} were expected. Please write it again.",
    "old": "This browser cannot unpack where the model looked: that needs Chrome or Edge 103, Firefox 113, Safari 16.4 or later.",
    "trouble": "Something went wrong, and a part of the page may be missing: {0}",
  },
  ko: {
    "language": "언어", "theme": "화면", "theme-auto": "시스템 설정", "theme-light": "밝게", "theme-dark": "어둡게",
    "map": "색", "map-blues": "Blues", "map-viridis": "Viridis", "map-cividis": "Cividis", "map-magma": "Magma",
    "story": "언어 모델은 토큰을 하나씩 씁니다. 모든 토큰에 확률을 매기고, 샘플러가 일부를 걸러 낸 뒤, 남은 것 가운데 하나를 무작위로 뽑습니다. 글을 따라가며 토큰마다 어떻게 나왔는지 살펴보세요.",
    "fact-step": "{0} 스텝", "fact-tokens": "토큰 {1}개 뒤에 {0}개를 씀", "fact-one": "토큰 {1}개 뒤에 1개를 씀",
    "fact-temperature": "온도(temperature) {0}", "fact-greedy": "온도 0(greedy)", "fact-top_k": "top-k {0}", "fact-top_p": "top-p {0}", "fact-min_p": "min-p {0}",
    "fact-repetition_penalty": "반복 벌점 {0}", "fact-seed": "시드 {0}",
    "text": "토큰으로 나눈 글", "prompt": "프롬프트", "nothing": "모델이 쓴 글이 없습니다.",
    "legend-surprise": "색이 강할수록 모델이 낮은 확률을 매긴 토큰입니다:",

    "step": "토큰", "place": "토큰 {0}/{1}", "before": "이전 토큰", "after": "다음 토큰", "play": "재생", "pause": "멈춤",
    "speed": "속도", "speed-slow": "느리게", "speed-normal": "보통", "speed-fast": "빠르게",
    "course": "토큰별 엔트로피와 놀라움(−ln p). 누르면 그 토큰으로 갑니다.",
    "nats": "{0} nat", "entropy": "엔트로피 {0} nat", "logprob": "로그 확률 {0} nat",
    "entropy-title": "모델이 얼마나 망설였는지: −Σ p ln p. 확률이 같은 토큰 {0}개 사이에서 망설인 정도입니다.",
    "logprob-title": "뽑힌 토큰의 ln p입니다. 그래프에는 −ln p, 곧 놀라움을 그립니다.",

    "candidates": "나올 수 있었던 토큰", "col-token": "토큰", "col-model": "모델의 확률", "col-tempered": "온도 {0} 적용 후", "col-penalised": "반복 벌점 적용 후",
    "col-both": "벌점과 온도 {0} 적용 후", "col-drawn": "뽑힐 확률",
    "drawn": "뽑힘", "taken": "선택", "others": "나머지 {0}개", "removed-greedy": "greedy", "removed-top_k": "top-k", "removed-top_p": "top-p", "removed-min_p": "min-p",
    "what-greedy": "제외됨: 온도가 0이면 확률이 가장 높은 토큰만 고릅니다", "what-top_k": "top-k로 제외됨: 확률 상위 {0}개에 들지 않습니다",
    "what-top_p": "top-p로 제외됨: 더 높은 토큰들의 확률 합이 이미 {0}에 이릅니다", "what-min_p": "min-p로 제외됨: 1위 확률의 {0}배보다 낮습니다",
    "stages": "단계마다 남은 토큰 수", "stage-vocabulary": "어휘",
    "why": "{0} 다음 토큰으로, 모델은 {1}에 {2}의 확률을 매겼습니다({3}).", "rank-first": "{1}개 중 1위", "rank": "{1}개 중 {0}위", "rank-below": "상위 {0}위 밖",
    "why-drawn": "남은 토큰 {0}개 가운데 {1}의 확률로 뽑혔습니다.", "why-all": "전체 토큰 {0}개 가운데 {1}의 확률로 뽑혔습니다.",
    "why-only": "남은 토큰은 이것뿐이었습니다.", "why-greedy": "온도가 0이면 언제나 확률이 가장 높은 토큰을 고릅니다.", "why-penalised": "온도가 0이면 반복 벌점을 적용한 뒤 확률이 가장 높은 토큰을 고릅니다.",

    "looking": "모델이 본 곳", "looking-story": "이 토큰을 고를 때 마지막으로 읽은 토큰(밑줄)이 앞의 토큰들을 돌아본 모습입니다. 색이 강할수록 그곳에서 정보를 많이 가져왔습니다.",
    "mean": "모든 헤드의 평균", "layer-head": "층 {0} · 헤드 {1}", "layers": "{0}개 층", "one-layer": "1개 층", "heads": "헤드 {0}개", "one-head": "헤드 1개", "layer-of": "층 {0}",
    "heads-grid": "헤드: 행은 층, 열은 헤드", "heads-hint": "헤드",
    "keys-seen": "모델이 본 토큰과 어텐션 가중치. 초점이 여기 있을 때 화살표 키로 토큰을 옮겨 봅니다.", "strongest": "가장 많이 본 토큰",
    "weight": "{0}: {1}", "weight-hint": "토큰을 가리키면 가중치가 나옵니다.", "unseen": "처음 {0}개 토큰은 문맥 창을 벗어나 모델이 더 이상 보지 못했습니다.",
    "unseen-one": "첫 토큰은 문맥 창을 벗어나 모델이 더 이상 보지 못했습니다.",
    "legend-weight": "어텐션 가중치:", "scale-root": "제곱근 눈금", "scale-sum": "가중치의 합은 1",

    "again": "다시 써 보기", "again-text": "무작위 뽑기는 모두 시드로 정해지므로, 이 명령을 실행하면 같은 글이 나옵니다. RUN은 학습 결과(run) 디렉터리입니다.", "copy": "명령 복사", "copied": "복사했습니다.", "copy-by-hand": "명령을 선택했습니다. 복사 단축키를 누르세요.",
    "link": "이 토큰의 링크 복사", "link-done": "링크를 복사했습니다.", "link-shown": "주소창의 주소를 복사하면 이 화면이 그대로 열립니다.",
    "keys": "단축키", "close": "닫기", "help-step": "이전·다음 토큰(Shift와 함께 누르면 열 개씩). , 와 . 는 어디서나 됩니다", "help-ends": "처음·마지막 토큰", "help-play": "재생·멈춤",
    "help-head": "이전·다음 헤드", "help-mean": "모든 헤드의 평균", "help-help": "이 단축키 목록", "space": "스페이스",
    "damaged": "페이지가 손상되었습니다. 블록 {0}의 크기가 {2}바이트여야 하는데 {1}바이트입니다. 다시 만들어 주세요.",
    "old": "이 브라우저에서는 모델이 본 곳을 보일 수 없습니다. Chrome·Edge 103, Firefox 113, Safari 16.4 이상에서 열어 주세요.",
    "trouble": "문제가 생겨 페이지 일부가 보이지 않을 수 있습니다: {0}",
  },
};

/** "4 layers × 4 heads" */
const shapeOf = ({ layers, heads }) => `${say(layers === 1 ? "one-layer" : "layers", layers)} × ${say(heads === 1 ? "one-head" : "heads", heads)}`;

const find = (id) => document.getElementById(id);

/** A probability as a reader takes it in. */
function percent(p) {
  if (!Number.isFinite(p)) return "–";
  if (p > 0 && p < 0.00005) return "<0.01%";
  return `${(100 * p).toFixed(p === 0 ? 0 : p < 0.0995 ? 2 : 1)}%`;
}

/** A count with its thousands apart. */
const counted = (n) => n.toLocaleString(language);
