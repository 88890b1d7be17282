// One model, checkpoints in time, or models side by side: which of the page's views are present, a panel for each of them,
// and the slider through time.

const PANELS = { grid: GridPanel, head: HeadPanel, text: TextPanel, worked: WorkedPanel, table: TablePanel };

/** The views that are shown now: a checkpoint, or all models. */
function presentViews({ page, views, state }) {
  if (page.kind === "variants") return views;
  return [views[page.kind === "time" ? state.time : 0]];
}

/** The panels of the tab that is open, made when it is opened for the first time. The table has one for all models. */
class Panels {
  #made = new Map();

  constructor(app) {
    this.app = app;
  }

  of(name) {
    if (!this.#made.has(name)) this.#made.set(name, this.#make(name));
    const { panels, captions } = this.#made.get(name);
    captions.forEach((caption, i) => {
      const view = this.app.present()[i];
      const { layer, head } = this.app.state;
      const single = name === "head" || name === "worked";
      const missing = single && !view.has(layer, head) ? say("no-head", headName(layer, head)) : "";
      caption.parentElement.classList.toggle("absent", missing !== "");
      const label = make("b", { dir: "auto", textContent: view.label });
      caption.replaceChildren(make("span", { className: "at" }), label, ` ${missing || factsOf(view).join(" · ")}`);
    });
    return panels.filter((panel) => (name !== "head" && name !== "worked") || panel.view.has(this.app.state.layer, this.app.state.head));
  }

  /** Puts each model's own weight of the marked cell beside its name. */
  mark(name) {
    const { captions } = this.#made.get(name);
    const { app } = this;
    captions.forEach((caption, i) => {
      const view = app.present()[i];
      const { query = null, key = null } = app.cellOf(i) ?? {};
      const here = name === "head" && query !== null && key !== null && view.has(app.state.layer, app.state.head);
      caption.querySelector(".at").textContent = here ? written(app.matrix(view).value(query, key)) : "";
    });
  }

  #make(name) {
    const section = document.getElementById(`view-${name}`);
    const views = name === "table" ? [null] : this.app.present();
    if (views.length === 1) return { panels: [new PANELS[name](section, 0, this.app)], captions: [] };
    section.classList.add("columns");
    section.closest(".stage").classList.add("many");
    const captions = views.map(() => make("figcaption"));
    const panels = views.map((_, i) => {
      const host = make("figure", {}, captions[i]);
      section.append(host);
      return new PANELS[name](host, i, this.app);
    });
    return { panels, captions };
  }
}

/** What a model is, in a few words each. */
function factsOf(view) {
  const position = `position-${view.position}`;
  return [
    view.layers.length === 1 ? say("one-layer") : say("layers", view.layers.length),
    view.heads.length === 1 ? say("one-head") : say("heads", view.heads.length),
    say("dimensions", view.d_head),
    position in STRINGS[language] ? say(position) : view.position,
    ...(view.causal ? [] : [say("not-causal")]),
    // Not known of a model that others trained.
    ...(view.step === null ? [] : [say("step", view.step.toLocaleString("en"))]),
    say("tokens", view.tokens.length.toLocaleString("en")),
  ];
}

/** The slider over the checkpoints, and its play button. */
class TimeBar {
  #playing = false;

  constructor(app) {
    this.app = app;
    this.host = document.getElementById("times");
    this.slider = document.getElementById("time");
    this.button = document.getElementById("play");
    this.label = document.getElementById("time-label");
    this.host.hidden = app.page.kind !== "time";
    this.slider.max = app.views.length - 1;
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
    this.slider.value = app.state.time;
    this.slider.setAttribute("aria-valuetext", label);
    this.label.textContent = `${label}  (${app.state.time + 1} / ${app.views.length})`;
    button.textContent = this.#playing ? "❚❚" : "▶";
    button.setAttribute("aria-pressed", String(this.#playing));
    button.setAttribute("aria-label", say(this.#playing ? "pause" : "play"));
  }

  step(by) {
    const last = this.app.views.length - 1;
    this.app.state.set({ time: Math.min(Math.max(this.app.state.time + by, 0), last) });
  }

  /** From the beginning if it stands at the end. The next checkpoint comes when it has been decoded, not before. */
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
