// Where the model looked when it chose a token: the weights, all heads as small pictures, and the tokens in their colours.

/** The weights of all steps. Of step s they are those of the keys `from(s)` … `from(s) + keys(s) − 1`, head by head, layer by layer. */
class Attention {
  constructor({ layers, heads, attention, trace: { prompt_tokens: read, steps } }) {
    Object.assign(this, { layers, heads, steps, ...attention, greatest: 2 ** attention.bits - 1 });
    this.widths = steps.map(({ from }, step) => read + step - from);
    let at = 0;
    this.starts = this.widths.map((width) => (at += layers * heads * width) - layers * heads * width);
    this.count = at;
  }

  async decode() {
    const bytes = await readBlock(this.block);
    expectBytes(this.block, bytes, 2 * this.count);
    this.codes = joinPlanes(bytes);
  }

  from(step) {
    return this.steps[step].from;
  }

  /** Codes of one head: `weight × greatest`. */
  row(step, layer, head) {
    const start = this.starts[step] + (layer * this.heads + head) * this.widths[step];
    return this.codes.subarray(start, start + this.widths[step]);
  }

  /** Weights of one head, or their mean over all heads where none is named. */
  weights(step, layer = null, head = null) {
    if (layer !== null) return Float64Array.from(this.row(step, layer, head), (code) => code / this.greatest);
    const sums = new Float64Array(this.widths[step]);
    const all = this.layers * this.heads;
    for (let i = 0; i < all; i++) this.row(step, Math.floor(i / this.heads), i % this.heads).forEach((code, key) => { sums[key] += code; });
    return sums.map((sum) => sum / (all * this.greatest));
  }
}

/** All heads: each a strip, one column for each token that was seen, the first on the left. */
class HeadGrid {
  constructor(app) {
    this.app = app;
    this.host = find("heads");
    const { layers, heads } = app.page;
    this.host.style.setProperty("--across", heads);
    this.buttons = Array.from({ length: layers * heads }, (_, i) => {
      const button = make("button", { type: "button", data: { layer: Math.floor(i / heads), head: i % heads }, tabIndex: -1 }, make("canvas", { height: 1 }));
      button.addEventListener("click", () => this.#toggle(button));
      return button;
    });
    // A click leaves the focus where it is, so that arrow keys go on through the steps.
    this.host.addEventListener("mousedown", (event) => event.preventDefault());
    this.host.addEventListener("keydown", (event) => this.#key(event));
  }

  #toggle({ dataset: { layer, head } }) {
    const { app } = this;
    const on = app.layer === Number(layer) && app.head === Number(head);
    app.choose(on ? { layer: null, head: null } : { layer: Number(layer), head: Number(head) });
  }

  translate() {
    const { buttons, app: { page: { heads } } } = this;
    const names = Array.from({ length: heads }, (_, head) => make("span", { className: "of-head", textContent: head }));
    const corner = make("span", { className: "corner", textContent: say("heads-hint") });
    const rows = buttons.flatMap((button, i) => {
      const { dataset: { layer, head } } = button;
      button.setAttribute("aria-label", say("layer-head", layer, head));
      button.title = say("layer-head", layer, head);
      return i % heads === 0 ? [make("span", { className: "of-layer", textContent: say("layer-of", layer) }), button] : [button];
    });
    this.host.replaceChildren(corner, ...names, ...rows);
  }

  show(step, attention, colours) {
    const { app } = this;
    const table = colours.table(attention.greatest);
    this.buttons.forEach((button, i) => {
      const [layer, head] = [Number(button.dataset.layer), Number(button.dataset.head)];
      const on = app.layer === layer && app.head === head;
      button.setAttribute("aria-pressed", String(on));
      button.tabIndex = on || (app.layer === null && i === 0) ? 0 : -1;
      paintRow(button.firstChild, attention.row(step, layer, head), table);
    });
  }

  /** Arrow keys go from head to head. */
  #key(event) {
    const across = this.app.page.heads;
    const at = this.buttons.indexOf(document.activeElement);
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across }[event.key];
    if (at < 0 || !by || event.ctrlKey || event.metaKey || event.altKey) return;
    const next = this.buttons[at + by];
    if (next) {
      next.focus();
      this.app.choose({ layer: Number(next.dataset.layer), head: Number(next.dataset.head) });
    }
    event.preventDefault();
    event.stopPropagation();
  }
}

