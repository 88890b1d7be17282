// The text of a trace; each token is a button that goes to its step.

import { closest, find, keepInSight, make } from "./elements.js";
import { percent, written } from "./numbers.js";
import { layOut } from "./tokens.js";
import { say } from "./words.js";

/** @import { TraceApp } from "./trace-app.js" */

/**
 * Return the opacity of a token: a third for each power of ten by which its probability is below 1.
 * @param {number} p
 */
function surprise(p) {
  return p > 0 ? Math.min(-Math.log10(p) / 3, 1) : 1;
}

/** The whole text, prompt and continuation, each token shaded by how unexpected it was to the model. */
export class WrittenText {
  /** @param {TraceApp} app */
  constructor(app) {
    const { trace: { tokens, prompt_tokens: read, steps } } = app;
    this.host = find("text");
    /** @type {HTMLElement | null} */
    this.current = null;
    /** True if later tokens are currently faint. */
    this.later = false;
    const elements = layOut(this.host, tokens, (i) => {
      const step = i - read;
      if (step < 0) return make("span", { className: "prompt" });
      const button = make("button", { type: "button", data: { step }, tabIndex: -1 });
      button.style.setProperty("--surprise", surprise(Math.exp(steps[step].logprob)).toFixed(4));
      return button;
    });
    this.buttons = elements.slice(read);
    this.host.addEventListener("click", (event) => {
      const button = closest(event, "button[data-step]");
      if (button) app.choose({ step: Number(button.dataset.step) });
    });
  }

  /** @param {TraceApp} app */
  translate(app) {
    const { tokens, prompt_tokens: read, steps } = app.trace;
    this.buttons.forEach((button, step) => {
      const says = `${percent(Math.exp(steps[step].logprob))} · ${say("logprob", written(steps[step].logprob, 3))}`;
      button.title = says;
      button.setAttribute("aria-label", `${tokens[read + step]}, ${says}`);
    });
  }

  /**
   * Mark the current token; during playback, later tokens are faint.
   * @param {number} step
   * @param {boolean} playing
   */
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
