// One query worked through with the model's own numbers: compare with each key, scale, softmax, mix the values.

/** Every step for one query, in double precision from the model's float32 vectors. */
function workThrough(view, layer, head, query) {
  const { tokens, q, k, v, bias } = view.vectorsOf(layer, head);
  const own = q(query);
  const keys = Array.from({ length: tokens }, (_, j) => {
    const key = k(j);
    const hidden = view.causal && j > query;
    const dot = own.reduce((sum, x, d) => sum + x * key[d], 0);
    const scaled = dot * view.scale;
    // A later key has no offset in a causal model's bias.
    const added = bias && !hidden ? bias(query, j) : 0;
    return { token: j, hidden, k: key, v: v(j), dot, scaled, bias: added, masked: hidden ? -Infinity : scaled + added };
  });
  const most = Math.max(...keys.map((key) => key.masked));
  for (const key of keys) key.exp = Math.exp(key.masked - most);
  const sum = keys.reduce((total, key) => total + key.exp, 0);
  for (const key of keys) key.weight = key.exp / sum;
  const z = Float64Array.from(own, (_, d) => keys.reduce((total, key) => total + key.weight * key.v[d], 0));
  return { q: own, keys, most, sum, z, biased: bias !== null };
}

const strongest = (rows) => rows.reduce((most, row) => row.reduce((m, x) => Math.max(m, Math.abs(x)), most), 0);
const subscript = (i) => String(i).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]);

