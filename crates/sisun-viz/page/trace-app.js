// The trace page: the reader's choices, the current view, and the controls.

import { Address, copied, readIndex, readLanguage, readMap, readTheme } from "./address.js";
import { hex, ROOT_FROM, share, TICKS } from "./colour.js";
import { closest, fillSelect, find, make, onChoice } from "./elements.js";
import { listKeys, openHelp } from "./help.js";
import { Theme } from "./theme.js";
import { Attention } from "./trace-attention.js";
import { Candidates } from "./trace-candidates.js";
import { commandOf } from "./trace-command.js";
import { Course } from "./trace-course.js";
import { shapeOf, showScale, traceFacts } from "./trace-facts.js";
import { HeadGrid } from "./trace-heads.js";
import { SeenTokens } from "./trace-seen.js";
import { WrittenText } from "./trace-text.js";
import { language, say, setLanguage, translate } from "./words.js";

/** @import { Language, Scale, ThemeChoice, TracePageData } from "./types.js" */

const READERS = { step: readIndex, layer: readIndex, head: readIndex, map: readMap, language: readLanguage, theme: readTheme };

/**
 * The choices: a step, and a head or (null) the mean of all.
 * @typedef {object} Choices
 * @property {number} step
 * @property {number | null} layer
 * @property {number | null} head
 * @property {string | null} map
 * @property {Language} language
 * @property {ThemeChoice} theme
 */

/** The parts of the page for a text of at least one token. */
class Parts {
  /** @param {TraceApp} app */
  constructor(app) {
    this.candidates = new Candidates(app);
    this.grid = new HeadGrid(app);
    this.seen = new SeenTokens(app);
    this.course = new Course(app);
  }
}

