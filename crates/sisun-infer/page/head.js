// One head as a heatmap with the labels of its tokens, and the exact weight under the pointer.

/** As in the pictures that `sisun attend` writes: labels below are turned by so much, cells of so many pixels hold their value. */
const TURN = 60;
const VALUES_FROM = 36;
/** As many cells are drawn one by one in an SVG; more are embedded as pixels. */
const MOST_RECTANGLES = 4096;

/** The first of 1, 2, 5, 10, 20 … that is at least `least`. */
function thinnedStep(least) {
  for (let decade = 1; ; decade *= 10) for (const step of [decade, 2 * decade, 5 * decade]) if (step >= least) return step;
}

/** How large labels of cells are, in pixels, and how many cells there are from one to the next so that they do not touch. */
const labelSize = (cell) => Math.min(Math.max(cell * 0.75, 9), 13);
const labelStep = (cell) => thinnedStep(labelSize(cell) * 1.1 / (cell * Math.sin(TURN * Math.PI / 180)));

class Heatmap extends MatrixCanvas {
  #pictures = new Map();
  #content = null;

  get palette() {
    return this.#content.colours.palette;
  }

  /** `content`: { matrix, labels, colours, name }. */
  show(content) {
    const old = this.#content;
    if (old?.matrix !== content.matrix || old?.colours !== content.colours) this.#pictures.clear();
    this.#content = content;
    this.base.setAttribute("aria-label", say("heatmap", content.name));
    if (old?.labels !== content.labels) this.layout();
    this.draw();
  }

  /** Finds the sizes of everything from the width that there is. */
  layout() {
    const width = this.host.clientWidth;
    if (!this.#content || !width) return;
    const { labels, matrix: { n } } = this.#content;
    const limit = Math.min(Math.max(width * 0.2, 44), 150);
    const tall = Math.max(innerHeight - 310, 300);
    // Where labels stand in for their neighbours, too, they carry their position.
    const prefix = labelStep(Math.min(width * 0.78, tall) / n) > 1 ? `${n} · ` : "";
    const longest = labels.reduce((most, label) => Math.max(most, fitted(prefix + label, 13, limit).width), 20);
    const [left, below] = [Math.ceil(longest + 28), Math.ceil(longest * 0.87 + 36)];
    // The whole of it fits on a screen, if need be with a little scrolling.
    const side = Math.floor(Math.max(Math.min(width - left - 6, tall, n * LARGEST_CELL), 40));
    this.limit = limit;
    this.place(n, { left, top: 4, side, width, height: side + below + 4 });
  }

  /** Draws cells, labels and axes with any pen. */
  paint(pen) {
    const { matrix, colours } = this.#content;
    const { cell, n, plot: { left, top, side }, window: { x, y, zoom } } = this;
    const seen = n / zoom;
    const rows = [Math.floor(y), Math.min(Math.ceil(y + seen), n)];
    const columns = [Math.floor(x), Math.min(Math.ceil(x + seen), n)];
    pen.clip(left, top, side, side, () => {
      if (pen.vector && (rows[1] - rows[0]) * (columns[1] - columns[0]) <= MOST_RECTANGLES) {
        this.#each(rows, columns, (query, key, across, down) => {
          const rgb = matrix.hidden(query, key) ? colours.palette.hiddenRgb : colours.rgb(matrix.value(query, key));
          pen.rect(across, down, cell, cell, hex(rgb));
        });
      } else {
        // Cells smaller than a pixel share one, by the largest of them; drawing the fine picture would lose most.
        const pool = Math.max(1, Math.ceil(1 / (cell * pen.density) - 1e-9));
        if (!this.#pictures.has(pool)) this.#pictures.set(pool, colours.picture(matrix, pool));
        pen.image(this.#pictures.get(pool), x / pool, y / pool, seen / pool, seen / pool, left, top, side, side);
      }
      if (cell >= 14) this.#paintGaps(pen, rows, columns);
      if (cell >= VALUES_FROM) this.#paintValues(pen, rows, columns);
    });
    pen.frame(left - 0.5, top - 0.5, side + 1, side + 1, colours.palette.line);
    this.#paintLabels(pen);
  }

  /** Calls back for each cell with its corner. */
  #each(rows, columns, draw) {
    const { cell, plot: { left, top }, window: { x, y } } = this;
    for (let query = rows[0]; query < rows[1]; query++) {
      for (let key = columns[0]; key < columns[1]; key++) draw(query, key, left + (key - x) * cell, top + (query - y) * cell);
    }
  }

