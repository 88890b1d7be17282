// Every word of the interface, in English and in Korean. `{0}`, `{1}` … stand for what the page fills in.

const STRINGS = {
  en: {
    "language": "Language", "theme": "Theme", "theme-auto": "as the system", "theme-light": "light", "theme-dark": "dark",
    "unit": "By", "unit-token": "token", "unit-word": "word", "unit-character": "character",
    "map": "Colours", "scale": "Scale", "scale-linear": "linear", "scale-root": "square root",
    "map-blues": "Blues", "map-viridis": "Viridis", "map-cividis": "Cividis", "map-magma": "Magma",
    "views": "Views", "tab-grid": "All heads", "tab-head": "One head", "tab-text": "In the text", "tab-worked": "Step by step",
    "tab-table": "Statistics",
    "sentence": "The text the model read", "layer": "Layer", "head": "Head", "head-before": "previous head", "head-after": "next head",
    "layers": "{0} layers", "heads": "{0} heads each", "tokens": "{0} tokens", "step": "step {0}", "dimensions": "{0} dimensions a head",
    "one-layer": "1 layer", "one-head": "1 head", "runs": "{0} models side by side", "checkpoints": "{0} checkpoints",
    "position-none": "no position encoding", "position-learned": "learned positions", "position-sinusoidal": "sinusoidal positions",
    "position-rope": "RoPE", "position-alibi": "ALiBi", "position-t5_bias": "T5 relative bias",
    "not-causal": "sees both sides",

    "story-grid": "Each square is one head, and each row in it a token looking back: see how every head has a habit of its own.",
    "story-head": "Each row is a token looking back: the stronger the colour, the more it takes from the token below.",
    "story-text": "A line leads from the token that looks, on the left, to the token it looks at; the stronger the line, the greater the weight.",
    "story-worked": "How one token decides where to look, with the model’s own numbers: compare, scale, softmax, and mix the values.",
    "story-table": "What each head does, in numbers: sort by a column to find a habit, and open the head to see it.",
    "story-grid-both": "Each square is one head, and each row in it a token looking around: see how every head has a habit of its own.",
    "story-head-both": "Each row is a token looking around: the stronger the colour, the more it takes from the token below.",
    "story-rollout": "All layers together: how much of each token’s beginning is left in each token’s end (attention rollout, Abnar & Zuidema 2020).",

    "legend-rows": "Rows are queries (the token that looks), columns are keys (the token looked at). Each row sums to 1.",
    "legend-weight": "attention weight", "legend-hidden": "hidden: comes later",
    "legend-pooled": "Where a pixel has to stand for several cells, it shows the largest.",
    "legend-unit": "Keys of a {0} are summed, its queries averaged (Clark et al. 2019, §4.1).",
    "legend-lines": "Opacity of a line = weight, on the scale chosen above.",
    "legend-faint": "Weights under {0} are left out until you point at a token.",
    "legend-vectors": "Vectors: one cell per dimension, blue above zero and orange below; q and k up to ±{0}, v and z up to ±{1}.",
    "legend-habits": "A name under a head: most of its attention goes there.",
    "axis-query": "Query (looking)", "axis-key": "Key (looked at)",
    "rollout": "All layers (rollout)", "layer-head": "layer {0} · head {1}", "layer-of": "layer {0}", "head-of": "head {0}",
    "habit-previous": "previous", "habit-first": "first", "habit-same": "same token", "habit-induction": "induction",
    "habit-text": "{0} of its attention goes to {1}.",
    "to-previous": "the token just before", "to-first": "the first token", "to-same": "an earlier copy of the token (on repeated random text)",
    "to-induction": "what followed an earlier copy (induction, on repeated random text)",
    "hint": "Point at a cell to read its weight; click to keep it.", "hint-text": "Point at a token to follow its lines; click to keep it.",
    "hint-many": "Point at a cell: the same one is marked in every column.",
    "from-to": "query {0}, key {1}", "later": "hidden: the key comes after the query", "looks-at": "Where {0} looks",
    "rest": "{0} others", "heatmap": "Heatmap of {0}. Arrow keys move the cell, plus and minus zoom.", "text-figure": "Lines from queries to keys. Arrow keys move through the queries.",
    "no-head": "This model has no {0}.", "toggles": "Heads shown", "toggle-layer": "All heads of layer {0}",

    "zoom-in": "zoom in", "zoom-out": "zoom out", "zoom-fit": "Fit", "save-png": "Save PNG", "save-svg": "Save SVG",
    "link": "Copy link to this view", "link-done": "Link copied.", "link-shown": "Copy the address of this page: it opens exactly this view.",
    "saved": "{0} saved.",

    "worked-query": "Query", "worked-none": "This page carries no vectors q, k and v, so there is nothing to work through.",
    "worked-rollout": "Rollout is made of all heads; choose one head to work through.",
    "worked-limit": "Vectors are here for the first {0} of {1} tokens.",
    "worked-partial": "Vectors are here for the first {0} of {1} tokens only; softmax is taken over these, so it differs from the model’s.",
    "worked-thinned": "The pattern is stored by cells of {0} tokens, so it cannot stand beside single weights.",
    "worked-tokens": "A model computes on tokens, so this view always shows tokens.",
    "step-1": "1 · Similarity", "step-2": "2 · Scale", "step-2b": "2 · Scale and bias", "step-3": "3 · Softmax", "step-4": "4 · Weighted sum",
    "step-1-text": "The query of {0} is compared with every key by a dot product.",
    "step-2-text": "Scores are multiplied by {0} so that they do not grow with the number of dimensions.",
    "step-2-none": "This model does not scale: scores are multiplied by 1.",
    "step-2-bias": "The position’s bias is added.",
    "step-2-mask": "Keys that come later are hidden: −∞.",
    "step-3-text": "exp makes scores positive, and dividing by their sum {0} makes them add up to 1.",
    "step-4-text": "Each value is taken as strongly as its weight; together they are z, what the head hands on.",
    "col-key": "key", "col-dot": "q·k", "col-scaled": "× scale", "col-bias": "+ bias", "col-masked": "mask", "col-exp": "exp(s − max)", "col-weight": "softmax", "col-pattern": "captured",
    "agree": "The weights worked out here and the pattern captured in the model differ by {0} at most (the page stores patterns to ± {1}).",
    "detail": "{0} → {1} in full", "point-strip": "Point at a coloured cell to read it; click on a row to see its sum in full.",
    "hidden": "hidden", "sum": "sum",

    "stat-head": "Head", "stat-run": "Model",
    "stat-entropy": "Entropy", "stat-distance": "Distance", "stat-previous": "Previous", "stat-first": "First", "stat-same": "Same", "stat-induction": "Induction", "stat-silenced": "If silenced",
    "what-entropy": "how widely it looks: −Σ p ln p in nats, 0 when all goes to one token.",
    "what-distance": "how far it looks back, in tokens, on average.",
    "what-previous": "weight on the token just before.",
    "what-first": "weight on the first token, where a head with nothing to say rests.",
    "what-same": "weight on the earlier copy of the same token, on random text that comes twice.",
    "what-induction": "weight on the token that followed the earlier copy, on random text that comes twice (Olsson et al. 2022).",
    "what-silenced": "by how many nats per token the loss on held-out text rises when the head’s output is set to zero.",
    "not-measured": "not measured",

    "time": "Checkpoint", "play": "play", "pause": "pause",
    "keys": "Keys", "close": "Close",
    "help-1": "the views", "help-arrows": "move the cell, the query or the tab (with Shift by ten)", "help-zoom": "zoom in, out, whole; also wheel, pinch and double click", "help-drag": "drag to move about", "help-head": "previous and next head", "help-layer": "previous and next layer", "help-time": "previous and next checkpoint", "help-enter": "from a cell to its computation, step by step", "help-escape": "let go of the cell", "help-help": "these keys",
    "damaged": "This page is damaged: block {0} has {1} bytes and {2} were expected. Please write it again.",
    "old": "This page needs a newer browser: Chrome or Edge 103, Firefox 113, Safari 16.4 or later.",
    "trouble": "Something went wrong, and a part of the page may be missing: {0}",
  },
  ko: {
    "language": "언어", "theme": "화면", "theme-auto": "시스템 설정", "theme-light": "밝게", "theme-dark": "어둡게",
    "unit": "단위", "unit-token": "토큰", "unit-word": "단어", "unit-character": "글자",
    "map": "색", "scale": "눈금", "scale-linear": "선형", "scale-root": "제곱근",
    "map-blues": "Blues", "map-viridis": "Viridis", "map-cividis": "Cividis", "map-magma": "Magma",
    "views": "보기", "tab-grid": "모든 헤드", "tab-head": "헤드 하나", "tab-text": "문장에서", "tab-worked": "계산 과정", "tab-table": "통계",
    "sentence": "모델이 읽은 글", "layer": "층", "head": "헤드", "head-before": "이전 헤드", "head-after": "다음 헤드",
    "layers": "층 {0}개", "heads": "층마다 헤드 {0}개", "tokens": "토큰 {0}개", "step": "{0} 스텝", "dimensions": "헤드 차원 {0}",
    "one-layer": "층 1개", "one-head": "헤드 1개", "runs": "모델 {0}개 비교", "checkpoints": "체크포인트 {0}개",
    "position-none": "위치 인코딩 없음", "position-learned": "학습된 위치 임베딩", "position-sinusoidal": "사인·코사인 위치 인코딩",
    "position-rope": "RoPE", "position-alibi": "ALiBi", "position-t5_bias": "T5 상대 위치 편향",
    "not-causal": "양방향",

    "story-grid": "작은 그림 하나가 헤드 하나이고, 그 안의 한 행은 앞을 돌아보는 토큰 하나입니다. 헤드마다 보는 습관이 다릅니다.",
    "story-head": "한 행은 앞을 돌아보는 토큰 하나입니다. 색이 강할수록 아래에 적힌 토큰에서 정보를 많이 가져옵니다.",
    "story-text": "왼쪽의 토큰이 오른쪽의 토큰을 바라보는 시선을 선으로 이었습니다. 선이 또렷할수록 가중치가 큽니다.",
    "story-worked": "토큰 하나가 어디를 볼지 정하는 과정을 모델의 실제 수치로 따라갑니다. 유사도, 스케일, softmax, 가중합의 순서입니다.",
    "story-table": "헤드가 하는 일을 수치로 봅니다. 열을 눌러 정렬해 습관을 찾고, 헤드를 눌러 직접 확인해 보세요.",
    "story-grid-both": "작은 그림 하나가 헤드 하나이고, 그 안의 한 행은 앞뒤를 둘러보는 토큰 하나입니다. 헤드마다 보는 습관이 다릅니다.",
    "story-head-both": "한 행은 앞뒤를 둘러보는 토큰 하나입니다. 색이 강할수록 아래에 적힌 토큰에서 정보를 많이 가져옵니다.",
    "story-rollout": "모든 층을 합쳐, 각 토큰의 마지막 표현에 어느 토큰의 처음 표현이 얼마나 남아 있는지 봅니다(attention rollout, Abnar & Zuidema 2020).",

    "legend-rows": "행은 질의(query, 보는 토큰)이고 열은 키(key, 시선을 받는 토큰)입니다. 각 행의 합은 1입니다.",
    "legend-weight": "어텐션 가중치", "legend-hidden": "가려짐: 뒤에 오는 토큰",
    "legend-pooled": "한 픽셀에 여러 칸이 들어갈 때는 그중 가장 큰 값을 보여 줍니다.",
    "legend-unit": "같은 {0}에 속한 키는 더하고 질의는 평균합니다(Clark et al. 2019, §4.1).",
    "legend-lines": "선의 불투명도가 가중치이며, 위에서 고른 눈금을 따릅니다.",
    "legend-faint": "{0}보다 작은 가중치의 선은 토큰을 가리킬 때만 그립니다.",
    "legend-vectors": "벡터: 한 칸이 한 차원이며 파랑은 양수, 주황은 음수입니다(q와 k는 ±{0}, v와 z는 ±{1}까지).",
    "legend-habits": "그림 아래의 이름: 어텐션의 절반 이상이 그곳을 향하는 헤드입니다.",
    "axis-query": "질의(보는 토큰)", "axis-key": "키(시선을 받는 토큰)",
    "rollout": "모든 층(rollout)", "layer-head": "층 {0} · 헤드 {1}", "layer-of": "층 {0}", "head-of": "헤드 {0}",
    "habit-previous": "직전 토큰", "habit-first": "첫 토큰", "habit-same": "같은 토큰", "habit-induction": "귀납(induction)",
    "habit-text": "어텐션의 {0}가 {1} 향합니다.",
    "to-previous": "바로 앞 토큰을", "to-first": "첫 토큰을", "to-same": "앞서 나온 같은 토큰을(반복되는 무작위 글에서)",
    "to-induction": "앞서 나온 같은 토큰의 다음 토큰을(반복되는 무작위 글에서, induction)",
    "hint": "칸을 가리키면 가중치가 나옵니다. 누르면 고정됩니다.", "hint-text": "토큰을 가리키면 그 토큰의 선만 남습니다. 누르면 고정됩니다.",
    "hint-many": "칸을 가리키면 모든 열의 같은 칸에 표시됩니다.",
    "from-to": "질의 {0}번, 키 {1}번", "later": "가려짐: 키가 질의보다 뒤에 있습니다", "looks-at": "{0} → 보는 곳",
    "rest": "나머지 {0}개", "heatmap": "{0} 히트맵. 화살표 키로 칸을 옮기고 +, −로 확대·축소합니다.", "text-figure": "질의에서 키로 가는 선. 화살표 키로 질의를 옮깁니다.",
    "no-head": "이 모델에 없는 헤드입니다: {0}.", "toggles": "표시할 헤드", "toggle-layer": "층 {0}의 모든 헤드",

    "zoom-in": "확대", "zoom-out": "축소", "zoom-fit": "전체", "save-png": "PNG로 저장", "save-svg": "SVG로 저장",
    "link": "이 화면의 링크 복사", "link-done": "링크를 복사했습니다.", "link-shown": "주소창의 주소를 복사하면 이 화면이 그대로 열립니다.",
    "saved": "{0} 파일을 저장했습니다.",

    "worked-query": "질의", "worked-none": "이 페이지에는 q, k, v 벡터가 없어 계산 과정을 보일 수 없습니다.",
    "worked-rollout": "rollout은 모든 헤드를 합친 것입니다. 계산을 따라가려면 헤드 하나를 고르세요.",
    "worked-limit": "벡터는 토큰 {1}개 중 처음 {0}개까지만 들어 있습니다.",
    "worked-partial": "벡터는 토큰 {1}개 중 처음 {0}개만 들어 있습니다. softmax를 이 토큰들에 대해서만 계산하므로 모델의 값과 다릅니다.",
    "worked-thinned": "패턴이 토큰 {0}개씩 묶여 저장되어 있어 개별 가중치와 나란히 놓을 수 없습니다.",
    "worked-tokens": "모델은 토큰 단위로 계산하므로 여기서는 언제나 토큰으로 보여 줍니다.",
    "step-1": "1단계 · 유사도 계산", "step-2": "2단계 · 스케일 조정", "step-2b": "2단계 · 스케일 조정과 편향", "step-3": "3단계 · softmax 적용", "step-4": "4단계 · 가중합",
    "step-1-text": "{0}의 질의를 모든 키와 내적해 얼마나 비슷한지 봅니다.",
    "step-2-text": "차원 수가 늘어도 점수가 커지지 않도록 스케일을 곱합니다(× {0}).",
    "step-2-none": "이 모델은 스케일을 조정하지 않습니다(1을 곱합니다).",
    "step-2-bias": "위치에 따른 편향을 더합니다.",
    "step-2-mask": "뒤에 오는 키는 −∞로 가립니다.",
    "step-3-text": "exp로 점수를 양수로 만든 뒤 그 합으로 나누어, 모두 더하면 1이 되게 합니다(합 {0}).",
    "step-4-text": "각 값(value)을 가중치만큼 더합니다. 그 결과 z가 이 헤드의 출력입니다.",
    "col-key": "키", "col-dot": "q·k", "col-scaled": "× 스케일", "col-bias": "+ 편향", "col-masked": "마스크", "col-exp": "exp(s − max)", "col-weight": "softmax", "col-pattern": "모델의 값",
    "agree": "여기서 계산한 가중치와 모델에서 기록한 패턴의 차이는 최대 {0}입니다(페이지에 저장된 패턴의 오차는 ± {1}).",
    "detail": "{0} → {1} 전체 계산", "point-strip": "색칠된 칸을 가리키면 값이, 행을 누르면 전체 계산이 나옵니다.",
    "hidden": "가려짐", "sum": "합",

    "stat-head": "헤드", "stat-run": "모델",
    "stat-entropy": "엔트로피", "stat-distance": "거리", "stat-previous": "직전 토큰", "stat-first": "첫 토큰", "stat-same": "같은 토큰", "stat-induction": "귀납", "stat-silenced": "껐을 때",
    "what-entropy": "얼마나 넓게 보는지: −Σ p ln p (nat). 한 토큰만 보면 0입니다.",
    "what-distance": "평균적으로 몇 토큰 떨어진 곳을 보는지입니다.",
    "what-previous": "바로 앞 토큰에 준 가중치입니다.",
    "what-first": "첫 토큰에 준 가중치입니다. 할 일이 없는 헤드가 시선을 두는 곳입니다.",
    "what-same": "두 번 반복되는 무작위 글에서, 앞서 나온 같은 토큰에 준 가중치입니다.",
    "what-induction": "두 번 반복되는 무작위 글에서, 앞서 나온 같은 토큰의 다음 토큰에 준 가중치입니다(Olsson et al. 2022).",
    "what-silenced": "이 헤드의 출력을 0으로 두면 검증용 글의 손실이 토큰당 몇 nat 늘어나는지입니다.",
    "not-measured": "측정하지 않음",

    "time": "체크포인트", "play": "재생", "pause": "멈춤",
    "keys": "단축키", "close": "닫기",
    "help-1": "보기 바꾸기", "help-arrows": "칸·질의·탭 옮기기(Shift와 함께 누르면 열 칸씩)", "help-zoom": "확대, 축소, 전체. 휠, 두 손가락, 두 번 누르기로도 됩니다", "help-drag": "끌어서 옮기기", "help-head": "이전·다음 헤드", "help-layer": "이전·다음 층", "help-time": "이전·다음 체크포인트", "help-enter": "고른 칸의 계산 과정 보기", "help-escape": "고정 풀기", "help-help": "이 단축키 목록",
    "damaged": "페이지가 손상되었습니다. 블록 {0}의 크기가 {2}바이트여야 하는데 {1}바이트입니다. 다시 만들어 주세요.",
    "old": "더 새로운 브라우저가 필요합니다. Chrome·Edge 103, Firefox 113, Safari 16.4 이상에서 열어 주세요.",
    "trouble": "문제가 생겨 페이지 일부가 보이지 않을 수 있습니다: {0}",
  },
};

let language = "en";

/** The sentence `key` in the present language. */
function say(key, ...values) {
  const sentence = STRINGS[language][key] ?? key;
  return sentence.replace(/\{(\d)\}/g, (whole, i) => values[i] ?? whole);
}

/** Puts words where the markup asks for them: `data-say` is a text, `data-say-label` a name that is not seen. */
function translate(root) {
  for (const element of root.querySelectorAll("[data-say]")) element.textContent = say(element.dataset.say);
  for (const element of root.querySelectorAll("[data-say-label]")) {
    const label = say(element.dataset.sayLabel);
    element.setAttribute("aria-label", label);
    if (element.matches("button")) element.title = label;
  }
}

/** An element with properties and children, which are always text and never markup. */
function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "data") Object.assign(element.dataset, value);
    else if (key in element) element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

/** A label in quotation marks; isolated, so that a label from right to left does not turn the sentence around it. */
function quoted(label) {
  return `“\u2068${label}\u2069”`;
}

/** A number with `decimals` decimals and a proper minus sign. */
function written(value, decimals = 4) {
  if (value === -Infinity) return "−∞";
  return value.toFixed(decimals).replace(/^-/, "−");
}