class WorkedPanel {
  constructor(host, column, app) {
    Object.assign(this, { column, app });
    this.host = make("div", { className: "worked" });
    host.append(this.host);
    this.strips = new WeakMap();
    this.host.addEventListener("pointermove", (event) => this.#read(event));
    this.host.addEventListener("click", (event) => {
      const row = event.target.closest("tr[data-token]");
      if (row) this.#choose(Number(row.dataset.token));
    });
  }

  get view() {
    return this.app.present()[this.column];
  }

  needs() {
    const { layer } = this.app.state;
    return [this.view.need(layer), this.view.needVectors(layer)];
  }

  show() {
    const { app, view } = this;
    const { layer, head } = app.state;
    this.watcher?.disconnect();
    this.steps = null;
    if (layer === "rollout") return this.host.replaceChildren(make("p", { textContent: say("worked-rollout") }));
    if (!view.vectors) return this.host.replaceChildren(make("p", { textContent: say("worked-none") }));
    const count = view.vectors.tokens;
    this.label = (token) => shown(view.tokens[token].text);
    this.query = Math.min(app.tokenOf(this.column), count - 1);
    this.steps = workThrough(view, layer, head, this.query);
    const matrix = view.thinned ? null : view.matrix(layer, head);
    for (const key of this.steps.keys) key.pattern = matrix && matrix.value(this.query, key.token);
    const kept = app.cellOf(this.column, true)?.key ?? null;
    const tokenKept = kept === null ? -1 : app.units(view).of(this.chosen ?? -1) === kept ? this.chosen : app.units(view).first[kept];
    const heaviest = this.steps.keys.reduce((best, key) => (key.weight > best.weight ? key : best));
    this.chosen = tokenKept >= 0 && tokenKept < count ? tokenKept : heaviest.token;
    const { q, keys, z } = this.steps;
    this.limits = { qk: strongest([q, ...keys.map((key) => key.k)]), vz: strongest([z, ...keys.map((key) => key.v)]) };
    this.host.replaceChildren(this.#choice(count), this.#outline(), this.#table(), this.#agreement(), this.#output(), this.#detail());
    // Only strips that are seen, or soon will be, are drawn: a long text has two thousand.
    this.watcher = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) if (isIntersecting) this.#draw(target);
    }, { root: this.host.querySelector(".wide"), rootMargin: "300px" });
    for (const strip of this.host.querySelectorAll("canvas.strip")) this.watcher.observe(strip);
  }

  #choice(count) {
    const { app, view } = this;
    const option = (token) => make("option", { value: token, textContent: `${token} · ${this.label(token)}`, selected: token === this.query });
    const select = make("select", {}, ...Array.from({ length: count }, (_, token) => option(token)));
    select.addEventListener("change", () => app.ask(this.column, Number(select.value)));
    const notes = [];
    if (count < view.tokens.length) notes.push(say(view.causal ? "worked-limit" : "worked-partial", count, view.tokens.length));
    if (view.thinned) notes.push(say("worked-thinned", view.thinned));
    if (app.state.unit !== "token") notes.push(say("worked-tokens"));
    const children = notes.map((text) => make("p", { className: "aside", textContent: text }));
    return make("div", { className: "asking" }, make("label", {}, `${say("worked-query")} `, select), ...children);
  }

  /** The four steps with their shapes, and a sentence each. */
  #outline() {
    const { view, steps } = this;
    const { d_head: d, scale } = view;
    const T = steps.keys.length;
    const factor = scale === 1 ? "1" : `1/√${d}`;
    // A shape is not broken at the end of a line.
    const shape = (rows, columns) => `(${rows}\u00a0×\u00a0${columns})`;
    const second = [scale === 1 ? say("step-2-none") : say("step-2-text", this.factor())];
    if (steps.biased) second.push(say("step-2-bias"));
    if (view.causal) second.push(say("step-2-mask"));
    const all = [
      ["step-1", `q Kᵀ = ${shape(1, d)} × ${shape(T, d)}ᵀ → ${shape(1, T)}`, say("step-1-text", quoted(this.label(this.query)))],
      [steps.biased ? "step-2b" : "step-2", `s = q Kᵀ × ${factor}${steps.biased ? " + b" : ""} → ${shape(1, T)}`, second.join(" ")],
      ["step-3", `w = exp(s − max) / Σ exp(s − max) → ${shape(1, T)}`, say("step-3-text", written(steps.sum))],
      ["step-4", `z = w V = ${shape(1, T)} × ${shape(T, d)} → ${shape(1, d)}`, say("step-4-text")],
    ];
    return make("ol", { className: "steps" }, ...all.map(([title, formula, text]) => make("li", {},
      make("h3", { textContent: say(title) }), make("p", { className: "formula", textContent: formula }), make("p", { textContent: text }))));
  }

  /** A vector as coloured cells. `about` says what it is: { name, values, limit, and what it is multiplied by }. */
  #strip(about) {
    const d = about.values.length;
    const cell = d <= 8 ? 44 : d <= 16 ? 13 : d <= 32 ? 8 : d <= 64 ? 5 : d <= 128 ? 3 : 2;
    const spoken = `${about.name}: ${[...about.values].map((x) => written(x, 3)).join(" ")}`;
    const canvas = make("canvas", { className: "strip", role: "img", "aria-label": spoken });
    canvas.style.width = `${d * cell}px`;
    canvas.style.height = "20px";
    this.strips.set(canvas, { ...about, cell });
    return canvas;
  }

  #draw(canvas) {
    const { values, cell } = this.strips.get(canvas);
    this.#paintStrip(CanvasPen.on(canvas, values.length * cell, 20, this.app.palette), 0, 0, this.strips.get(canvas));
    this.watcher.unobserve(canvas);
  }

  #paintStrip(pen, x, y, { values, cell, limit }) {
    values.forEach((value, d) => {
      const rgb = diverging(value, limit, this.app.palette);
      pen.rect(x + d * cell, y, cell - (cell > 4 ? 1 : 0), 20, hex(rgb));
      if (cell >= 40) pen.text(written(value, 2), x + (d + 0.5) * cell, y + 10, { size: 11, fill: inkOn(rgb), align: "center" });
    });
  }

  /** The columns of numbers, by the names of their fields. */
  #columns() {
    return ["dot", "scaled", ...(this.steps.biased ? ["bias"] : []), "masked", "exp", "weight", "pattern"];
  }

  #title(name) {
    return name === "scaled" ? `× ${this.factor()}` : say(`col-${name}`);
  }

  #table() {
    const { steps, limits } = this;
    const columns = this.#columns();
    const title = (textContent, className = "") => make("th", { scope: "col", className, textContent });
    const heads = make("tr", {}, title(say("col-key")), title("k", "vector"), ...columns.map((name) => title(this.#title(name))), title("v", "vector"));
    const q = make("tr", { className: "own" }, make("th", { scope: "row" }, "q · ", make("bdi", { textContent: this.label(this.query) })),
      make("td", {}, this.#strip({ name: "q", values: steps.q, limit: limits.qk })), ...columns.map(() => make("td")), make("td"));
    const cell = (key, name) => {
      const value = key[name];
      const text = value === null ? "–" : key.hidden && name === "masked" ? "−∞" : written(value);
      const td = make("td", { data: { column: name, ...(value === null ? {} : { value }) }, textContent: text });
      if (name === "weight") {
        const bar = make("span", { className: "fill" });
        bar.style.width = `${100 * value}%`;
        td.prepend(bar);
      }
      return td;
    };
    const rows = steps.keys.map((key) => make("tr", {
      className: `${key.hidden ? "hidden-key" : ""}${key.token === this.chosen ? " chosen" : ""}`,
      data: { token: key.token },
      title: key.hidden ? say("later") : "",
    }, make("th", { scope: "row" }, make("bdi", { textContent: this.label(key.token) })),
    make("td", {}, this.#strip({ name: "k", token: key.token, values: key.k, limit: limits.qk, times: steps.q, by: "q" })),
    ...columns.map((name) => cell(key, name)),
    make("td", {}, this.#strip({ name: "v", token: key.token, values: key.v, limit: limits.vz, weight: key.weight }))));
    const sums = { exp: written(steps.sum), weight: written(1) };
    const totals = columns.map((name) => make("td", { textContent: sums[name] ?? "" }));
    const total = make("tr", {}, make("th", { scope: "row", textContent: say("sum") }), make("td"), ...totals,
      make("td", {}, "z ", this.#strip({ name: "z", values: steps.z, limit: limits.vz })));
    const table = make("table", { id: this.#id("worked-keys") }, make("thead", {}, heads, q), make("tbody", {}, ...rows), make("tfoot", {}, total));
    return make("div", { className: "wide", tabIndex: 0, role: "region", "aria-label": say("tab-worked") }, table);
  }

  /** The scale, as short as it is exact to four decimals. */
  factor() {
    return String(Number(this.view.scale.toFixed(4)));
  }

  #id(name) {
    return this.column ? `${name}-${this.column}` : name;
  }

  #agreement() {
    const { keys } = this.steps;
    const legend = say("legend-vectors", written(this.limits.qk, 2), written(this.limits.vz, 2));
    const lines = [make("p", { className: "aside", textContent: legend })];
    if (keys[0].pattern !== null) {
      const apart = Math.max(...keys.map((key) => Math.abs(key.weight - key.pattern)));
      lines.unshift(make("p", { className: "agree", textContent: say("agree", apart.toExponential(1), this.view.patterns.error.toExponential(1)) }));
    }
    return make("div", {}, ...lines);
  }

  #output() {
    const z = [...this.steps.z];
    const textContent = `z = [${z.map((x) => written(x)).join(", ")}]`;
    return make("p", { id: this.#id("worked-z"), className: "numbers", data: { values: JSON.stringify(z) }, textContent });
  }

  /** The sum behind one score, term by term. */
  #detail() {
    const { steps, view, label } = this;
    const key = steps.keys[this.chosen];
    const terms = Array.from(key.k, (x, d) => `(${written(steps.q[d], 3)} × ${written(x, 3)})`);
    const lines = [
      `q·k = ${terms.join(" + ")} = ${written(key.dot)}`,
      `${written(key.dot)} × ${this.factor()} = ${written(key.scaled)}`,
    ];
    if (key.hidden) lines.push(`${say("hidden")}: −∞`);
    else {
      if (steps.biased) lines.push(`${written(key.scaled)} + (${written(key.bias)}) = ${written(key.masked)}`);
      lines.push(`exp(${written(key.masked)} − (${written(steps.most)})) = ${written(key.exp)}`);
      lines.push(`${written(key.exp)} / ${written(steps.sum)} = ${written(key.weight)}`);
    }
    return make("section", { className: "detail" }, make("h3", { textContent: say("detail", quoted(label(this.query)), quoted(label(key.token))) }),
      ...lines.map((textContent) => make("p", { className: "numbers", textContent })));
  }

  #choose(token) {
    this.chosen = token;
    const key = this.app.units(this.view).of(token);
    for (const row of this.host.querySelectorAll("tr[data-token]")) row.classList.toggle("chosen", Number(row.dataset.token) === token);
    this.host.querySelector(".detail").replaceWith(this.#detail());
    if (this.column === 0) this.app.state.set({ key, query: this.app.units(this.view).of(this.query), token: this.query });
  }

  /** Says what the pointed cell of a strip is. */
  #read(event) {
    const strip = this.strips.get(event.target);
    if (!strip) return;
    const d = Math.floor(event.offsetX / strip.cell);
    if (d < 0 || d >= strip.values.length) return;
    const i = subscript(d);
    const value = strip.values[d];
    const of = strip.token === undefined ? "" : ` (${this.label(strip.token)})`;
    let text = `${strip.name}${i}${of} = ${written(value)}`;
    if (strip.times) text += `; q${i} × k${i} = ${written(strip.times[d])} × ${written(value)} = ${written(strip.times[d] * value)}`;
    if (strip.weight !== undefined) text += `; w × v${i} = ${written(strip.weight)} × ${written(value)} = ${written(strip.weight * value)}`;
    this.app.tell(text);
  }

  mark() {
    // The rows are the keys; a click chooses one.
  }

  extent() {
    const strip = this.steps ? this.strips.get(this.host.querySelector("canvas.strip")) : null;
    this.wide = strip ? strip.values.length * strip.cell : 0;
    return { width: 120 + 2 * this.wide + 30 + 80 * (this.steps ? this.#columns().length : 4), height: 110 + 24 * (this.steps?.keys.length ?? 0) };
  }

  paint(pen) {
    if (!this.steps) return;
    const { steps, limits, app: { palette } } = this;
    const columns = this.#columns();
    const cell = this.wide / steps.q.length;
    const at = (i) => 120 + this.wide + 80 * (i + 1);
    const vAt = at(columns.length - 1) + 20;
    const text = (what, x, y, more = {}) => pen.text(what, x, y, { size: 12, fill: palette.ink, ...more });
    text("k", 110, 10, { fill: palette.soft });
    columns.forEach((name, i) => text(this.#title(name), at(i), 10, { align: "right", fill: palette.soft }));
    text("v", vAt, 10, { fill: palette.soft });
    text(fit(`q · ${this.label(this.query)}`, 12, 100).text, 0, 36, { weight: 650 });
    this.#paintStrip(pen, 110, 26, { values: steps.q, cell, limit: limits.qk });
    steps.keys.forEach((key, row) => {
      const y = 62 + row * 24;
      const fill = key.hidden ? palette.soft : palette.ink;
      text(fit(this.label(key.token), 12, 100).text, 0, y, { fill });
      this.#paintStrip(pen, 110, y - 10, { values: key.k, cell, limit: limits.qk });
      columns.forEach((name, i) => text(key[name] === null ? "–" : written(key[name]), at(i), y, { align: "right", fill }));
      this.#paintStrip(pen, vAt, y - 10, { values: key.v, cell, limit: limits.vz });
    });
    const y = 72 + steps.keys.length * 24;
    text("z", vAt - 14, y, { weight: 650 });
    this.#paintStrip(pen, vAt, y - 10, { values: steps.z, cell, limit: limits.vz });
  }
}
