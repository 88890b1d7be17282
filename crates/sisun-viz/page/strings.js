// The texts that all pages share, in English and Korean. `{0}`, `{1}` … are placeholders.

/** @type {import("./words.js").Strings} */
export const SHARED_STRINGS = {
  en: {
    "language": "Language", "theme": "Theme", "theme-auto": "as the system", "theme-light": "light", "theme-dark": "dark",
    "map": "Colours", "map-blues": "Blues", "map-viridis": "Viridis", "map-cividis": "Cividis", "map-magma": "Magma",
    "layer-head": "layer {0} · head {1}", "layer-of": "layer {0}", "one-head": "1 head",
    "play": "play", "pause": "pause", "link-done": "Link copied.",
    "keys": "Keys", "close": "Close", "help-head": "previous and next head", "help-help": "these keys",
    "damaged": "This page is damaged: block {0} has {1} bytes and {2} were expected. Please write it again.",
    "trouble": "Something went wrong, and a part of the page may be missing. If the file was cut short or changed, write it again. ({0})",
  },
  ko: {
    "language": "언어", "theme": "화면", "theme-auto": "시스템 설정", "theme-light": "밝게", "theme-dark": "어둡게",
    "map": "색", "map-blues": "Blues", "map-viridis": "Viridis", "map-cividis": "Cividis", "map-magma": "Magma",
    "layer-head": "레이어 {0} · 헤드 {1}", "layer-of": "레이어 {0}", "one-head": "헤드 1개",
    "play": "재생", "pause": "멈춤", "link-done": "링크를 복사했습니다.",
    "keys": "단축키", "close": "닫기", "help-head": "이전·다음 헤드", "help-help": "이 단축키 목록",
    "damaged": "페이지가 손상되었습니다. 블록 {0}의 크기가 {2}바이트여야 하는데 {1}바이트입니다. 다시 만들어 주세요.",
    "trouble": "문제가 생겨 페이지 일부가 보이지 않을 수 있습니다. 파일이 잘렸거나 바뀌었다면 다시 만들어 주세요. ({0})",
  },
};
