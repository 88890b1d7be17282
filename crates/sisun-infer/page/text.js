// Attention in the text: lines from queries to keys, of several heads at once.

const ROW = 28;
/** As long as nothing is pointed at, weaker lines are left out: thousands of them would be a fog. */
const faintest = (n) => (n > 100 ? 0.02 : 0.01);
/** Opacities are told apart in so many steps; lines of one step share their style. */
const LEVELS = 64;

class TextPanel {
  #frame = 0;

  constructor(host, column, app) {
    Object.assign(this, { column, app });
    this.canvas = make("canvas", { tabIndex: 0, role: "application", "aria-describedby": "readout" });
    this.length = make("div", { className: "length" }, this.canvas);
    this.scroller = make("div", { className: "scroller" }, this.length);
    host.append(this.scroller);
    this.cell = null;
    this.scroller.addEventListener("scroll", () => {
      this.draw();
      app.scrolled(column, this.scroller.scrollTop);
    }, { passive: true });
    this.canvas.addEventListener("pointermove", (event) => app.point(this.#at(event)));
    this.canvas.addEventListener("pointerleave", () => app.point(null));
    this.canvas.addEventListener("click", (event) => {
      const { query, key } = this.#at(event);
      // A key alone is not kept: it has no row of its own.
      if (query !== null) app.toggle(column, { query, key });
    });
    this.canvas.addEventListener("keydown", (event) => this.#key(event));
    watchWidth(this.scroller, () => this.#resize());
  }

  get view() {
    return this.app.present()[this.column];
  }

  needs() {
    return this.app.headsOn(this.view).map(({ layer }) => this.view.need(layer));
  }

  show() {
    const { app, view } = this;
    this.units = app.units(view);
    this.heads = app.headsOn(view).map(({ layer, head, slot }) => ({
      layer, head, colour: app.headColour(slot), matrix: app.matrix(view, layer, head),
    }));
    this.canvas.setAttribute("aria-label", say("text-figure"));
    this.#resize();
  }

  #resize() {
    if (!this.units || !this.scroller.clientWidth) return;
    const total = this.units.n * ROW + 12;
    // Queries, lines, keys; beside the keys there is room for bars.
    const available = this.scroller.clientWidth;
    const longest = this.units.labels.reduce((most, label) => Math.max(most, fitted(label, 15, available * 0.3).width), 30) + 10;
    const lines = Math.min(Math.max(available * 0.36, 90), 340);
    this.left = longest;
    this.right = longest + lines;
    this.bar = Math.min(available - this.right, Math.max(longest, 210)) - 8;
    this.width = Math.min(available, this.right + this.bar + 8);
    this.height = Math.min(total, Math.max(innerHeight - 190, 280));
    this.scroller.style.height = `${this.height}px`;
    this.length.style.height = `${total}px`;
    this.draw();
  }

  /** What is under a pointer: the query on the left half, the key on the right. */
  #at(event) {
    const box = this.canvas.getBoundingClientRect();
    const i = Math.floor((event.clientY - box.top + this.scroller.scrollTop - 6) / ROW);
    const on = Math.min(Math.max(i, 0), this.units.n - 1);
    const left = event.clientX - box.left < (this.left + this.right) / 2;
    return { column: this.column, query: left ? on : null, key: left ? null : on };
  }

  mark(cell) {
    this.cell = cell;
    this.draw();
  }

  scrollTo(top) {
    if (Math.abs(this.scroller.scrollTop - top) > 1) this.scroller.scrollTop = top;
  }

  reveal(i) {
    const [top, bottom] = [i * ROW, (i + 1) * ROW + 12];
    if (top < this.scroller.scrollTop) this.scroller.scrollTop = top;
    else if (bottom > this.scroller.scrollTop + this.height) this.scroller.scrollTop = bottom - this.height;
  }

  draw() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      if (!this.units || !this.canvas.isConnected) return;
      const pen = CanvasPen.on(this.canvas, this.width, this.height, this.app.palette);
      this.paint(pen, this.scroller.scrollTop, this.height);
    });
  }

  /** Draws the rows that are seen; what is saved has all, as long as they fit on a long page. */
  paint(pen, top = this.#whole ? 0 : this.scroller.scrollTop, height = this.extent().height) {
    const { units, width, app: { palette } } = this;
    const [from, to] = [Math.max(0, Math.floor((top - 6) / ROW)), Math.min(units.n, Math.ceil((top + height - 6) / ROW))];
    const y = (i) => 6 + (i + 0.5) * ROW - top;
    const { left, right } = this;
    const query = this.cell?.query ?? null;
    const key = query === null ? this.cell?.key ?? null : null;
    pen.clip(0, 0, width, height, () => {
      this.heads.forEach((head, i) => {
        const shift = (i - (this.heads.length - 1) / 2) * Math.min(3, 16 / this.heads.length);
        if (query !== null) this.#paintBars(pen, head, i, from, to, (k) => head.matrix.value(query, k), right + 8, y);
        else if (key !== null) this.#paintBars(pen, head, i, from, to, (q) => head.matrix.value(q, key), left - 8, y);
        this.#paintLines(pen, head, { from, to, query, key, y: (row) => y(row) + shift, left: left + 4, right: right - 4 });
      });
      for (let i = from; i < to; i++) {
        const chosen = (on) => ({ size: 15, fill: on ? palette.accent : palette.ink, weight: on ? 650 : 400 });
        pen.text(fitted(units.labels[i], 15, left - 10).text, left - 8, y(i), { ...chosen(i === query), align: "right" });
        pen.text(fitted(units.labels[i], 15, this.bar - 40).text, right + 8, y(i), chosen(i === key || (query !== null && i === this.cell.key)));
      }
      if (query !== null) this.#paintElsewhere(pen, query, to, right + 8, top, height);
    });
  }

  #paintLines(pen, { matrix, colour }, { from, to, query, key, y, left, right }) {
    const { scale } = this.app;
    const levels = Array.from({ length: LEVELS + 1 }, () => []);
    const all = query === null && key === null;
    const least = all ? faintest(matrix.n) : 0;
    const add = (q, k) => {
      const weight = matrix.value(q, k);
      if (weight >= least) levels[Math.round(share(weight, scale) * LEVELS)].push(left, y(q), right, y(k));
    };
    const row = (q) => { for (let k = 0; k < matrix.width(q); k++) add(q, k); };
    if (query !== null) row(query);
    else if (key !== null) for (let q = matrix.causal ? key : 0; q < matrix.n; q++) add(q, key);
    // Only queries on the screen: the lines of all others, passing through, would say nothing.
    else for (let q = from; q < to; q++) row(q);
    levels.forEach((ends, level) => {
      // The first step is what cannot be seen.
      if (ends.length === 0 || level === 0) return;
      // Hairlines are drawn many times faster than thicker ones, and among thousands of faint lines nothing else is needed.
      const thick = level < LEVELS / (all ? 4 : 8) ? 1 / pen.density : all ? 1.6 : 2.4;
      pen.curves(ends, { stroke: colour, thick, alpha: level / LEVELS });
    });
  }

  /** Bars behind the labels, one for each head, as long as the weight is large; the number where there is one head. */
  #paintBars(pen, { colour }, slot, from, to, weight, x, y) {
    const towards = x < this.left ? -1 : 1;
    const thick = Math.min(20 / this.heads.length, 20);
    for (let i = from; i < to; i++) {
      const value = weight(i);
      const long = value * (towards < 0 ? this.left - 8 : this.bar);
      if (long >= 0.5) pen.rect(towards < 0 ? x - long : x, y(i) - 10 + slot * thick, long, thick - 0.5, colour, { alpha: 0.28, radius: 2 });
      if (this.heads.length === 1 && value >= 0.0005) {
        const [at, align] = towards < 0 ? [2, "left"] : [this.width - 2, "right"];
        pen.text(value.toFixed(3), at, y(i), { size: 12, fill: this.app.palette.soft, align });
      }
    }
  }

  /** The strongest keys that are not on the screen, at its edges. */
  #paintElsewhere(pen, query, to, x, top, height) {
    const { palette } = this.app;
    const sums = Array.from({ length: this.units.n }, (_, k) => this.heads.reduce((sum, { matrix }) => sum + matrix.value(query, k), 0));
    const listed = (keys) => keys.filter((k) => sums[k] >= 0.05 * this.heads.length).sort((a, b) => sums[b] - sums[a]).slice(0, 2);
    const all = [...sums.keys()];
    const tags = [
      ...listed(all.filter((k) => 6 + k * ROW < top - ROW / 2)).map((k, i) => [k, "↑", 14 + i * 24]),
      ...listed(all.filter((k) => k >= to)).map((k, i) => [k, "↓", height - 14 - i * 24]),
    ];
    for (const [k, arrow, y] of tags) {
      const text = `${arrow} ${fitted(this.units.labels[k], 13, this.bar - 80).text} ${(sums[k] / this.heads.length).toFixed(2)}`;
      const wide = fitted(text, 13, this.width * 0.4).width;
      pen.rect(x - 6, y - 11, wide + 12, 22, palette.accent, { radius: 11 });
      pen.text(text, x, y, { size: 13, fill: palette.onAccent });
    }
  }

  #key(event) {
    const { app, column, units } = this;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const by = event.shiftKey ? 10 : 1;
    const steps = { ArrowUp: -by, ArrowDown: by, PageUp: -10, PageDown: 10, Home: -units.n, End: units.n };
    if (!(event.key in steps)) return;
    const before = app.cellOf(column)?.query ?? (steps[event.key] > 0 ? -1 : units.n);
    const query = Math.min(Math.max(before + steps[event.key], 0), units.n - 1);
    app.point(null);
    app.pin(column, { query, key: null });
    this.reveal(query);
    event.preventDefault();
    event.stopPropagation();
  }

  get #whole() {
    return this.units.n <= 200;
  }

  extent() {
    return { width: this.width, height: this.#whole ? this.units.n * ROW + 12 : this.height };
  }
}

