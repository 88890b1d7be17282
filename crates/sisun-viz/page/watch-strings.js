// The texts of the page of training, in English and Korean.

/** @type {import("./words.js").Strings} */
export const WATCH_STRINGS = {
  en: {
    "old": "This browser is too old for this page.",
    "watch-live": "live", "watch-replay": "replay", "watch-lost": "The connection is lost: training has ended, or its program was stopped. What is shown is what came before.",
    "watch-ended": "All that there is to see has come.",
    "watch-waiting": "Nothing has come yet.",
    "chart-loss": "Loss", "chart-loss-text": "in nats per token: thin on training text, thick on held-out text",
    "chart-lr": "Learning rate", "chart-norm": "Gradient norm", "chart-norm-text": "before clipping",
    "watch-step": "Step", "watch-at": "step {0}", "watch-of": "step {0} of {1}", "watch-follow": "Follow the newest",
    "watch-heads": "Heads forming", "watch-heads-text": "Attention of every head to the fixed sentence (attend.text), rows are queries, columns keys; 8 bits a weight.",
    "watch-no-heads": "No maps yet: they come at each evaluation, and more often where they cost little; the run needs an attend.text.",
    "watch-samples": "What the model writes", "watch-no-samples": "No samples yet.",
    "watch-layer": "layer {0}", "watch-head": "head {0}",
    "watch-pointed": "{0}: {1} → {2} = {3}",
    "state-running": "training", "state-finished": "done", "state-interrupted": "stopped", "state-failed": "failed: {0}",
    "watch-loss": "{0}, loss {1}", "watch-best": "held-out {0} at step {1}",
    "watch-text": "Sentence:",
  },
  ko: {
    "old": "이 페이지를 보기에는 브라우저가 너무 오래되었습니다.",
    "watch-live": "실시간", "watch-replay": "다시 보기", "watch-lost": "연결이 끊겼습니다. 학습이 끝났거나 프로그램이 멈췄습니다. 그 전까지의 내용을 보여 줍니다.",
    "watch-ended": "볼 수 있는 내용이 모두 왔습니다.",
    "watch-waiting": "아직 온 것이 없습니다.",
    "chart-loss": "손실", "chart-loss-text": "토큰당 nat. 가는 선은 학습 텍스트, 굵은 선은 검증 텍스트",
    "chart-lr": "학습률", "chart-norm": "그래디언트 노름", "chart-norm-text": "클리핑 전",
    "watch-step": "스텝", "watch-at": "스텝 {0}", "watch-of": "스텝 {0} / {1}", "watch-follow": "최신 따라가기",
    "watch-heads": "만들어지는 헤드", "watch-heads-text": "정해 둔 문장(attend.text)에 대한 모든 헤드의 어텐션입니다. 행은 쿼리, 열은 키이며 가중치는 8비트입니다.",
    "watch-no-heads": "아직 그림이 없습니다. 평가할 때마다, 시간이 적게 들면 더 자주 나옵니다. 설정에 attend.text가 있어야 합니다.",
    "watch-samples": "모델이 쓴 글", "watch-no-samples": "아직 쓴 글이 없습니다.",
    "watch-layer": "레이어 {0}", "watch-head": "헤드 {0}",
    "watch-pointed": "{0}: {1} → {2} = {3}",
    "state-running": "학습 중", "state-finished": "끝남", "state-interrupted": "중단됨", "state-failed": "실패: {0}",
    "watch-loss": "{0}, 손실 {1}", "watch-best": "검증 {0}, 스텝 {1}",
    "watch-text": "문장:",
  },
};
