// The page of training: charts, heads and samples at a step, which follows the newest or the reader.

import { Address, readIndex, readLanguage, readMap, readTheme } from "./address.js";
import { OKABE_ITO } from "./colour.js";
import { find, make, onChoice, watchWidth } from "./elements.js";
import { counted, written } from "./numbers.js";
import { Theme } from "./theme.js";
import { drawChart } from "./watch-chart.js";
import { Course, lastAt } from "./watch-course.js";
import { WatchMaps } from "./watch-maps.js";
import { say, setLanguage, translate } from "./words.js";

/** @import { Language, ThemeChoice } from "./types.js" */
/** @import { WatchEvent } from "./watch-course.js" */

/** The data of the page. @typedef {{ language: Language, title: string, colours: Record<string, string>, events: WatchEvent[] | null }} WatchData */
/** @typedef {{ step: number | null, map: string | null, language: Language, theme: ThemeChoice }} Choices `step` is null while the page follows */

const READERS = { step: readIndex, map: readMap, language: readLanguage, theme: readTheme };
/** Time of a whole replay, in milliseconds, and the shortest time of a step of it. */
const REPLAY = 20000;
const SHORTEST = 60;

export class WatchApp {
  #address;
  #frame = 0;
  #playing = 0;
  /** @type {string | null} The connection's end, as a key of a sentence. */
  #end = null;

