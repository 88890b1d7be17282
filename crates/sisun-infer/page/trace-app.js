// What the reader chose, and the controls to choose it. It lives in the address, so that a copied link opens exactly this step.

const readIndex = (text) => (/^\d+$/.test(text) ? Number(text) : null);
const readOne = (...allowed) => (text) => (allowed.includes(text) ? text : null);
const READERS = {
  step: readIndex, layer: readIndex, head: readIndex, map: readOne("blues", "viridis", "cividis", "magma"),
  language: readOne("en", "ko"), theme: readOne("auto", "light", "dark"),
};

class App {
  #timer = 0;
  #writing = 0;
  #colours = null;

  constructor(page, seed) {
    Object.assign(this, { page, seed, trace: page.trace, playing: false, ready: false });
    this.defaults = { step: 0, layer: null, head: null, map: null, language: page.language, theme: "auto" };
    Object.assign(this, this.defaults, this.#read());
    this.#hold();
    this.maps = Object.fromEntries(Object.entries(page.colours).map(([name, base64]) => [name, bytesOf(base64)]));
    this.darkSystem = matchMedia("(prefers-color-scheme: dark)");
    this.text = new WrittenText(this);
    this.#listen();
    if (this.trace.steps.length === 0) return;
    this.attention = new Attention(page);
    this.parts = { candidates: new Candidates(this), grid: new HeadGrid(this), seen: new SeenTokens(this), course: new Course(this) };
    find("step").max = this.last;
  }

  get last() {
    return Math.max(this.trace.steps.length - 1, 0);
  }

  get dark() {
    return this.theme === "dark" || (this.theme === "auto" && this.darkSystem.matches);
  }

  /** Blues on white, as in print; on a dark page a map whose zero is dark. One scale for all steps, so that they compare. */
  get colours() {
    const map = this.map ?? (this.dark ? "magma" : "blues");
    const name = `${map} ${this.dark}`;
    if (this.#colours?.name !== name) {
      this.#colours = new Colours(this.maps[map], this.trace.tokens.length >= ROOT_FROM ? "root" : "linear", readPalette(this.dark));
      Object.assign(this.#colours, { name, map });
    }
    return this.#colours;
  }

  #read() {
    const found = {};
    for (const [name, text] of new URLSearchParams(location.hash.slice(1))) {
      const value = Object.hasOwn(READERS, name) ? READERS[name](text) : null;
      if (value !== null) found[name] = value;
    }
    return found;
  }

  /** An address may name what this page does not have. */
  #hold() {
    this.step = Math.min(this.step, this.last);
    const exists = this.layer !== null && this.head !== null && this.layer < this.page.layers && this.head < this.page.heads;
    if (!exists) Object.assign(this, { layer: null, head: null });
  }