/** Which heads are shown: a button for each, rows are layers. Each head that is on has a colour of its own. */
class Toggles {
  constructor(host, app) {
    Object.assign(this, { host, app });
  }

  show(view) {
    const build = `${view.layers} ${view.heads} ${language}`;
    if (build !== this.build) this.#build(view, build);
    const on = new Map(this.app.headsOn(view).map(({ layer, head, slot }) => [`${layer}.${head}`, slot]));
    for (const [button, name] of this.buttons) {
      const slot = on.get(name);
      button.setAttribute("aria-pressed", String(slot !== undefined));
      button.style.background = slot === undefined ? "" : this.app.headColour(slot);
    }
  }

  #build(view, build) {
    this.build = build;
    this.buttons = [];
    const rows = view.layers.map((layer) => {
      const whole = say("toggle-layer", layer);
      const all = make("button", { className: "plain", textContent: layer, title: whole, "aria-label": whole });
      all.addEventListener("click", () => this.#layer(view, layer));
      return make("div", { className: "line" }, all, ...view.heads.map((head) => {
        const label = headName(layer, head);
        const button = make("button", { data: { toggleHead: head, toggleLayer: layer }, title: label, "aria-label": label });
        button.addEventListener("click", () => this.#toggle(`${layer}.${head}`));
        this.buttons.push([button, `${layer}.${head}`]);
        return button;
      }));
    });
    const columns = view.heads.map((head) => make("span", { textContent: head }));
    const numbers = make("div", { className: "line numbers", "aria-hidden": "true" }, make("span"), ...columns);
    this.host.style.setProperty("--count", view.heads.length);
    this.host.replaceChildren(make("p", { className: "name", textContent: say("toggles") }), numbers, ...rows);
  }

  #toggle(name) {
    const { state } = this.app;
    const heads = [...(state.heads ?? [`${state.layer}.${state.head}`])];
    const at = heads.indexOf(name);
    const free = heads.indexOf(null);
    if (at >= 0) heads[at] = null;
    else if (free >= 0) heads[free] = name;
    else if (heads.length < OKABE_ITO.length) heads.push(name);
    // As many as there are colours; the last one gives way.
    else heads[heads.length - 1] = name;
    state.set({ heads });
  }

  /** All heads of a layer, or none if they are on already. */
  #layer(view, layer) {
    const all = view.heads.slice(0, OKABE_ITO.length).map((head) => `${layer}.${head}`);
    const now = this.app.state.heads?.filter(Boolean) ?? [];
    this.app.state.set({ heads: now.join() === all.join() ? [null] : all });
  }
}