  /** @param {WatchData} page */
  constructor(page) {
    this.page = page;
    /** @type {Course[]} */
    this.courses = [];
    /** @type {WatchMaps[]} */
    this.maps = [];
    this.theme = new Theme(page.colours);
    this.#address = new Address(READERS, /** @type {Choices} */ ({ step: null, map: null, language: page.language, theme: "auto" }), "language");
    this.choices = this.#address.read();
    this.#address.listen((choices) => { this.choices = choices; this.draw(); });
    const select = (/** @type {string} */ id) => find(id, HTMLSelectElement);
    onChoice(select("language"), "change", (value) => this.change({ language: value === "ko" ? "ko" : "en" }));
    onChoice(select("theme"), "change", (value) => this.change({ theme: value === "light" || value === "dark" ? value : "auto" }));
    this.slider = find("time", HTMLInputElement);
    onChoice(this.slider, "input", (value) => this.change({ step: this.moments[Number(value)] ?? null }));
    find("follow").addEventListener("click", () => this.change({ step: null }));
    find("play").addEventListener("click", () => this.#play());
    this.theme.listen(() => this.draw());
    watchWidth(find("app"), () => this.draw());
    find("title").textContent = page.title;
  }

  /** The steps at which there is something to see, ascending. @returns {number[]} */
  get moments() {
    return [...new Set(this.courses.flatMap((course) => course.moments))].sort((a, b) => a - b);
  }

  /** @param {WatchEvent} event */
  add(event) {
    while (this.courses.length <= event.run) this.courses.push(new Course());
    this.courses[event.run].add(event);
    // Many events come together.
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.draw();
    });
  }

  /** @param {string} sentence the key of a sentence that says why no more events come */
  end(sentence) {
    this.#end = sentence;
    this.draw();
  }

  /** @param {Partial<Choices>} changes */
  change(changes) {
    Object.assign(this.choices, changes);
    this.#address.writeSoon(this.choices);
    this.draw();
  }

  /** Go through the steps, from the beginning if the end is shown. */
  #play() {
    if (this.#playing) {
      clearTimeout(this.#playing);
      this.#playing = 0;
      return this.draw();
    }
    const start = this.moments.findIndex((step) => step >= (this.choices.step ?? Infinity));
    let at = start < 0 || start >= this.moments.length - 1 ? 0 : start;
    const next = () => {
      const { moments } = this;
      this.change({ step: at < moments.length - 1 ? moments[at] : null });
      this.#playing = ++at < moments.length ? setTimeout(next, Math.max(SHORTEST, REPLAY / moments.length)) : 0;
      if (!this.#playing) this.draw();
    };
    next();
  }

  /** @param {number} run */
  #colour(run) {
    return OKABE_ITO[run % OKABE_ITO.length] ?? this.theme.colours(this.choices.theme, this.choices.map, "linear").palette.ink;
  }

  draw() {
    const { choices, courses, moments } = this;
    setLanguage(choices.language);
    this.theme.apply(choices.theme);
    translate(document);
    find("language", HTMLSelectElement).value = choices.language;
    find("theme", HTMLSelectElement).value = choices.theme;
    const newest = moments[moments.length - 1] ?? 0;
    const step = choices.step ?? newest;
    const all = Math.max(newest, ...courses.map((course) => course.steps ?? 0));
    const state = this.page.events ? say("watch-replay") : this.#end ? say(this.#end) : say("watch-live");
    find("facts").replaceChildren(make("span", { textContent: state }), ...(courses.length ? [] : [make("span", { textContent: say("watch-waiting") })]));
    this.#drawRuns();
    this.#drawCharts(choices.step, all);
    this.#drawTime(step, all);
    this.#drawMaps(step);
    this.#drawSamples(step);
  }

  #drawRuns() {
    find("runs").replaceChildren(...this.courses.map((course, run) => {
      const key = make("span", { className: "key" });
      key.style.background = this.#colour(run);
      const last = course.line("loss", "train").at(-1);
      const best = course.line("loss", "validation").reduce((/** @type {[number, number] | null} */ best, point) => (best && best[1] <= point[1] ? best : point), null);
      const words = [say(`state-${course.state.state}`, course.state.message)];
      if (last) words.push(say("watch-loss", say("watch-at", counted(last[0])), written(last[1])));
      if (best) words.push(say("watch-best", written(best[1]), counted(best[0])));
      return make("li", {}, key, make("bdi", { textContent: course.name }), make("span", { className: "state", textContent: words.join(" · ") }));
    }));
  }

  /**
   * @param {number | null} now
   * @param {number} steps
   */
  #drawCharts(now, steps) {
    const lines = (/** @type {"loss" | "lr" | "grad_norm"} */ name, /** @type {"train" | "validation"} */ split, thin = false) =>
      this.courses.map((course, run) => ({ points: course.line(name, split), colour: this.#colour(run), thin }));
    const look = (/** @type {string} */ title) => ({ now, steps, title: say(title), count: counted });
    drawChart(find("chart-loss"), [...lines("loss", "train", true), ...lines("loss", "validation")], look("chart-loss"));
    drawChart(find("chart-lr"), lines("lr", "train"), look("chart-lr"));
    drawChart(find("chart-norm"), lines("grad_norm", "train"), look("chart-norm"));
  }

  /**
   * @param {number} step
   * @param {number} all
   */
  #drawTime(step, all) {
    const { moments, slider } = this;
    slider.max = String(Math.max(moments.length - 1, 0));
    slider.value = String(Math.max(moments.findLastIndex((moment) => moment <= step), 0));
    find("time-label").textContent = say("watch-of", counted(step), counted(all));
    find("follow").hidden = this.choices.step === null;
    const play = find("play");
    play.textContent = this.#playing ? "❚❚" : "▶";
    play.setAttribute("aria-pressed", String(this.#playing !== 0));
    const name = say(this.#playing ? "pause" : "play");
    play.setAttribute("aria-label", name);
    play.title = name;
  }

  /** @param {number} step */
  #drawMaps(step) {
    const colours = this.theme.colours(this.choices.theme, this.choices.map, "linear");
    const shown = this.courses.flatMap((course, run) => {
      const frame = lastAt(course.frames, step);
      if (!frame) return [];
      this.maps[run] ??= new WatchMaps((text) => { find("pointed").textContent = text; });
      const name = this.courses.length > 1 ? `${course.name} · ` : "";
      this.maps[run].show(frame, `${name}${say("watch-at", counted(frame.step))}`, colours);
      return [this.maps[run].host];
    });
    find("no-heads").hidden = shown.length > 0;
    const host = find("maps");
    // Only when there is a new one: the reader may be pointing at a map.
    if (host.childElementCount !== shown.length) host.replaceChildren(...shown);
  }

  /** @param {number} step */
  #drawSamples(step) {
    const samples = this.courses.flatMap((course) => {
      const sample = lastAt(course.samples, step);
      if (!sample) return [];
      const name = this.courses.length > 1 ? `${course.name} · ` : "";
      return [make("article", { className: "sample" }, make("h3", { dir: "auto", textContent: `${name}${say("watch-at", counted(sample.step))}` }), make("pre", { dir: "auto", textContent: sample.text }))];
    });
    find("no-samples").hidden = samples.length > 0;
    find("sample-list").replaceChildren(make("div", { className: "samples" }, ...samples));
  }
}