  #write() {
    const chosen = Object.keys(READERS).filter((name) => name === "step" || this[name] !== this.defaults[name]);
    try {
      history.replaceState(null, "", `#${chosen.map((name) => `${name}=${this[name]}`).join("&")}`);
    } catch {
      // Where a page from a file may not do that, the address stays as it was.
    }
  }

  /** The reader chose something: whoever goes to a token has stopped watching. */
  choose(changes) {
    if ("step" in changes) this.pause();
    this.#set(changes);
  }

  #set(changes) {
    Object.assign(this, changes);
    this.#hold();
    this.show();
    // Browsers limit how often an address may change; replaying would exceed it.
    clearTimeout(this.#writing);
    this.#writing = setTimeout(() => this.#write(), 150);
  }

  move(by) {
    this.choose({ step: Math.min(Math.max(this.step + by, 0), this.last) });
  }

  /** The head before or after; the mean comes before the first and after the last. */
  moveHead(by) {
    const { layers, heads } = this.page;
    const at = this.layer === null ? 0 : 1 + this.layer * heads + this.head;
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
      }, Number(find("speed").value));
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

  /** Brings the whole page in line with what was chosen. */
  show() {
    document.documentElement.dataset.theme = this.dark ? "dark" : "light";
    if (this.translated !== this.language) this.#translate();
    for (const name of ["language", "theme"]) find(name).value = this[name];
    if (!this.parts) return;
    const { step, playing, parts: { candidates, course }, trace: { steps } } = this;
    find("step").value = step;
    find("step").setAttribute("aria-valuetext", say("place", step + 1, steps.length));
    find("place").textContent = say("place", step + 1, steps.length);
    const label = say(playing ? "pause" : "play");
    Object.assign(find("play"), { textContent: playing ? "❚❚" : "▶", title: label });
    find("play").setAttribute("aria-label", label);
    find("play").setAttribute("aria-pressed", String(playing));
    find("play").disabled = this.last === 0;
    find("before").disabled = step === 0;
    find("after").disabled = step === this.last;
    // While it plays, each step would be read aloud over the one before.
    find("why").setAttribute("aria-live", playing ? "off" : "polite");
    this.text.show(step, playing);
    candidates.show(step);
    course.show(step);
    if (this.ready) this.#showAttention();
  }

  #showAttention() {
    const { step, layer, head, attention, colours, parts: { grid, seen }, page } = this;
    find("mean").setAttribute("aria-pressed", String(layer === null));
    find("shown").textContent = layer === null ? shapeOf(page) : say("layer-head", layer, head);
    find("map").value = colours.map;
    grid.show(step, attention, colours);
    seen.show(step, { from: attention.from(step), weights: attention.weights(step, layer, head), error: attention.error }, colours);
    if (this.legendOf === `${colours.name} ${language}`) return;
    this.legendOf = `${colours.name} ${language}`;
    const squared = colours.scale === "root";
    showScale(find("attention-legend"), TICKS[colours.scale].map((tick) => [tick, share(tick, colours.scale)]), (at) => hex(colours.rgb(squared ? at * at : at)));
    find("attention-legend").querySelector(".more").textContent = [...(squared ? [say("scale-root")] : []), say("scale-sum")].join(" · ");
  }

  #translate() {
    const { page, trace, parts } = this;
    ({ language } = this);
    this.translated = language;
    document.documentElement.lang = language;
    translate(document);
    find("title").textContent = page.title;
    find("facts").replaceChildren(...factsOf(page, this.seed).map((fact) => make("bdi", { textContent: fact })));
    find("map").replaceChildren(...Object.keys(this.maps).map((name) => make("option", { value: name, textContent: say(`map-${name}`) })));
    find("command").textContent = commandOf(trace, this.seed);
    const keys = [["← →", "step"], ["Home End", "ends"], [say("space"), "play"], ["[ ]", "head"], ["Esc", "mean"], ["?", "help"]];
    find("help").querySelector("dl").replaceChildren(...keys.flatMap(([key, what]) => [make("dt", { textContent: key }), make("dd", { textContent: say(`help-${what}`) })]));
    this.text.translate(this);
    showScale(find("surprise"), [["1", 0], ["0.1", 1 / 3], ["0.01", 2 / 3], ["≤ 0.001", 1]]);
    parts?.grid.translate();
    parts?.course.translate();
  }

  #listen() {
    const on = (id, type, action) => find(id).addEventListener(type, action);
    on("step", "input", (event) => this.choose({ step: Number(event.target.value) }));
    on("before", "click", () => this.move(-1));
    on("after", "click", () => this.move(1));
    on("play", "click", () => this.toggle());
    on("mean", "click", () => this.choose({ layer: null, head: null }));
    for (const name of ["language", "theme", "map"]) on(name, "change", (event) => this.choose({ [name]: event.target.value }));
    on("ask", "click", () => find("help").showModal());
    on("copy", "click", () => this.#copy(find("command").textContent, "copied", "copy-by-hand", find("command")));
    on("link", "click", () => {
      this.#write();
      this.#copy(location.href, "link-done", "link-shown");
    });
    this.darkSystem.addEventListener("change", () => this.show());
    addEventListener("hashchange", () => this.choose({ ...this.defaults, ...this.#read() }));
    addEventListener("keydown", (event) => this.#key(event));
  }

  #key(event) {
    const { target, key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || target.closest?.("select, dialog, pre")) return;
    const by = event.shiftKey ? 10 : 1;
    const actions = {
      ArrowLeft: () => this.move(-by), ArrowRight: () => this.move(by), ",": () => this.move(-1), ".": () => this.move(1),
      Home: () => this.move(-this.last), End: () => this.move(this.last), " ": () => this.toggle(),
      "[": () => this.moveHead(-1), "]": () => this.moveHead(1), Escape: () => this.choose({ layer: null, head: null }),
      "?": () => find("help").showModal(),
    };
    if (!Object.hasOwn(actions, key) || (!this.parts && key !== "?")) return;
    // Elsewhere the space bar presses the button that has the focus; the present token is chosen already.
    if (key === " " && target.closest?.("button:not([aria-current])")) return;
    actions[key]();
    event.preventDefault();
  }

  async #copy(text, done, otherwise, shown) {
    try {
      await navigator.clipboard.writeText(text);
      find("done").textContent = say(done);
    } catch {
      // Not every browser lets a page from a file reach the clipboard.
      if (shown) getSelection().selectAllChildren(shown);
      find("done").textContent = say(otherwise);
    }
  }
}