  #paintGaps(pen, rows, columns) {
    const { cell, plot: { left, top, side }, window: { x, y }, palette: { paper: stroke } } = this;
    for (let query = rows[0] + 1; query < rows[1]; query++) {
      const at = top + (query - y) * cell;
      pen.line([left, at, left + side, at], { stroke });
    }
    for (let key = columns[0] + 1; key < columns[1]; key++) {
      const at = left + (key - x) * cell;
      pen.line([at, top, at, top + side], { stroke });
    }
  }

  #paintValues(pen, rows, columns) {
    const { matrix, colours } = this.#content;
    const half = this.cell / 2;
    const [size, decimals] = half > 30 ? [13, 4] : [12, 2];
    this.#each(rows, columns, (query, key, across, down) => {
      if (matrix.hidden(query, key)) return;
      const value = matrix.value(query, key);
      const look = { size, fill: inkOn(colours.rgb(value)), align: "center" };
      // What rounds to nothing steps back.
      pen.text(value.toFixed(decimals), across + half, down + half, { ...look, alpha: value < 0.5 / 10 ** decimals ? 0.4 : 1 });
    });
  }

  #paintLabels(pen) {
    const { labels, colours: { palette: { ink, soft } } } = this.#content;
    const { cell, n, limit, plot: { left, top, side, height }, window: { x, y, zoom } } = this;
    const size = labelSize(cell);
    const step = labelStep(cell);
    const label = (i) => fitted(step === 1 ? labels[i] : `${i} · ${labels[i]}`, size, limit).text;
    const upright = step === 1 && labels.every((text) => fitted(text, size, limit).width <= cell - 6);
    const shownFrom = (start) => Math.ceil((start - 0.5) / step) * step;
    for (let i = shownFrom(y); i < Math.min(y + n / zoom - 0.5, n); i += step) {
      pen.text(label(i), left - 8, top + (i + 0.5 - y) * cell, { size, fill: ink, align: "right" });
    }
    for (let i = shownFrom(x); i < Math.min(x + n / zoom - 0.5, n); i += step) {
      const at = left + (i + 0.5 - x) * cell;
      if (upright) pen.text(label(i), at, top + side + 8 + size / 2, { size, fill: ink, align: "center" });
      else pen.text(label(i), at, top + side + 8 + size * 0.25, { size, fill: ink, align: "right", turn: -TURN });
    }
    const axis = { size: 12, fill: soft, align: "center" };
    pen.text(say("axis-key"), left + side / 2, height - 8, axis);
    pen.text(say("axis-query"), 8, top + side / 2, { ...axis, turn: -90 });
  }

  /** Row and column of the marked cell, with their labels. */
  paintOver(pen) {
    if (!this.marked || this.marked.query === null) return;
    const { cell, plot: { left, top, side, width }, window: { x, y }, palette: { accent, paper, onAccent } } = this;
    const { labels } = this.#content;
    const { query, key } = this.marked;
    const [row, column] = [top + (query - y) * cell, key === null ? null : left + (key - x) * cell];
    const edges = cell < 3 ? [cell / 2] : [0, cell];
    const thin = { stroke: accent, alpha: cell < 3 ? 0.85 : 0.55 };
    pen.clip(left - 1, top - 1, side + 2, side + 2, () => {
      for (const edge of edges) pen.line([left, row + edge, left + side, row + edge], thin);
      if (column === null) return;
      for (const edge of edges) pen.line([column + edge, top, column + edge, top + side], thin);
      const box = Math.max(cell, 7);
      const inset = (box - cell) / 2;
      pen.frame(column - inset, row - inset, box, box, paper, 4);
      pen.frame(column - inset, row - inset, box, box, accent, 2);
    });
    const tag = (label, start, middle) => {
      const { text, width: wide } = fitted(label, 13, this.limit);
      const from = Math.min(Math.max(start(wide + 10), 0), width - wide - 10);
      pen.rect(from, middle - 11, wide + 10, 22, accent, { radius: 4 });
      pen.text(text, from + 5, middle, { size: 13, fill: onAccent });
    };
    if (row + cell > top && row < top + side) tag(labels[query], (wide) => left - 3 - wide, Math.max(row + cell / 2, 11));
    if (column !== null && column + cell > left && column < left + side) {
      tag(labels[key], (wide) => column + cell / 2 - wide / 2, top + side + 15);
    }
  }
}

/** The view of one head. */
class HeadPanel {
  constructor(host, column, app) {
    Object.assign(this, { column, app });
    this.map = new Heatmap(host, column ? `heatmap-${column}` : "heatmap", {
      point: (cell) => app.point(cell && { column, ...cell }),
      pin: (cell) => app.toggle(column, cell),
      key: (event) => this.#key(event),
      window: (window) => app.wander(column, window),
    });
  }