export class TraceApp {
  #timer = 0;
  #address;
  /** @type {Language | null} The language that the words are in. */
  #translated = null;
  /** Key of the current legend of weights. */
  #legend = "";
  #controls = {
    step: find("step", HTMLInputElement), speed: find("speed", HTMLSelectElement), language: find("language", HTMLSelectElement),
    theme: find("theme", HTMLSelectElement), map: find("map", HTMLSelectElement), play: find("play", HTMLButtonElement),
    before: find("before", HTMLButtonElement), after: find("after", HTMLButtonElement),
  };

  /**
   * @param {TracePageData} page
   * @param {string} seed
   */
  constructor(page, seed) {
    this.page = page;
    this.seed = seed;
    this.trace = page.trace;
    this.playing = false;
    /** True once the weights have been decoded. */
    this.ready = false;
    /** @type {Choices} */
    const defaults = { step: 0, layer: null, head: null, map: null, language: page.language, theme: "auto" };
    this.#address = new Address(READERS, defaults, "step");
    const { step, layer, head, map, language, theme } = this.#address.read();
    this.step = step;
    this.layer = layer;
    this.head = head;
    this.map = map;
    this.language = language;
    this.theme = theme;
    this.#hold();
    this.looks = new Theme(page.colours);
    this.text = new WrittenText(this);
    this.#listen();
    const written = this.trace.steps.length > 0;
    this.attention = written ? new Attention(page) : null;
    this.parts = written ? new Parts(this) : null;
    if (written) this.#controls.step.max = String(this.last);
  }

  get last() {
    return Math.max(this.trace.steps.length - 1, 0);
  }

  /** One scale for all steps, so that they are comparable. @type {Scale} */
  get scale() {
    return this.trace.tokens.length >= ROOT_FROM ? "root" : "linear";
  }

  /** An address may contain values that this page does not have. */
  #hold() {
    this.step = Math.min(this.step, this.last);
    const exists = this.layer !== null && this.head !== null && this.layer < this.page.layers && this.head < this.page.heads;
    if (!exists) Object.assign(this, { layer: null, head: null });
  }

  /**
   * Apply a choice of the reader: selecting a token stops playback.
   * @param {Partial<Choices>} changes
   */
  choose(changes) {
    if ("step" in changes) this.pause();
    this.#set(changes);
  }

  /** @param {Partial<Choices>} changes */
  #set(changes) {
    Object.assign(this, changes);
    this.#hold();
    this.show();
    this.#address.writeSoon(this);
  }

  /** @param {number} by */
  move(by) {
    this.choose({ step: Math.min(Math.max(this.step + by, 0), this.last) });
  }

  /**
   * Go to the previous or next head; the mean is before the first and after the last.
   * @param {number} by
   */
  moveHead(by) {
    const { layers, heads } = this.page;
    const at = this.layer === null || this.head === null ? 0 : 1 + this.layer * heads + this.head;
    const next = (at + by + layers * heads + 1) % (layers * heads + 1) - 1;
    this.choose(next < 0 ? { layer: null, head: null } : { layer: Math.floor(next / heads), head: next % heads });
  }

  play() {
    this.playing = true;
    if (this.step === this.last) this.#set({ step: 0 });
    else this.show();
    const next = () => {
      this.#timer = setTimeout(() => {
        this.#set({ step: this.step + 1 });
        if (this.step < this.last) next();
        else this.pause();
      }, Number(this.#controls.speed.value));
    };
    next();
  }

  pause() {
    clearTimeout(this.#timer);
    if (!this.playing) return;
    this.playing = false;
    this.show();
  }

  toggle() {
    if (this.playing) this.pause();
    else if (this.trace.steps.length > 1) this.play();
  }

  /** Update the whole page from the choices. */
  show() {
    const controls = this.#controls;
    this.looks.apply(this.theme);
    if (this.#translated !== this.language) this.#translate();
    controls.language.value = this.language;
    controls.theme.value = this.theme;
    if (!this.parts) return;
    const { step, playing, parts: { candidates, course }, trace: { steps } } = this;
    controls.step.value = String(step);
    controls.step.setAttribute("aria-valuetext", say("place", step + 1, steps.length));
    find("place").textContent = say("place", step + 1, steps.length);
    const label = say(playing ? "pause" : "play");
    controls.play.textContent = playing ? "❚❚" : "▶";
    controls.play.title = label;
    controls.play.setAttribute("aria-label", label);
    controls.play.setAttribute("aria-pressed", String(playing));
    controls.play.disabled = this.last === 0;
    controls.before.disabled = step === 0;
    controls.after.disabled = step === this.last;
    // During playback, each step would interrupt the announcement of the one before.
    find("why").setAttribute("aria-live", playing ? "off" : "polite");
    this.text.show(step, playing);
    candidates.show(step);
    course.show(step);
    if (this.attention && this.ready) this.#showAttention(this.attention, this.parts);
  }

  /**
   * @param {Attention} attention
   * @param {Parts} parts
   */
  #showAttention(attention, { grid, seen }) {
    const { step, layer, head, page } = this;
    const map = this.looks.mapOf(this.theme, this.map);
    const colours = this.looks.colours(this.theme, this.map, this.scale);
    find("mean").setAttribute("aria-pressed", String(layer === null));
    find("shown").textContent = layer === null || head === null ? shapeOf(page) : say("layer-head", layer, head);
    this.#controls.map.value = map;
    grid.show(step, attention, colours);
    seen.show({ from: attention.from(step), weights: attention.weights(step, layer, head), error: attention.error }, colours);
    const legend = `${map} ${colours.palette.dark} ${language()}`;
    if (this.#legend === legend) return;
    this.#legend = legend;
    const squared = colours.scale === "root";
    showScale(find("attention-legend"), TICKS[colours.scale].map((tick) => [String(tick), share(tick, colours.scale)]), (at) => hex(colours.rgb(squared ? at * at : at)));
    const [more] = find("attention-legend").querySelectorAll(".more");
    more.textContent = [...(squared ? [say("scale-root")] : []), say("scale-sum")].join(" · ");
  }

  #translate() {
    const { page, trace, parts } = this;
    setLanguage(this.language);
    this.#translated = this.language;
    translate(document);
    find("title").textContent = page.title;
    find("facts").replaceChildren(...traceFacts(page, this.seed).map((fact) => make("bdi", { textContent: fact })));
    fillSelect(this.#controls.map, Object.keys(this.looks.maps).map((name) => [name, say(`map-${name}`)]), this.looks.mapOf(this.theme, this.map));
    find("command").textContent = commandOf(trace, this.seed);
    listKeys([["← →", "step"], ["Home End", "ends"], [say("space"), "play"], ["[ ]", "head"], ["Esc", "mean"], ["?", "help"]]);
    this.text.translate(this);
    showScale(find("surprise"), [["1", 0], ["0.1", 1 / 3], ["0.01", 2 / 3], ["≤ 0.001", 1]]);
    parts?.grid.translate();
    parts?.course.translate();
  }

  #listen() {
    const controls = this.#controls;
    onChoice(controls.step, "input", (step) => this.choose({ step: Number(step) }));
    onChoice(controls.language, "change", (language) => this.choose({ language: /** @type {Language} */ (language) }));
    onChoice(controls.theme, "change", (theme) => this.choose({ theme: /** @type {ThemeChoice} */ (theme) }));
    onChoice(controls.map, "change", (map) => this.choose({ map }));
    const on = (/** @type {string} */ id, /** @type {() => void} */ action) => find(id).addEventListener("click", action);
    on("before", () => this.move(-1));
    on("after", () => this.move(1));
    on("play", () => this.toggle());
    on("mean", () => this.choose({ layer: null, head: null }));
    on("ask", openHelp);
    on("copy", () => this.#copyCommand());
    on("link", () => this.#copyLink());
    this.looks.listen(() => this.show());
    this.#address.listen((choices) => this.choose(choices));
    addEventListener("keydown", (event) => this.#key(event));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || closest(event, "select, dialog, pre")) return;
    const by = event.shiftKey ? 10 : 1;
    /** @type {Record<string, () => void>} */
    const actions = {
      ArrowLeft: () => this.move(-by), ArrowRight: () => this.move(by), ",": () => this.move(-1), ".": () => this.move(1),
      Home: () => this.move(-this.last), End: () => this.move(this.last), " ": () => this.toggle(),
      "[": () => this.moveHead(-1), "]": () => this.moveHead(1), Escape: () => this.choose({ layer: null, head: null }),
      "?": openHelp,
    };
    if (!Object.hasOwn(actions, key) || (!this.parts && key !== "?")) return;
    // Elsewhere the space bar presses the focused button; the current token is already selected.
    if (key === " " && closest(event, "button:not([aria-current])")) return;
    actions[key]();
    event.preventDefault();
  }

  async #copyCommand() {
    const command = find("command");
    const done = await copied(command.textContent ?? "");
    if (!done) getSelection()?.selectAllChildren(command);
    find("done").textContent = say(done ? "copied" : "copy-by-hand");
  }

  async #copyLink() {
    this.#address.write(this);
    find("done").textContent = say(await copied(location.href) ? "link-done" : "link-shown");
  }
}
