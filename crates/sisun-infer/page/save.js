// Drawing with two pens that know the same strokes: one on a canvas, one as SVG. So what is saved is what is seen.

/** How a label looks at a size: cut with "…" where it is longer than `limit` pixels. Measured once. */
const MEASURED = new Map();
const RULER = document.createElement("canvas").getContext("2d");

function fitted(label, size, limit) {
  const name = `${size} ${limit} ${label}`;
  let found = MEASURED.get(name);
  if (!found) {
    // Zooming asks for many sizes; old ones need not be kept for ever.
    if (MEASURED.size > 20000) MEASURED.clear();
    found = fit(label, size, limit);
    MEASURED.set(name, found);
  }
  return found;
}

function fit(label, size, limit) {
  RULER.font = `${size}px ${getComputedStyle(document.body).fontFamily}`;
  const width = RULER.measureText(label).width;
  if (width <= limit) return { text: label, width };
  const letters = graphemes(label);
  let [low, high] = [0, letters.length];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (RULER.measureText(`${letters.slice(0, middle).join("")}…`).width <= limit) low = middle;
    else high = middle - 1;
  }
  const text = `${letters.slice(0, low).join("")}…`;
  return { text, width: RULER.measureText(text).width };
}

/** What a reader takes for letters, where the browser can tell; an emoji of several code points is not cut apart. */
function graphemes(text) {
  if (!Intl.Segmenter) return [...text];
  return [...new Intl.Segmenter().segment(text)].map((part) => part.segment);
}

