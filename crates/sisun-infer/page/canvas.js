// A canvas of a square matrix to zoom and to wander about in, by wheel, fingers, mouse or keys. What is drawn is up to the
// class that extends this one. What follows the pointer lies on a canvas of its own, so that pointing draws no cells again.

const MOTIONLESS = matchMedia("(prefers-reduced-motion: reduce)");
/** No cell is magnified beyond so many pixels, as in the pictures that `sisun attend` writes. */
const LARGEST_CELL = 64;

/** Calls back when an element has become wider or narrower; in the next frame, so that the callback may change sizes itself. */
function watchWidth(element, callback) {
  let width = element.clientWidth;
  new ResizeObserver(() => requestAnimationFrame(() => {
    if (element.clientWidth === width) return;
    width = element.clientWidth;
    callback();
  })).observe(element);
}

class MatrixCanvas {
  #pointers = new Map();
  #frame = 0;
  #moved = false;

  /** `on` is told of pointing (`point`), of a cell that was chosen (`pin`), of keys (`key`) and of the part that is seen (`window`). */
  constructor(host, id, on) {
    this.on = on;
    this.n = 1;
    this.plot = null;
    this.window = { zoom: 1, x: 0, y: 0 };
    this.marked = null;
    this.base = make("canvas", { id, className: "base", tabIndex: 0, role: "application", "aria-describedby": "readout" });
    this.over = make("canvas", { className: "over", "aria-hidden": "true" });
    this.host = make("div", { className: "matrix" }, this.base, this.over);
    host.append(this.host);
    this.#listenToPointers();
    this.base.addEventListener("keydown", (event) => this.on.key(event));
    watchWidth(this.host, () => this.layout());
  }

  /** Takes the place of everything: `plot` is { left, top, side, width, height } in CSS pixels. */
  place(n, plot) {
    Object.assign(this, { n, plot });
    this.host.style.height = `${plot.height}px`;
    this.look(this.window);
  }

  /** Pixels of a cell. */
  get cell() {
    return this.plot.side * this.window.zoom / this.n;
  }

  /** Where the middle of a cell is, in client coordinates. */
  cellCentre(query, key) {
    const box = this.base.getBoundingClientRect();
    const { plot: { left, top }, window: { x, y }, cell } = this;
    return { x: box.left + left + (key + 0.5 - x) * cell, y: box.top + top + (query + 0.5 - y) * cell };
  }

