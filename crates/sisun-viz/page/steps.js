// The steps from the embedding to the next token, in English and Korean. The program reads this file as well: what stands
// between the braces is JSON.
//
// A step, or a sentence of it, is shown if all flags of `when` are set; "!flag" is one that is not. `{name}` is a value,
// `{step:id}` the number of another step.

/** @type {import("./worked-list.js").Script} */
export const STEPS = {
  "steps": [
    {
      "id": "embedding", "when": ["model"],
      "title": { "en": "embedding (x)", "ko": "임베딩 (x)" },
      "operation": { "en": "E[{id}]", "ko": "E[{id}]" },
      "shape": "(1 × {D})",
      "gives": { "en": "x, the token's vector", "ko": "x, 토큰의 벡터" },
      "texts": [
        { "en": "“{query}” is token {id} of the vocabulary: row {id} of the embedding matrix E is its vector x.", "ko": "“{query}” 토큰의 번호는 {id}번입니다. 임베딩 행렬 E의 {id}번 행이 이 토큰의 벡터 x입니다." },
        { "when": ["rope"], "en": "x does not say where the token stands: RoPE brings the position in at step {step:rotation}, by rotating q and k.", "ko": "x에는 위치가 들어 있지 않습니다. 위치는 {step:rotation}단계에서 q와 k를 회전해서 넣습니다(RoPE)." },
        { "when": ["bias"], "en": "x does not say where the token stands: the position comes in at step {step:bias}, as a bias of the scores ({position}).", "ko": "x에는 위치가 들어 있지 않습니다. 위치는 {step:bias}단계에서 점수에 편향으로 더해집니다({position})." },
        { "when": ["positionless"], "en": "Nothing tells this model where a token stands.", "ko": "이 모델에는 위치 정보가 따로 없습니다." },
        { "when": ["absent"], "en": "{absent}", "ko": "{absent}" }
      ]
    },
    {
      "id": "position", "when": ["model", "added"],
      "title": { "en": "position (x̃ = x + p)", "ko": "위치 더하기 (x̃ = x + p)" },
      "operation": { "en": "x + p", "ko": "x + p" },
      "shape": "(1 × {D}) + (1 × {D}) = (1 × {D})",
      "gives": { "en": "x̃, the vector with its position", "ko": "x̃, 위치가 더해진 벡터" },
      "texts": [
        { "when": ["learned"], "en": "p is row {place} of a table that was learned with the model: position {place}, counted from 0.", "ko": "p는 모델과 함께 학습한 표의 {place}번 행으로, 0부터 센 위치 {place}번을 나타냅니다." },
        { "when": ["sinusoidal"], "en": "p holds sines and cosines of position {place}, counted from 0: fixed numbers, of which nothing is learned.", "ko": "p는 0부터 센 위치 {place}번의 사인과 코사인 값입니다. 학습하지 않는 고정된 값입니다." },
        { "en": "From here on position and meaning are one vector, so q, k and v know both.", "ko": "여기서부터는 위치와 의미가 한 벡터에 있으므로 q, k, v에 둘 다 들어갑니다." },
        { "when": ["absent"], "en": "{absent}", "ko": "{absent}" }
      ]
    },
    {
      "id": "stream", "when": ["model", "deeper"],
      "title": { "en": "residual stream before layer {layer} (h)", "ko": "레이어 {layer}에 들어오는 잔차 스트림 (h)" },
      "operation": { "en": "layers before", "ko": "앞 레이어들" },
      "shape": "(1 × {D})",
      "gives": { "en": "h, what layer {layer} reads", "ko": "h, 레이어 {layer}의 입력" },
      "texts": [
        { "when": ["residual", "prenorm"], "en": "The layers before have added what they found to {x}. The sum is h.", "ko": "앞의 레이어들이 {x}에 각자의 결과를 더했습니다. 그 합이 h입니다." },
        { "when": ["residual", "!prenorm"], "en": "The layers before have added what they found to {x}, and normalized each sum. The result is h.", "ko": "앞의 레이어들이 {x}에 각자의 결과를 더하고 더할 때마다 정규화했습니다. 그 결과가 h입니다." },
        { "when": ["!residual"], "en": "This model has no residual connections: h is what the layer before wrote.", "ko": "이 모델에는 잔차 연결이 없어서 h는 바로 앞 레이어의 출력입니다." },
        { "when": ["absent"], "en": "{absent}", "ko": "{absent}" }
      ]
    },
    {
      "id": "norm", "when": ["model", "prenorm"],
      "title": { "en": "norm (x̂)", "ko": "정규화 (x̂)" },
      "operation": { "en": "norm({h})", "ko": "norm({h})" },
      "shape": "(1 × {D})",
      "gives": { "en": "x̂, rescaled", "ko": "x̂, 크기를 맞춘 벡터" },
      "texts": [
        { "when": ["layernorm"], "en": "Layer norm subtracts the mean of the {D} numbers, divides by their standard deviation, and multiplies by learned gains.", "ko": "layer norm: 수 {D}개의 평균을 빼고 표준편차로 나눈 뒤, 학습한 계수를 곱합니다." },
        { "when": ["!layernorm"], "en": "RMS norm divides by the root of the mean square of the {D} numbers, and multiplies by learned gains.", "ko": "RMS norm: 수 {D}개의 제곱평균제곱근으로 나눈 뒤, 학습한 계수를 곱합니다." },
        { "when": ["absent"], "en": "{absent}", "ko": "{absent}" }
      ]
    },
    {
      "id": "qkv", "when": ["products"],
      "title": { "en": "q, k, v ({input} · W)", "ko": "q, k, v ({input} · W)" },
      "operation": { "en": "{input} · W_Q, W_K, W_V", "ko": "{input} · W_Q, W_K, W_V" },
      "shape": "(1 × {D}) × ({D} × {d}) = (1 × {d})",
      "gives": { "en": "q, k and v", "ko": "q, k, v" },
      "texts": [
        { "when": ["model", "!prenorm"], "en": "This model normalizes after its sums, so the matrices multiply {h} as it is.", "ko": "이 모델은 더한 뒤에 정규화하므로 {h}에 바로 행렬을 곱합니다." },
        { "en": "Three matrices make three vectors of every token: a query q, what it looks for; a key k, what it offers; a value v, what it has to give. Here those of “{query}”.", "ko": "행렬 세 개를 곱해 토큰마다 벡터 세 개를 만듭니다. 쿼리 q는 토큰이 찾는 것, 키 k는 토큰이 내세우는 특징, 밸류 v는 토큰이 건네줄 정보입니다. 아래는 “{query}”의 벡터입니다." },
        { "when": ["own-widths"], "en": "W_V has {dv} columns: v is (1 × {dv}).", "ko": "W_V의 열이 {dv}개이므로 v는 (1 × {dv})입니다." },
        { "when": ["attention-bias"], "en": "A learned bias is added to each.", "ko": "각각에 학습한 편향을 더합니다." },
        { "when": ["grouped"], "en": "Heads {first} to {last} share keys and values: those of key/value head {kv} (of {kvs}, counted from 0).", "ko": "헤드 {first}번부터 {last}번까지는 같은 키와 밸류를 씁니다(키·밸류 헤드 {kvs}개 가운데 {kv}번, 0번부터 셈)." },
        { "when": ["edited-qkv"], "en": "Edited ({edits}): from the similarity on, the steps use the edited q, k and v.", "ko": "편집됨({edits}): 유사도 계산부터는 편집한 q, k, v를 씁니다." },
        { "when": ["absent"], "en": "{absent}", "ko": "{absent}" }
      ]
    },
    {
      "id": "qk-norm", "when": ["model", "qknorm"],
      "title": { "en": "norm of q and k (QK-norm)", "ko": "q와 k의 정규화 (QK-norm)" },
      "operation": { "en": "norm(q), norm(k)", "ko": "norm(q), norm(k)" },
      "shape": "(1 × {d})",
      "gives": { "en": "q and k, rescaled", "ko": "크기를 맞춘 q와 k" },
      "texts": [
        { "en": "q and k are each divided by the root of their mean square and multiplied by learned gains, so that no score can become very large.", "ko": "q와 k를 각각 제곱평균제곱근으로 나누고 학습한 계수를 곱합니다. 그러면 점수가 지나치게 커지지 않습니다." },
        { "when": ["absent"], "en": "{absent}", "ko": "{absent}" }
      ]
    },
    {
      "id": "rotation", "when": ["model", "rope"],
      "title": { "en": "position: rotation of q and k (RoPE)", "ko": "위치 반영: q와 k의 회전 (RoPE)" },
      "operation": { "en": "R(i) q, R(j) k", "ko": "R(i) q, R(j) k" },
      "shape": "(1 × {d}) → (1 × {d})",
      "gives": { "en": "q and k, turned by position", "ko": "위치만큼 돌린 q와 k" },
      "texts": [
        { "en": "Numbers are turned in pairs: 0 with {half}, 1 with {half2}, and so on, counted from 0. The first pair turns by {theta} radians per position: “{query}” stands at position {place} and turns by {angle}. v is not turned.", "ko": "수를 두 개씩 짝지어(0번과 {half}번, 1번과 {half2}번, …) 평면에서 돌립니다. 첫 번째 짝은 위치마다 {theta} 라디안씩 돕니다. “{query}”는 위치 {place}번이므로 {angle} 라디안을 돌립니다. v는 돌리지 않습니다." },
        { "when": ["partial"], "en": "Only the first {rotary} of {d} numbers are turned.", "ko": "수 {d}개 가운데 앞의 {rotary}개만 돌립니다." },
        { "en": "The proof by example: if query and key both move by the same number of positions, q · k stays the same. Only i − j matters.", "ko": "예로 확인하면, 쿼리와 키를 같은 칸 수만큼 함께 옮겨도 q · k는 그대로입니다. i − j만 중요합니다." },
        { "when": ["edited-qkv"], "en": "q and k are the edited ones here, turned back for the column on the left.", "ko": "여기의 q와 k는 편집한 것이고, 돌리기 전의 값은 거꾸로 돌려 구했습니다." },
        { "when": ["absent-rotation"], "en": "{absent}", "ko": "{absent}" }
      ]
    },
    {
      "id": "similarity",
      "title": { "en": "similarity (q · Kᵀ)", "ko": "유사도 계산 (q · Kᵀ)" },
      "operation": { "en": "q · Kᵀ", "ko": "q · Kᵀ" },
      "shape": "(1 × {d}) × ({d} × {n}) = (1 × {n})",
      "gives": { "en": "similarity", "ko": "유사도 점수" },
      "texts": [
        { "en": "q and each key k are multiplied number by number and added up: the more alike they are, the higher the score.", "ko": "쿼리 q와 각 키 k를 자리끼리 곱해서 더합니다(내적). 둘이 비슷할수록 점수가 높습니다." }
      ]
    },
    {
      "id": "scale",
      "title": { "en": "scaling (÷ {divided})", "ko": "스케일 조정 (÷ {divided})" },
      "operation": { "en": "÷ {divisor}", "ko": "÷ {divisor}" },
      "shape": "(1 × {n}) ÷ {divisor} = (1 × {n})",
      "gives": { "en": "{scaled}", "ko": "{scaled}" },
      "texts": [
        { "when": ["scaled"], "en": "Divided by √d_head = √{d} = {root}: the more numbers a vector has, the larger scores become, and the softmax would end up with a single token.", "ko": "점수를 √d_head = √{d} = {root} 값으로 나눕니다. 나누지 않으면 차원이 클수록 점수가 커져서 softmax가 한 토큰에만 쏠립니다." },
        { "when": ["unscaled", "model"], "en": "This model does not divide its scores: they stay as they are.", "ko": "이 모델은 점수를 나누지 않고 그대로 씁니다." },
        { "when": ["unscaled", "!model"], "en": "The scores are not divided here: they stay as they are.", "ko": "여기서는 점수를 나누지 않고 그대로 씁니다." },
        { "when": ["own-divisor"], "en": "Divided by {root}, the number that was given in place of √d_head.", "ko": "√d_head 대신 지정한 수로 나눕니다({root})." }
      ]
    },
    {
      "id": "bias", "when": ["bias"],
      "title": { "en": "position (+ bias)", "ko": "위치 반영 (+ 편향)" },
      "operation": { "en": "+ bias", "ko": "+ 편향" },
      "shape": "(1 × {n}) + (1 × {n}) = (1 × {n})",
      "gives": { "en": "position", "ko": "위치 반영" },
      "texts": [
        { "when": ["alibi"], "en": "ALiBi takes away {slope} for every token of distance, so that near tokens count for more.", "ko": "ALiBi: 쿼리에서 한 토큰 멀어질 때마다 점수에서 {slope}씩 뺍니다. 가까운 토큰일수록 유리합니다." },
        { "when": ["!alibi"], "en": "T5's bias: for each distance from the query its own learned number is added.", "ko": "T5의 편향: 쿼리와의 거리마다 학습한 값을 점수에 더합니다." }
      ]
    },
    {
      "id": "mask", "when": ["masked"],
      "title": { "en": "mask (later tokens)", "ko": "마스크 (뒤에 오는 토큰 가리기)" },
      "operation": { "en": "mask", "ko": "마스크" },
      "shape": "(1 × {n})",
      "gives": { "en": "-∞ where hidden", "ko": "가려진 토큰은 -∞" },
      "texts": [
        { "en": "A token must not see what comes after it: a score of -∞ becomes a weight of 0.", "ko": "뒤에 오는 토큰은 아직 볼 수 없습니다. 점수를 -∞로 바꾸면 가중치가 0이 됩니다." }
      ]
    },
    {
      "id": "softmax",
      "title": { "en": "softmax", "ko": "softmax 적용" },
      "operation": { "en": "softmax", "ko": "softmax" },
      "shape": "softmax((1 × {n})) = (1 × {n})",
      "gives": { "en": "weights, together 1", "ko": "가중치 (합은 1)" },
      "texts": [
        { "when": ["edited-scores", "page"], "en": "Edited ({edits}): the weights below follow from the edited scores, which are not on this page; `sisun explain` prints them.", "ko": "편집됨({edits}): 아래 가중치는 편집한 점수에서 나온 값입니다. 편집한 점수는 이 페이지에 들어 있지 않고 `sisun explain`으로 볼 수 있습니다." },
        { "when": ["edited-scores", "!page"], "en": "Edited ({edits}): the scores below are the edited ones.", "ko": "편집됨({edits}): 아래 점수는 편집한 값입니다." },
        { "en": "Scores become weights: positive, and together 1. The highest score, {top}, is subtracted first; that changes no weight and keeps exp from overflowing.", "ko": "점수를 모두 더하면 1이 되는 가중치로 바꿉니다. 가장 높은 점수({top})를 먼저 빼도 가중치는 그대로이고, exp가 넘치지 않습니다." },
        { "when": ["edited-pattern"], "en": "Edited ({edits}): the weights below are the edited ones, and do not follow from the scores.", "ko": "편집됨({edits}): 아래 가중치는 편집한 값이라 점수에서 나온 값과 다릅니다." }
      ]
    },
    {
      "id": "weighted-sum",
      "title": { "en": "weighted sum (z = A · V)", "ko": "가중합 계산 (z = A · V)" },
      "operation": { "en": "A · V", "ko": "A · V" },
      "shape": "(1 × {n}) × ({n} × {dv}) = (1 × {dv})",
      "gives": { "en": "z, the context vector", "ko": "z (context vector)" },
      "texts": [
        { "en": "A is the row of weights. Each value counts as much as its weight says. The sum z is what the token takes from the others: its context vector.", "ko": "A는 가중치의 행입니다. 각 토큰의 밸류 v에 가중치를 곱해서 모두 더합니다. 그 합 z가 문맥을 담은 벡터(context vector)입니다." },
        { "when": ["edited-z"], "en": "Edited ({edits}): z is the edited one, and not the sum of these rows.", "ko": "편집됨({edits}): z는 편집한 값이라 아래 행들의 합과 다릅니다." }
      ]
    },
    {
      "id": "output", "when": ["model"],
      "title": { "en": "the head's share (z · W_O)", "ko": "헤드의 몫 (z · W_O)" },
      "operation": { "en": "z · W_O", "ko": "z · W_O" },
      "shape": "(1 × {dv}) × ({dv} × {D}) = (1 × {D})",
      "gives": { "en": "the head's share of ΔE", "ko": "ΔE에서 이 헤드의 몫" },
      "texts": [
        { "en": "The rows of the output matrix W_O that belong to this head bring z back to the width of the stream. The result is what head {head} adds, one of {H} shares.", "ko": "출력 행렬 W_O에서 이 헤드에 해당하는 행들을 곱해 z를 잔차 스트림의 크기로 되돌립니다. 그 결과가 헤드 {head}의 몫이고, 이런 몫이 {H}개 있습니다." },
        { "when": ["absent"], "en": "{absent}", "ko": "{absent}" }
      ]
    },
    {
      "id": "residual", "when": ["model"],
      "title": { "en": "residual addition ({h} + ΔE)", "ko": "잔차 연결 ({h} + ΔE)" },
      "operation": { "en": "{sum}", "ko": "{sum}" },
      "shape": "(1 × {D}) + (1 × {D}) = (1 × {D})",
      "gives": { "en": "h′, after attention", "ko": "h′, 어텐션 뒤의 벡터" },
      "texts": [
        { "en": "ΔE, the output of attention, is the sum of the shares of all {H} heads.", "ko": "어텐션의 출력 ΔE는 헤드 {H}개의 몫을 모두 더한 것입니다." },
        { "when": ["attention-bias"], "en": "A learned bias is added to it.", "ko": "여기에 학습한 편향을 더합니다." },
        { "when": ["residual"], "en": "Added to {h}, it changes what the token means by what its context says.", "ko": "{h}에 ΔE를 더하면 토큰의 의미가 문맥에 맞게 바뀝니다." },
        { "when": ["!residual"], "en": "This model has no residual connections: ΔE takes the place of {h}.", "ko": "이 모델에는 잔차 연결이 없어서 ΔE가 {h}를 대신합니다." },
        { "when": ["!prenorm"], "en": "The result is then normalized.", "ko": "그 결과를 정규화합니다." },
        { "when": ["parallel"], "en": "The feed-forward network does not read this sum but the same {h} as attention: both are added at once.", "ko": "피드포워드 네트워크는 이 합이 아니라 어텐션과 같은 {h}를 읽고, 둘을 한꺼번에 더합니다." },
        { "when": ["!ffn"], "en": "This model has no feed-forward network: the layer ends here.", "ko": "이 모델에는 피드포워드 네트워크가 없어서 레이어가 여기서 끝납니다." },
        { "when": ["absent"], "en": "{absent}", "ko": "{absent}" }
      ]
    },
    {
      "id": "ffn", "when": ["model", "ffn"],
      "title": { "en": "feed-forward network", "ko": "피드포워드 네트워크 (FFN)" },
      "operation": { "en": "{ffn-sum}", "ko": "{ffn-sum}" },
      "shape": "(1 × {D}) → (1 × {F}) → (1 × {D})",
      "gives": { "en": "h″, after layer {layer}", "ko": "h″, 레이어 {layer} 뒤의 벡터" },
      "texts": [
        { "en": "Attention mixes tokens; the feed-forward network works on each token by itself: it widens the vector to {F} numbers, applies {activation}, and brings it back to {D}.", "ko": "어텐션은 토큰을 섞고, 피드포워드 네트워크는 토큰마다 따로 계산합니다. 벡터를 수 {F}개로 넓혀 {activation} 함수를 적용하고 다시 {D}개로 줄입니다." },
        { "when": ["!residual"], "en": "Its output takes the place of the stream.", "ko": "그 출력이 스트림을 대신합니다." },
        { "when": ["residual"], "en": "Its output f is added to the stream.", "ko": "그 출력 f를 스트림에 더합니다." },
        { "when": ["!prenorm"], "en": "The result is then normalized.", "ko": "그 결과를 정규화합니다." },
        { "when": ["absent"], "en": "{absent}", "ko": "{absent}" }
      ]
    },
    {
      "id": "next", "when": ["model"],
      "title": { "en": "next token", "ko": "다음 토큰" },
      "operation": { "en": "norm, head, softmax", "ko": "정규화, 출력 헤드, softmax" },
      "shape": "(1 × {D}) × ({D} × {V}) = (1 × {V})",
      "gives": { "en": "probabilities of {V} tokens", "ko": "토큰 {V}개의 확률" },
      "texts": [
        { "when": ["!absent-next"], "en": "After “{query}” the model finds “{next}” most likely. The table says what final norm, head and softmax would make of the stream at each point (the logit lens), and so what each part added to the probability of “{next}”.", "ko": "“{query}” 다음에 올 토큰으로 모델은 “{next}”의 확률을 가장 높게 봅니다. 표는 스트림을 그 지점에서 끊고 마지막 정규화, 출력 헤드, softmax를 적용한 값입니다(로짓 렌즈). 그 차이가 각 부분이 “{next}”의 확률에 더한 양입니다." },
        { "when": ["!absent-next", "without"], "en": "Without the share of head {head} it would be {without} after the attention of layer {layer}, instead of {with}.", "ko": "헤드 {head}의 몫을 빼면 레이어 {layer} 어텐션 뒤의 확률은 {without}입니다(빼지 않으면 {with})." },
        { "when": ["!absent-next", "!prenorm"], "en": "This model has no final norm, because its layers end with one.", "ko": "이 모델은 레이어가 정규화로 끝나므로 마지막 정규화가 따로 없습니다." },
        { "when": ["edited-logits"], "en": "The edits of the logits come after these numbers.", "ko": "로짓의 편집은 이 뒤에 이루어집니다." },
        { "when": ["absent-next"], "en": "{absent}", "ko": "{absent}" }
      ]
    }
  ],
  "words": {
    "step": { "en": "Step {number}: {title}", "ko": "{number}단계: {title}" },
    "token": { "en": "token", "ko": "토큰" },
    "vector": { "en": "vector", "ko": "벡터" },
    "length": { "en": "length", "ko": "길이" },
    "scaled-scores": { "en": "scaled scores", "ko": "스케일 조정" },
    "left-out": { "en": "left out by this model", "ko": "이 모델은 생략" },
    "left-out-own": { "en": "left out", "ko": "생략" },
    "before": { "en": "before", "ko": "돌리기 전" },
    "after": { "en": "after", "ko": "돌린 뒤" },
    "share": { "en": "share of head {head}", "ko": "헤드 {head}의 몫" },
    "all-heads": { "en": "ΔE, all heads", "ko": "ΔE, 모든 헤드" },
    "part": { "en": "after", "ko": "지점" },
    "probability": { "en": "probability of “{next}”", "ko": "“{next}”의 확률" },
    "change": { "en": "added (points)", "ko": "더한 양 (%p)" },
    "part-embed": { "en": "embedding", "ko": "임베딩" },
    "part-pos_embed": { "en": "position", "ko": "위치" },
    "part-attn_out": { "en": "layer {layer} attention", "ko": "레이어 {layer} 어텐션" },
    "part-mlp_out": { "en": "layer {layer} feed-forward", "ko": "레이어 {layer} 피드포워드" },
    "query-at": { "en": "query i", "ko": "쿼리 위치 i" },
    "key-at": { "en": "key j", "ko": "키 위치 j" },
    "score": { "en": "score", "ko": "점수" },
    "distance": { "en": "query − key", "ko": "거리 (쿼리 − 키)" },
    "bias": { "en": "+ bias", "ko": "+ 편향" },
    "sum-score": { "en": "= score", "ko": "= 점수" },
    "visible": { "en": "visible", "ko": "보임" },
    "hidden": { "en": "hidden", "ko": "가려짐" },
    "masked": { "en": "masked", "ko": "가린 뒤" },
    "exp": { "en": "exp(score − max)", "ko": "exp(점수 − 최댓값)" },
    "weight": { "en": "weight", "ko": "가중치" },
    "model": { "en": "model's", "ko": "모델의 값" },
    "weighted": { "en": "weight × v", "ko": "가중치 × v" },
    "worked": { "en": "worked out", "ko": "계산한 값" },
    "models": { "en": "the model's", "ko": "모델의 값" },
    "summary": { "en": "All steps, with shapes", "ko": "전체 과정 요약 (shape 포함)" },
    "operation": { "en": "operation", "ko": "연산" },
    "gives": { "en": "gives", "ko": "결과" },
    "absent": { "en": "The numbers of this step are not on this page; `sisun explain` prints them.", "ko": "이 단계의 수는 이 페이지에 들어 있지 않습니다. `sisun explain`으로 볼 수 있습니다." },
    "printed": { "en": "{table} of “{token}”, no. {number}: the note prints {printed}, it is {right}.", "ko": "“{token}”의 {table}, {number}번째 수: 노트에 적힌 값은 {printed}, 맞는 값은 {right}입니다." },
    "printed-sum": { "en": "Sum of exp: the note prints {printed}, it is {right}.", "ko": "exp의 합: 노트에 적힌 값은 {printed}, 맞는 값은 {right}입니다." },
    "printed-more": { "en": "{count} more numbers of this step are printed wrong, in rows of other tokens.", "ko": "다른 토큰의 행에도 이 단계에서 잘못 적힌 수가 {count}개 더 있습니다." },
    "printed-exp": { "en": "The note does not subtract the highest score: its exp are those of the scores themselves.", "ko": "노트는 가장 높은 점수를 빼지 않고 점수에 바로 exp를 적용합니다." },
    "edited-here": { "en": "on this page", "ko": "이 페이지에서" },
    "own-title": { "en": "Your own numbers", "ko": "직접 입력" },
    "own-rows": { "en": "A and Z of all tokens", "ko": "모든 토큰의 A와 Z" }
  }
};