/** A label from right to left stands by itself, whatever the direction around it (first strong isolate, UAX #9). */
const isolated = (text) => (/[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/.test(text) ? `\u2068${text}\u2069` : text);

class CanvasPen {
  vector = false;

  constructor(context, density, palette) {
    Object.assign(this, { context, density, palette });
  }

  /** A pen on a canvas that is made `width` × `height` CSS pixels large and empty. */
  static on(canvas, width, height, palette, density = devicePixelRatio || 1) {
    const [across, down] = [Math.round(width * density), Math.round(height * density)];
    if (canvas.width !== across || canvas.height !== down) {
      Object.assign(canvas, { width: across, height: down });
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    const context = canvas.getContext("2d");
    context.setTransform(density, 0, 0, density, 0, 0);
    context.clearRect(0, 0, width, height);
    return new CanvasPen(context, density, palette);
  }

  rect(x, y, width, height, fill, { alpha = 1, radius = 0 } = {}) {
    const { context } = this;
    context.globalAlpha = alpha;
    context.fillStyle = fill;
    if (radius) {
      context.beginPath();
      context.roundRect(x, y, width, height, radius);
      context.fill();
    } else context.fillRect(x, y, width, height);
    context.globalAlpha = 1;
  }

  frame(x, y, width, height, stroke, thick = 1) {
    this.context.strokeStyle = stroke;
    this.context.lineWidth = thick;
    this.context.strokeRect(x, y, width, height);
  }

  line([x, y, ...rest], { stroke, thick = 1, alpha = 1 }) {
    const { context } = this;
    context.beginPath();
    context.moveTo(x, y);
    for (let i = 0; i < rest.length; i += 2) context.lineTo(rest[i], rest[i + 1]);
    Object.assign(context, { strokeStyle: stroke, lineWidth: thick, globalAlpha: alpha });
    context.stroke();
    context.globalAlpha = 1;
  }

  /** Many lines of one look, four numbers each; they leave and arrive level. One by one: a path of thousands is slower. */
  curves(ends, { stroke, thick = 1, alpha = 1 }) {
    const { context } = this;
    Object.assign(context, { strokeStyle: stroke, lineWidth: thick, globalAlpha: alpha });
    for (let i = 0; i < ends.length; i += 4) {
      const middle = (ends[i] + ends[i + 2]) / 2;
      context.beginPath();
      context.moveTo(ends[i], ends[i + 1]);
      context.bezierCurveTo(middle, ends[i + 1], middle, ends[i + 3], ends[i + 2], ends[i + 3]);
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  text(text, x, y, { size, fill, align = "left", weight = 400, turn = 0, alpha = 1 }) {
    const { context } = this;
    context.save();
    context.font = `${weight} ${size}px ${this.palette.font}`;
    Object.assign(context, { fillStyle: fill, textAlign: align, textBaseline: "middle", globalAlpha: alpha });
    context.translate(x, y);
    context.rotate(turn * Math.PI / 180);
    context.fillText(isolated(text), 0, 0);
    context.restore();
  }

  image(source, sx, sy, sw, sh, x, y, width, height) {
    this.context.imageSmoothingEnabled = false;
    this.context.drawImage(source, sx, sy, sw, sh, x, y, width, height);
  }

  clip(x, y, width, height, draw) {
    this.context.save();
    this.context.beginPath();
    this.context.rect(x, y, width, height);
    this.context.clip();
    draw();
    this.context.restore();
  }

  /** Draws as if (x, y) were the corner. */
  at(x, y, draw) {
    this.context.save();
    this.context.translate(x, y);
    draw();
    this.context.restore();
  }
}

class SvgPen {
  vector = true;
  // Large pictures are embedded as pixels; two to a unit keeps them sharp.
  density = 2;
  #parts = [];
  #clips = 0;

  constructor(palette) {
    this.palette = palette;
  }

  #add(name, attributes, text) {
    const written = Object.entries(attributes).filter(([, value]) => value !== undefined).map(([key, value]) => {
      const short = typeof value === "number" ? Number(value.toFixed(2)) : xml(value);
      return ` ${key}="${short}"`;
    });
    this.#parts.push(`<${name}${written.join("")}${text === undefined ? "/>" : `>${xml(text)}</${name}>`}`);
  }

  rect(x, y, width, height, fill, { alpha = 1, radius } = {}) {
    this.#add("rect", { x, y, width, height, fill, rx: radius, "fill-opacity": alpha === 1 ? undefined : alpha });
  }

  frame(x, y, width, height, stroke, thick = 1) {
    this.#add("rect", { x, y, width, height, fill: "none", stroke, "stroke-width": thick });
  }

  line(points, { stroke, thick = 1, alpha = 1 }) {
    const places = points.map((p) => p.toFixed(2)).join(" ");
    this.#add("polyline", { points: places, fill: "none", stroke, "stroke-width": thick, "stroke-opacity": alpha });
  }

  curves(ends, { stroke, thick = 1, alpha = 1 }) {
    this.#parts.push(`<g fill="none" stroke="${stroke}" stroke-width="${thick}" stroke-opacity="${alpha}">`);
    for (let i = 0; i < ends.length; i += 4) {
      const [x, y, across, down] = ends.slice(i, i + 4).map((p) => p.toFixed(1));
      const middle = ((ends[i] + ends[i + 2]) / 2).toFixed(1);
      this.#add("path", { d: `M${x} ${y}C${middle} ${y} ${middle} ${down} ${across} ${down}` });
    }
    this.#parts.push("</g>");
  }

  text(text, x, y, { size, fill, align = "left", weight = 400, turn = 0, alpha = 1 }) {
    const anchor = { left: "start", center: "middle", right: "end" }[align];
    const transform = turn ? `rotate(${turn} ${x.toFixed(2)} ${y.toFixed(2)})` : undefined;
    this.#add("text", {
      x, y, "font-size": size, fill, "text-anchor": anchor, transform,
      "font-weight": weight === 400 ? undefined : weight,
      "fill-opacity": alpha === 1 ? undefined : alpha,
      // "central" is not known everywhere; a shift by a third of the size is.
      dy: "0.35em",
    }, isolated(text));
  }

  image(source, sx, sy, sw, sh, x, y, width, height) {
    const canvas = make("canvas", { width: Math.round(width * this.density), height: Math.round(height * this.density) });
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.drawImage(source, sx, sy, sw, sh, 0, 0, canvas.width, canvas.height);
    this.#add("image", { x, y, width, height, href: canvas.toDataURL("image/png") });
  }

  clip(x, y, width, height, draw) {
    const id = `clip${this.#clips++}`;
    this.#parts.push(`<clipPath id="${id}"><rect x="${x}" y="${y}" width="${width}" height="${height}"/></clipPath><g clip-path="url(#${id})">`);
    draw();
    this.#parts.push("</g>");
  }

  at(x, y, draw) {
    this.#parts.push(`<g transform="translate(${x} ${y})">`);
    draw();
    this.#parts.push("</g>");
  }

  document(width, height) {
    const { paper, font } = this.palette;
    const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
    return `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="${xml(font)}" xml:space="preserve">`
      + `<rect width="100%" height="100%" fill="${paper}"/>${this.#parts.join("\n")}</svg>\n`;
  }
}

/** Text for XML, without the characters that XML 1.0 forbids. */
function xml(text) {
  const escapes = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return String(text).replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "�").replace(/[&<>"]/g, (c) => escapes[c]);
}

/** The present view as one drawing: title, sentence, what each column shows, and the colour bar. Returns its size. */
function paintPage(app, pen) {
  const { palette, colours, state } = app;
  const edge = 28;
  const columns = app.panels.map((panel) => ({ panel, ...panel.extent() }));
  const across = Math.min(columns.length, Math.max(1, Math.floor(1700 / (columns[0].width + edge))));
  const inner = Math.max(...columns.map((column) => column.width));
  const width = Math.max(across * (inner + edge) + edge, 420);
  const room = width - 2 * edge;
  pen.text(fit(app.page.title, 20, room).text, edge, edge + 8, { size: 20, weight: 650, fill: palette.ink });
  pen.text(fit(app.caption(), 13, room).text, edge, edge + 34, { size: 13, fill: palette.soft });
  pen.text(fit(shown(app.page.text), 13, room).text, edge, edge + 56, { size: 13, fill: palette.ink });
  let top = edge + 80;
  for (let start = 0; start < columns.length; start += across) {
    const row = columns.slice(start, start + across);
    const named = columns.length > 1 && app.present().length > 1 ? 24 : 0;
    row.forEach(({ panel }, i) => pen.at(edge + i * (inner + edge), top, () => {
      if (named) pen.text(panel.view.label, 0, 8, { size: 14, weight: 600, fill: palette.ink });
      pen.at(0, named, () => panel.paint(pen));
    }));
    top += Math.max(...row.map((column) => column.height)) + named + 16;
  }
  if (state.view === "grid" || state.view === "head") {
    pen.text(say("legend-weight"), edge, top + 8, { size: 12, fill: palette.soft });
    paintColourBar(pen, edge, top + 20, Math.min(320, room), colours);
    top += 60;
  }
  return { width: Math.ceil(width), height: Math.ceil(top + edge / 2) };
}

async function save(app, kind) {
  const draft = new SvgPen(app.palette);
  const size = paintPage(app, draft);
  let blob;
  if (kind === "svg") blob = new Blob([draft.document(size.width, size.height)], { type: "image/svg+xml" });
  else {
    const canvas = make("canvas");
    const pen = CanvasPen.on(canvas, size.width, size.height, app.palette, 2);
    pen.rect(0, 0, size.width, size.height, app.palette.paper);
    paintPage(app, pen);
    blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  }
  const name = `${app.fileName()}.${kind}`;
  const address = URL.createObjectURL(blob);
  make("a", { href: address, download: name }).click();
  // The browser reads the address after the click; a minute is ample.
  setTimeout(() => URL.revokeObjectURL(address), 60000);
  return name;
}