  /** A place in client coordinates, in pixels of the plot. */
  #inPlot(clientX, clientY) {
    const box = this.base.getBoundingClientRect();
    return [clientX - box.left - this.plot.left, clientY - box.top - this.plot.top];
  }

  /** The cell there, or null. */
  cellAt(clientX, clientY) {
    if (!this.plot) return null;
    const [across, down] = this.#inPlot(clientX, clientY);
    const { plot: { side }, window: { x, y } } = this;
    if (across < 0 || down < 0 || across >= side || down >= side) return null;
    const at = (place, start) => Math.min(Math.floor(start + place / this.cell), this.n - 1);
    return { query: at(down, y), key: at(across, x) };
  }

  /** Marks a cell, its row and its column. */
  mark(cell) {
    this.marked = cell;
    if (this.plot) this.paintOver(CanvasPen.on(this.over, this.plot.width, this.plot.height, this.palette));
  }

  draw() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      if (!this.plot || !this.host.isConnected) return;
      this.paint(CanvasPen.on(this.base, this.plot.width, this.plot.height, this.palette));
      this.mark(this.marked);
    });
  }

  #most() {
    return Math.max(4, this.n * LARGEST_CELL / this.plot.side);
  }

  /** Shows a part: `zoom` times as large as the whole, with cell (y, x) in the corner. */
  look({ zoom, x, y }) {
    this.window = { zoom, x, y };
    if (!this.plot) return;
    const held = Math.min(Math.max(zoom, 1), this.#most());
    const room = this.n - this.n / held;
    this.window = { zoom: held, x: Math.min(Math.max(x, 0), room), y: Math.min(Math.max(y, 0), room) };
    this.base.classList.toggle("zoomed", held > 1);
    this.draw();
  }

  #wander({ zoom, x, y }) {
    // Steps of a glide do not multiply to 1 exactly.
    this.look(zoom < 1.0001 ? { zoom: 1, x: 0, y: 0 } : { zoom, x, y });
    this.on.window(this.window);
  }

  /** Zooms by a factor while the place (in pixels of the plot) stays where it is. */
  zoomBy(factor, across = this.plot.side / 2, down = this.plot.side / 2) {
    const { zoom, x, y } = this.window;
    const next = Math.min(Math.max(zoom * factor, 1), this.#most());
    const gain = (1 / zoom - 1 / next) * this.n / this.plot.side;
    this.#wander({ zoom: next, x: x + across * gain, y: y + down * gain });
  }

  /** The same over some frames, for keys and buttons: the eye can follow. */
  glide(factor, across, down) {
    if (MOTIONLESS.matches) return this.zoomBy(factor, across, down);
    const start = performance.now();
    let done = 0;
    const step = (now) => {
      const part = Math.min(Math.max((now - start) / 160, 0), 1);
      this.zoomBy(factor ** (part - done), across, down);
      done = part;
      if (part < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  fit() {
    this.glide(1 / this.window.zoom);
  }

  /** Moves the part that is seen just so far that a cell is in it. */
  reveal({ query, key }) {
    if (!this.plot) return;
    const seen = this.n / this.window.zoom;
    const into = (start, cell) => (cell === null ? start : Math.min(Math.max(start, cell + 1 - seen), cell));
    const [x, y] = [into(this.window.x, key), into(this.window.y, query)];
    if (x !== this.window.x || y !== this.window.y) this.#wander({ ...this.window, x, y });
  }

  #listenToPointers() {
    const { base } = this;
    let scrolled = 0;
    addEventListener("scroll", () => { scrolled = performance.now(); }, { passive: true });
    base.addEventListener("wheel", (event) => {
      if (!this.plot) return;
      // A page that is being scrolled is not caught by the picture on its way, nor when there is nothing left to zoom.
      if (!event.ctrlKey && performance.now() - scrolled < 200) return;
      if (!event.ctrlKey && event.deltaY > 0 && this.window.zoom <= 1) return;
      event.preventDefault();
      const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
      this.zoomBy(Math.exp(-pixels * (event.ctrlKey ? 0.01 : 0.0015)), ...this.#inPlot(event.clientX, event.clientY));
    }, { passive: false });
    base.addEventListener("dblclick", (event) => this.glide(2, ...this.#inPlot(event.clientX, event.clientY)));
    base.addEventListener("touchmove", (event) => {
      // One finger scrolls the page as long as the whole matrix is seen.
      if (event.touches.length > 1 || this.window.zoom > 1) event.preventDefault();
    }, { passive: false });
    base.addEventListener("pointerdown", (event) => {
      if (this.#pointers.size === 0) this.#moved = false;
      this.#pointers.set(event.pointerId, [event.clientX, event.clientY]);
      base.setPointerCapture(event.pointerId);
    });
    base.addEventListener("pointermove", (event) => this.#move(event));
    base.addEventListener("pointerup", (event) => {
      const cell = this.cellAt(event.clientX, event.clientY);
      if (!this.#moved && this.#pointers.size === 1 && cell) this.on.pin(cell);
      this.#pointers.delete(event.pointerId);
    });
    base.addEventListener("pointercancel", (event) => this.#pointers.delete(event.pointerId));
    base.addEventListener("pointerleave", () => this.on.point(null));
  }

  #move(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return this.on.point(this.cellAt(event.clientX, event.clientY));
    const now = [event.clientX, event.clientY];
    const [dx, dy] = [now[0] - before[0], now[1] - before[1]];
    // A hand that clicks trembles.
    if (!this.#moved && Math.hypot(dx, dy) < 4) return;
    this.#moved = true;
    const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.#pointers.set(event.pointerId, now);
    if (other) {
      const apart = (place) => Math.hypot(place[0] - other[0], place[1] - other[1]) || 1;
      this.zoomBy(apart(now) / apart(before), ...this.#inPlot((now[0] + other[0]) / 2, (now[1] + other[1]) / 2));
    } else {
      const { zoom, x, y } = this.window;
      this.#wander({ zoom, x: x - dx / this.cell, y: y - dy / this.cell });
    }
  }
}
