// Tokens as a text that reads as it was written, though each can be pointed at, and nothing in it is invisible.

/** Joiners, variation selectors and tags: within an emoji or a word they show by what they do. */
const SHAPING = /[\u200c\u200d\ufe00-\ufe0f\u{e0020}-\u{e01ef}]/u;
const INVISIBLE = /[\p{Cc}\p{Zs}\p{Zl}\p{Zp}\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\u{e0020}-\u{e01ef}]/gu;

/** A token's own text as the labels of a text are written: ⏎, ⇥, ␣, U+200B; an empty one is ∅. */
function visible(text) {
  if (text === "") return "∅";
  if (/^ +$/.test(text)) return "␣".repeat(text.length);
  const alone = [...text].length === 1;
  const names = { "\n": "⏎", "\t": "⇥", "\r": "\\r", " ": " " };
  return text.replace(INVISIBLE, (c) => {
    if (c in names) return names[c];
    return !alone && SHAPING.test(c) ? c : `U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
  });
}

const MARKS = /([␣⏎⇥]+)/;

/** Content of a token's element: signs that stand for something else are faint. */
function withMarks(label) {
  return label.split(MARKS).filter((part) => part !== "").map((part) => (MARKS.test(part) ? make("span", { className: "mark", textContent: part }) : part));
}

/** A token within a sentence or a table, where the spaces at its ends must be seen. */
function quoted(label, className = "token") {
  const spelled = label.replace(/^ +| +$/g, (spaces) => "␣".repeat(spaces.length));
  return make("bdi", { className }, ...withMarks(spelled));
}

/** For each label the piece it is where several tokens make one character ("한 1/3", "한 2/3", "한 3/3"), or null. */
function piecesOf(labels) {
  const pieces = new Array(labels.length).fill(null);
  labels.forEach((label, i) => {
    const [, of, count] = /^(.+) 1\/(\d{1,2})$/su.exec(label) ?? [];
    const all = Array.from({ length: count > 1 ? Number(count) : 0 }, (_, k) => `${of} ${k + 1}/${count}`);
    if (all.length > 0 && all.every((piece, k) => labels[i + k] === piece)) all.forEach((_, k) => { pieces[i + k] = { of, piece: k + 1 }; });
  });
  return pieces;
}

/** Lines may break at spaces, beside Han and kana, and after so many letters without either. */
const LONGEST_RUN = 16;
const BREAKS_AFTER = /[\s␣⏎⇥\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}]$/u;
const BREAKS_BEFORE = /^[\s␣\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}]/u;

/** Lays tokens out in `host`; `element(i)` makes the empty element of a token. Returns the elements in order. */
function layOut(host, labels, element) {
  const pieces = piecesOf(labels);
  host.dir = directionOf(labels.join(""));
  let word = null;
  let run = 0;
  return labels.map((label, i) => {
    const token = element(i);
    // The space before a word is its token's, but at the beginning of a line it must vanish as in any text.
    const spaced = /^ \S/.test(label) && !pieces[i];
    token.classList.add("token");
    token.dir = "auto";
    if (pieces[i]) {
      const { of, piece } = pieces[i];
      token.append(...(piece === 1 ? [of] : []), make("small", { textContent: piece }));
    } else token.append(...withMarks(spaced ? label.slice(1) : label));
    const length = pieces[i] ? 1 : label.length;
    run += length;
    const broken = run > LONGEST_RUN && !(pieces[i]?.piece > 1);
    if (!word || broken || BREAKS_BEFORE.test(label) || BREAKS_AFTER.test(labels[i - 1])) {
      word = make("span", { className: "word" });
      run = length;
      host.append(...(spaced ? [" "] : []), word);
    }
    word.append(token);
    if (label.endsWith("⏎")) host.append(make("br"));
    return token;
  });
}

/** The direction of a text by its first strong letter. Each token is isolated, so the browser cannot tell from them. */
function directionOf(text) {
  const probe = make("p", { dir: "auto", textContent: text, hidden: true });
  document.body.append(probe);
  const { direction } = getComputedStyle(probe);
  probe.remove();
  return direction;
}

/** How strongly a token is coloured: a third for each power of ten that its probability is below 1. */
function surprise(p) {
  return p > 0 ? Math.min(-Math.log10(p) / 3, 1) : 1;
}

/** The whole text: the prompt, and what was written, each token shaded by how little the model expected it. */
class WrittenText {
  constructor(app) {
    const { trace: { tokens, prompt_tokens: read, steps } } = app;
    this.host = find("text");
    this.current = null;
    const elements = layOut(this.host, tokens, (i) => {
      const step = i - read;
      if (step < 0) return make("span", { className: "prompt" });
      const button = make("button", { type: "button", data: { step }, tabIndex: -1 });
      button.style.setProperty("--surprise", surprise(Math.exp(steps[step].logprob)).toFixed(4));
      return button;
    });
    this.buttons = elements.slice(read);
    this.host.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-step]");
      if (button) app.choose({ step: Number(button.dataset.step) });
    });
  }

  translate(app) {
    const { tokens, prompt_tokens: read, steps } = app.trace;
    this.buttons.forEach((button, step) => {
      const says = `${percent(Math.exp(steps[step].logprob))} · ${say("logprob", written(steps[step].logprob, 3))}`;
      button.title = says;
      button.setAttribute("aria-label", `${tokens[read + step]}, ${says}`);
    });
  }

  /** Marks the present token; while the text is replayed, what comes later is faint. */
  show(step, playing) {
    const button = this.buttons[step];
    this.host.classList.toggle("playing", playing);
    if (this.current !== button) {
      const focused = document.activeElement === this.current;
      this.current?.removeAttribute("aria-current");
      if (this.current) this.current.tabIndex = -1;
      this.current = button;
      button.setAttribute("aria-current", "step");
      button.tabIndex = 0;
      if (focused) button.focus({ preventScroll: true });
      keepInSight(this.host, button);
    }
    if (playing || this.later) {
      this.buttons.forEach((other, i) => other.classList.toggle("later", playing && i > step));
      this.later = playing;
    }
  }
}

/** Scrolls a box, and not the page, just so far that an element in it is seen. */
function keepInSight(box, element) {
  const [outer, inner] = [box.getBoundingClientRect(), element.getBoundingClientRect()];
  const margin = inner.height;
  if (inner.top < outer.top + margin) box.scrollTop += inner.top - outer.top - margin;
  else if (inner.bottom > outer.bottom - margin) box.scrollTop += inner.bottom - outer.bottom + margin;
}
