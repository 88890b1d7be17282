// From weights to colours, as in the pictures that `sisun attend` writes.

/** From so many units on, an even share of the attention would look like none on a linear scale. */
const ROOT_FROM = 65;

const TICKS = { linear: [0, 0.25, 0.5, 0.75, 1], root: [0, 0.01, 0.1, 0.25, 0.5, 1] };

/** Okabe and Ito 2008: told apart by any colour vision. Their black is the page's ink (null); yellow, faint on white, comes last. */
const OKABE_ITO = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", null, "#f0e442"];

/** Where a weight is on a scale: 0 at one end, 1 at the other. */
function share(weight, scale) {
  const held = Math.min(Math.max(weight, 0), 1);
  return scale === "root" ? Math.sqrt(held) : held;
}

const hex = (rgb) => `#${rgb.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;

/** A colour as ImageData wants it: every machine that runs a browser is little-endian. */
const packed = ([red, green, blue]) => (255 << 24 | blue << 16 | green << 8 | red) >>> 0;

/** Black or white ink, whichever has the higher contrast on a background (WCAG 2.2). */
function inkOn([red, green, blue]) {
  const linear = [red, green, blue].map((channel) => {
    const c = channel / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  return luminance >= 0.213 ? "#222222" : "#ffffff";
}

/** A map that begins light, as maps for white paper do, turned about: on a dark page it is dark that stands for nothing. */
function darkFirst(bytes) {
  const brightness = (at) => bytes[at] + bytes[at + 1] + bytes[at + 2];
  if (brightness(0) <= brightness(3 * 255)) return bytes;
  return Uint8Array.from(bytes, (_, i) => bytes[3 * (255 - Math.floor(i / 3)) + i % 3]);
}

/** Colours of weights by one map on one scale. */
class Colours {
  #tables = new Map();

  constructor(bytes, scale, palette) {
    Object.assign(this, { bytes: palette.dark ? darkFirst(bytes) : bytes, scale, palette });
    this.hidden = packed(palette.hiddenRgb);
  }

  rgb(weight) {
    const at = 3 * Math.round(share(weight, this.scale) * 255);
    return [this.bytes[at], this.bytes[at + 1], this.bytes[at + 2]];
  }

  /** The packed colour of every code up to `greatest`: painting a pattern is then one look-up per cell. */
  table(greatest) {
    if (!this.#tables.has(greatest)) {
      this.#tables.set(greatest, Uint32Array.from({ length: greatest + 1 }, (_, code) => packed(this.rgb(code / greatest))));
    }
    return this.#tables.get(greatest);
  }

  /** A canvas with one pixel for each `pool` × `pool` cells. */
  picture(matrix, pool) {
    const { n, causal } = matrix;
    const side = Math.ceil(n / pool);
    const canvas = make("canvas", { width: side, height: side });
    const context = canvas.getContext("2d");
    const image = context.createImageData(side, side);
    const pixels = new Uint32Array(image.data.buffer).fill(this.hidden);
    const table = this.table(matrix.greatest);
    const codes = pool === 1 ? matrix.codes : matrix.pooled(pool);
    for (let row = 0; row < side; row++) {
      const base = pool === 1 ? matrix.base(row) : row * side;
      const width = causal ? row + 1 : side;
      for (let column = 0; column < width; column++) pixels[row * side + column] = table[codes[base + column]];
    }
    context.putImageData(image, 0, 0);
    return canvas;
  }
}

/** Colours of positive and negative numbers: white at 0, blue above, orange below; `limit` is the strongest. */
function diverging(value, limit, palette) {
  const strength = Math.min(Math.abs(value) / (limit || 1), 1);
  const end = value < 0 ? palette.negativeRgb : palette.positiveRgb;
  return palette.zeroRgb.map((from, i) => Math.round(from + strength * (end[i] - from)));
}

/** The colours that drawings share with the page around them; read anew when the theme changes. */
function readPalette(dark) {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    dark,
    paper: read("paper"), ink: read("ink"), soft: read("soft"), line: read("line"), accent: read("accent"), onAccent: read("on-accent"),
    font: getComputedStyle(document.body).fontFamily,
    // Neutral greys that none of the maps takes.
    hiddenRgb: dark ? [0x2b, 0x2c, 0x30] : [0xe9, 0xe9, 0xe9],
    zeroRgb: dark ? [0x24, 0x26, 0x2b] : [0xf7, 0xf7, 0xf7],
    negativeRgb: [0xd5, 0x5e, 0x00],
    positiveRgb: dark ? [0x3f, 0xa7, 0xe8] : [0x00, 0x72, 0xb2],
  };
}

/** Draws the colour bar with its ticks, `width` × 34. */
function paintColourBar(pen, x, y, width, colours) {
  // One stripe a pixel, each a little wider than that: what shines through between stripes would look like bands.
  for (let i = 0; i < width; i++) {
    const at = (i + 0.5) / width;
    const weight = colours.scale === "root" ? at * at : at;
    pen.rect(x + i, y, Math.min(1.5, width - i), 12, hex(colours.rgb(weight)));
  }
  const { soft, line } = colours.palette;
  pen.frame(x - 0.5, y - 0.5, width + 1, 13, line);
  for (const tick of TICKS[colours.scale]) {
    const at = x + width * share(tick, colours.scale);
    pen.line([at, y + 13, at, y + 17], { stroke: soft });
    const align = tick === 0 ? "left" : tick === 1 ? "right" : "center";
    pen.text(String(tick), at, y + 25, { size: 11, fill: soft, align });
  }
}

/** What the colours mean: the bar, the hidden cells, rows and columns. */
class Legend {
  constructor(host) {
    this.host = host;
    this.bar = make("canvas", { role: "img" });
  }

  show(app) {
    const { view, unit } = app.state;
    const { colours, palette } = app;
    const heat = view === "grid" || view === "head";
    const lines = [];
    if (heat) {
      lines.push(say("legend-rows"));
      if (view === "grid") lines.push(say("legend-habits"));
      if (app.views.some((one) => unitsOf(one, unit).n > 120)) lines.push(say("legend-pooled"));
    }
    if (view === "text") lines.push(say("legend-lines"), say("legend-faint", faintest(unitsOf(app.present()[0], unit).n)));
    if (unit !== "token" && (heat || view === "text")) lines.push(say("legend-unit", say(`unit-${unit}`)));
    const children = lines.map((text) => make("p", { textContent: text }));
    if (heat) {
      const title = make("p", { className: "name", textContent: say("legend-weight") });
      children.unshift(title, this.bar);
      if (app.views.some((one) => one.causal)) {
        const swatch = make("span", { className: "swatch" });
        swatch.style.background = hex(palette.hiddenRgb);
        children.splice(2, 0, make("p", {}, swatch, say("legend-hidden")));
      }
    }
    this.host.replaceChildren(...children);
    if (heat) this.#paint(colours);
  }

  #paint(colours) {
    const width = Math.min(Math.floor(this.host.clientWidth) || 260, 340);
    const pen = CanvasPen.on(this.bar, width, 34, colours.palette);
    paintColourBar(pen, 1, 1, width - 2, colours);
    this.bar.setAttribute("aria-label", `${say("legend-weight")}: ${TICKS[colours.scale].join(", ")}`);
  }
}
