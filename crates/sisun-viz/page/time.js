// The slider through the checkpoints of a training run.

import { find } from "./elements.js";
import { say } from "./words.js";

/** @import { App } from "./app.js" */

/** The slider over the checkpoints, and its play button. */
export class TimeBar {
  #playing = false;

  /** @param {App} app */
  constructor(app) {
    this.app = app;
    this.host = find("times");
    this.slider = find("time", HTMLInputElement);
    this.button = find("play");
    this.label = find("time-label");
    this.host.hidden = app.page.kind !== "time";
    this.slider.max = String(app.views.length - 1);
    this.slider.addEventListener("input", () => {
      const time = Number(this.slider.value);
      this.#stop();
      app.state.set({ time });
    });
    this.button.addEventListener("click", () => (this.#playing ? this.#stop() : this.#play()));
  }

  show() {
    const { app, button } = this;
    const { label } = app.views[app.state.time];
    this.slider.value = String(app.state.time);
    this.slider.setAttribute("aria-valuetext", label);
    this.label.textContent = `${label}  (${app.state.time + 1} / ${app.views.length})`;
    button.textContent = this.#playing ? "❚❚" : "▶";
    button.setAttribute("aria-pressed", String(this.#playing));
    button.setAttribute("aria-label", say(this.#playing ? "pause" : "play"));
  }

  /** @param {number} by */
  step(by) {
    const last = this.app.views.length - 1;
    this.app.state.set({ time: Math.min(Math.max(this.app.state.time + by, 0), last) });
  }

  /** Play from the beginning if at the end. The next checkpoint is shown once it has been decoded. */
  async #play() {
    const { app } = this;
    const last = app.views.length - 1;
    this.#playing = true;
    if (app.state.time === last) app.state.set({ time: 0 });
    this.show();
    while (this.#playing && app.state.time < last) {
      await Promise.all([app.settled, new Promise((resolve) => setTimeout(resolve, 600))]);
      if (this.#playing) this.step(1);
    }
    this.#stop();
  }

  #stop() {
    this.#playing = false;
    this.show();
  }
}
