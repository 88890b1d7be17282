// The texts that only a page has whose model a server computes, in English and Korean.

/** @type {import("./words.js").Strings} */
export const SERVED_STRINGS = {
  en: {
    "live-text": "Type a text: the model reads it.",
    "live-loading": "Asking the model ({0} parameters)…",
    "server-gone": "Sisun does not answer: `sisun live` has ended. Start it again, and open the address that it prints.",
    "server-broken": "Sisun’s answer ended early.",
    "served": "Computed by Sisun on this machine, in {0}.",
  },
  ko: {
    "live-text": "글을 입력하면 모델이 바로 읽습니다.",
    "live-loading": "모델에 묻는 중입니다(매개변수 {0}개)…",
    "server-gone": "Sisun이 답하지 않습니다. `sisun live`가 끝났습니다. 다시 실행하고 출력된 주소를 여세요.",
    "server-broken": "Sisun의 답이 중간에 끊겼습니다.",
    "served": "이 컴퓨터에서 Sisun이 {0} 형식으로 계산합니다.",
  },
};
