// The texts of given matrices, in English and Korean.

/** @type {import("./words.js").Strings} */
export const OWN_STRINGS = {
  en: {
    "own-preset": "Example", "own-preset-mat": "The cat sat on the mat (lecture note)", "own-preset-baekgopa": "배가 고파서 (lecture note)", "own-changed": "your own numbers",
    "own-kind": "Given", "own-kind-products": "X, W_Q, W_K, W_V", "own-kind-direct": "Q, K, V",
    "own-mask": "Mask (hide later tokens)", "own-scale": "Scaling", "own-scale-root": "÷ √d_head", "own-scale-none": "none", "own-scale-by": "÷", "own-divisor-label": "Divisor",
    "own-query": "Query", "own-size": "{0} × {1}", "own-token": "Token {0}", "own-cell": "{0}, row {1}, column {2}",
    "own-add-token": "Add a token", "own-drop-token": "Remove the last token", "own-wider": "Add a column to {0}", "own-narrower": "Remove the last column of {0}",
    "own-hint": "Type into the cells, or paste rows of numbers into one: they fill it and those to the right and below.",
    "own-toml": "As a file for `sisun explain --matrices`", "own-sum": "sum",
    "own-both": "{0} are given: Q, K and V follow from X and W, so give one or the other.", "own-missing": "Missing: {0}.", "own-empty": "{0} is empty: give at least one number.",
    "own-ragged": "{0}: row {1} has {2} numbers, row 0 has {3}.", "own-large": "{0} has {1} rows of {2} numbers: at most {3} of each.",
    "own-number": "{0}, row {1}, column {2} is not a number: type one, as in 0.25.", "own-product": "X has {0} columns and {1} has {2} rows: they need as many.",
    "own-columns": "{0} has {1} columns and {2} has {3}: queries and keys need as many.", "own-rows": "{0} has {1} rows and {2} has {3}: every token has a row in each.",
    "own-labels": "{0} labels for {1} tokens.", "own-no-query": "There is no token {0}.", "own-queries": "Several tokens are called {0}: choose one by number.",
    "own-divisor": "The divisor is {0}: give a number greater than 0.", "own-overflow": "A result becomes infinite: give smaller numbers.", "own-printed": "The printed table {0} does not fit the matrices.",
  },
  ko: {
    "own-preset": "예제", "own-preset-mat": "The cat sat on the mat (강의 노트)", "own-preset-baekgopa": "배가 고파서 (강의 노트)", "own-changed": "직접 입력한 수",
    "own-kind": "입력", "own-kind-products": "X, W_Q, W_K, W_V", "own-kind-direct": "Q, K, V",
    "own-mask": "마스크(뒤에 오는 토큰 가리기)", "own-scale": "스케일", "own-scale-root": "÷ √d_head", "own-scale-none": "나누지 않음", "own-scale-by": "÷", "own-divisor-label": "나누는 수",
    "own-query": "쿼리", "own-size": "{0} × {1}", "own-token": "토큰 {0}", "own-cell": "{0}, {1}행 {2}열",
    "own-add-token": "토큰 추가", "own-drop-token": "마지막 토큰 삭제", "own-wider": "{0}에 열 추가", "own-narrower": "{0}의 마지막 열 삭제",
    "own-hint": "칸에 직접 입력하거나, 여러 행의 수를 한 칸에 붙여 넣으세요. 오른쪽과 아래 칸까지 채웁니다.",
    "own-toml": "`sisun explain --matrices`로 읽을 파일", "own-sum": "합",
    "own-both": "{0}을(를) 함께 입력했습니다. Q, K, V는 X와 W에서 나오므로 한쪽만 입력하세요.", "own-missing": "입력되지 않은 행렬: {0}.", "own-empty": "{0}이(가) 비어 있습니다. 수를 하나 이상 입력하세요.",
    "own-ragged": "{0}: {1}행에는 수가 {2}개인데 0행에는 {3}개 있습니다.", "own-large": "{0}: {1}행 {2}열입니다. 각각 {3} 이하로 입력하세요.",
    "own-number": "{0}, {1}행 {2}열이 수가 아닙니다. 0.25처럼 입력하세요.", "own-product": "X는 {0}열인데 {1}은(는) {2}행입니다. 두 수가 같아야 곱할 수 있습니다.",
    "own-columns": "{0}은(는) {1}열인데 {2}은(는) {3}열입니다. 쿼리와 키의 열 수가 같아야 합니다.", "own-rows": "{0}은(는) {1}행인데 {2}은(는) {3}행입니다. 토큰마다 한 행씩 있어야 합니다.",
    "own-labels": "토큰은 {1}개인데 이름이 {0}개입니다.", "own-no-query": "{0} 토큰이 없습니다.", "own-queries": "{0} 토큰이 여러 개입니다. 번호로 고르세요.",
    "own-divisor": "나누는 수가 {0}입니다. 0보다 큰 수를 입력하세요.", "own-overflow": "계산 결과가 무한대가 됩니다. 더 작은 수를 입력하세요.", "own-printed": "노트의 표 {0}이(가) 행렬과 맞지 않습니다.",
  },
};