  get view() {
    return this.app.present()[this.column];
  }

  needs() {
    return [this.view.need(this.app.state.layer)];
  }

  show() {
    const { app, view } = this;
    const { layer, head, zoom, x, y } = app.state;
    const units = app.units(view);
    this.map.look({ zoom, x, y });
    this.map.show({ matrix: app.matrix(view), labels: units.labels, colours: app.colours, name: headName(layer, head) });
  }

  mark(cell) {
    this.map.mark(cell);
  }

  /** Arrow keys move the cell that is kept; with Shift by ten. */
  #key(event) {
    const { app, column, map } = this;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const from = app.cellOf(column) ?? { query: 0, key: 0 };
    const by = event.shiftKey ? 10 : 1;
    const moves = {
      ArrowUp: [-by, 0], ArrowDown: [by, 0], ArrowLeft: [0, -by], ArrowRight: [0, by],
      PageUp: [-10, 0], PageDown: [10, 0], Home: [0, -map.n], End: [0, map.n],
    };
    const [nearer, farther] = [() => map.glide(1.5), () => map.glide(1 / 1.5)];
    const zooms = { "+": nearer, "=": nearer, "-": farther, "−": farther, 0: () => map.fit() };
    if (moves[event.key]) {
      const hold = (i) => Math.min(Math.max(i, 0), map.n - 1);
      const cell = { query: hold(from.query + moves[event.key][0]), key: hold((from.key ?? 0) + moves[event.key][1]) };
      app.point(null);
      app.pin(column, cell);
      map.reveal(cell);
    } else if (zooms[event.key]) zooms[event.key]();
    else if (event.key === "Enter" && app.state.query !== null) app.state.set({ view: "worked", token: null });
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  extent() {
    return { width: this.map.plot.width, height: this.map.plot.height };
  }

  paint(pen) {
    this.map.paint(pen);
    if (this.map.marked) this.map.paintOver(pen);
  }
}

function headName(layer, head) {
  return layer === "rollout" ? say("rollout") : say("layer-head", layer, head);
}

/** The exact weight of the cell that is pointed at or kept. */
class Readout {
  constructor(host) {
    this.host = host;
  }

  /** `cell` may lack query or key; `matrix` is null where no single head is looked at. */
  show(units, matrix, cell, hint) {
    const { host } = this;
    for (const name of ["query", "key", "value"]) delete host.dataset[name];
    const { query = null, key = null } = cell ?? {};
    const label = (unit) => make("bdi", { textContent: units.labels[unit] });
    if (query !== null) host.dataset.query = query;
    if (key !== null) host.dataset.key = key;
    if (query === null || key === null) {
      const one = query ?? key;
      return host.replaceChildren(one === null ? make("span", { className: "hint", textContent: hint }) : label(one));
    }
    const parts = [make("span", { className: "pair" }, label(query), " → ", label(key))];
    if (matrix) {
      const value = matrix.value(query, key);
      const error = matrix.errorAt(key);
      host.dataset.value = value;
      parts.push(make("strong", { textContent: written(value) }));
      // Said only where it reaches the decimals that are shown.
      if (error >= 0.00005 && !matrix.hidden(query, key)) parts.push(make("span", { className: "error", textContent: `± ${written(error)}` }));
    }
    parts.push(make("small", { textContent: matrix?.hidden(query, key) ? say("later") : say("from-to", query, key) }));
    host.replaceChildren(...parts);
  }
}

/** Where a query looks: its strongest keys as bars, and what is left for all others. */
class Looks {
  constructor(host, app) {
    Object.assign(this, { host, app });
  }

  show(units, matrix, query) {
    const { host } = this;
    if (query === null || !matrix) return host.replaceChildren();
    const row = matrix.row(query);
    const strongestFirst = [...row.keys()].filter((key) => row[key] > 0).sort((a, b) => row[b] - row[a]);
    const top = strongestFirst.slice(0, 8);
    const others = strongestFirst.slice(8);
    const line = (label, value) => {
      const bar = make("span", { className: "fill" });
      bar.style.width = `${100 * Math.min(value, 1)}%`;
      return make("li", {}, bar, make("bdi", { textContent: label }), make("span", { className: "value", textContent: written(value, 3) }));
    };
    const lines = top.map((key) => line(units.labels[key], row[key]));
    if (others.length) lines.push(line(say("rest", others.length), others.reduce((sum, key) => sum + row[key], 0)));
    host.replaceChildren(make("p", { className: "name", textContent: say("looks-at", quoted(units.labels[query])) }), make("ol", {}, ...lines));
  }
}