/** More columns than these would be narrower than the screen's pixels. */
const MOST_COLUMNS = 160;

/** One line of pixels; where one has to stand for several tokens, it shows the largest. */
function paintRow(canvas, codes, table) {
  const width = Math.min(codes.length, MOST_COLUMNS);
  if (canvas.width !== width) canvas.width = width;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, 1);
  const pixels = new Uint32Array(image.data.buffer);
  for (let x = 0; x < width; x++) {
    const end = Math.max(Math.ceil((x + 1) * codes.length / width), 1);
    let most = 0;
    for (let key = Math.floor(x * codes.length / width); key < end; key++) most = Math.max(most, codes[key]);
    pixels[x] = table[most];
  }
  context.putImageData(image, 0, 0);
}

/** The tokens that were seen, each on the colour of its weight, and the strongest of them by name. */
class SeenTokens {
  constructor(app) {
    this.app = app;
    Object.assign(this, { host: find("keys"), readout: find("weight"), list: find("strongest"), pointed: null });
    this.elements = layOut(this.host, app.trace.tokens, (i) => make("span", { data: { key: i } }));
    this.looks = new Array(this.elements.length).fill("");
    this.parts = new Array(this.elements.length).fill("");
    this.host.addEventListener("pointerover", (event) => this.#point(event.target.closest("[data-key]")));
    // A finger that is lifted leaves, too, but the reader has yet to see what it pointed at.
    this.host.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this.#point(null));
    this.host.addEventListener("keydown", (event) => this.#key(event));
    this.host.addEventListener("blur", () => this.#point(null));
  }

  show(step, { from, weights, error }, colours) {
    Object.assign(this, { from, weights, error });
    const last = from + weights.length - 1;
    this.elements.forEach((element, i) => {
      const rgb = i >= from && i <= last ? colours.rgb(weights[i - from]) : null;
      const look = rgb ? hex(rgb) : "";
      if (this.looks[i] !== look) {
        this.looks[i] = look;
        element.style.backgroundColor = look;
        element.style.color = rgb ? inkOn(rgb) : "";
      }
      const part = i < from ? "unseen" : i < last ? "" : i === last ? "asks" : i === last + 1 ? "next" : "unread";
      if (this.parts[i] !== part) element.className = `token ${this.parts[i] = part}${i === this.pointed ? " pointed" : ""}`;
    });
    keepInSight(this.host, this.elements[last]);
    const strongest = [...weights.keys()].sort((a, b) => weights[b] - weights[a]).slice(0, 5);
    this.list.replaceChildren(...strongest.map((i) => {
      const line = make("span", { className: "fill" });
      line.style.setProperty("--p", weights[i]);
      return make("li", { data: { key: from + i, weight: weights[i] } }, line, this.#name(from + i), make("span", { className: "value", textContent: written(weights[i], 3) }));
    }));
    this.#read();
  }

  #name(key) {
    return quoted(this.app.trace.tokens[key]);
  }

  #point(element) {
    const key = element ? Number(element.dataset.key) : null;
    if (key === this.pointed) return;
    this.elements[this.pointed]?.classList.remove("pointed");
    this.pointed = key;
    this.elements[key]?.classList.add("pointed");
    this.#read();
  }

  /** The weight of the token that is pointed at; its error where it would show in the decimals. */
  #read() {
    const { pointed, from, weights, error, readout } = this;
    const weight = pointed === null ? undefined : weights?.[pointed - from];
    if (weight === undefined) {
      const gone = from === 0 ? "weight-hint" : from === 1 ? "unseen-one" : "unseen";
      readout.textContent = say(gone, counted(from ?? 0));
      delete readout.dataset.key;
      delete readout.dataset.weight;
      return;
    }
    const doubt = error < 0.00005 ? "" : ` ± ${error.toExponential(1)}`;
    readout.replaceChildren(...sayWith("weight", this.#name(pointed), make("strong", { textContent: written(weight, 4) })), doubt);
    Object.assign(readout.dataset, { key: pointed, weight });
  }

  #key(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -10, ArrowDown: 10 }[event.key];
    if (!by || !this.weights || event.ctrlKey || event.metaKey || event.altKey) return;
    const last = this.from + this.weights.length - 1;
    const next = Math.min(Math.max((this.pointed ?? last + 1) + by, this.from), last);
    this.#point(this.elements[next]);
    keepInSight(this.host, this.elements[next]);
    event.preventDefault();
    event.stopPropagation();
  }
}
