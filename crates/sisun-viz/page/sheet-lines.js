// The rows of a sheet as lines over its columns, or as a line in the middle of two bands.

import { fit } from "./pen.js";
import { written } from "./numbers.js";

/** @import { AnalysisSheet, Palette, Pen, SheetCell } from "./types.js" */

/** Room for the numbers of the vertical axis, for the names of the lines, and below. */
const LEFT = 58;
const NAMES = 120;
const NARROW_NAMES = 84;
const BELOW = 34;
const TOP = 10;
const SIZE = 12;
/** The palette of Okabe and Ito (2008) without its yellow, on light and on dark paper. */
const LIGHT = ["#0072b2", "#d55e00", "#009e73", "#b3598a", "#a87400", "#2b87bd", "#222222"];
const DARK = ["#5a9cf0", "#f07f2e", "#1fc796", "#dd92bb", "#f2b632", "#93d5fb", "#f2f0ec"];

/** @param {number} row @param {Palette} palette */
export const lineColour = (row, palette) => (palette.dark ? DARK : LIGHT)[row % LIGHT.length];

/** Place of values of a sheet in a figure of some size. */
export class LinePlaces {
  /**
   * @param {AnalysisSheet} sheet
   * @param {number} width
   * @param {number} height
   */
  constructor(sheet, width, height) {
    this.sheet = sheet;
    const band = sheet.form === "band";
    this.names = band ? 12 : width < 560 ? NARROW_NAMES : NAMES;
    this.left = LEFT;
    this.top = TOP;
    this.width = width - LEFT - this.names;
    this.height = height - TOP - BELOW;
    let [low, high] = [0, 0];
    sheet.rows.forEach((_, row) => sheet.columns.forEach((_, column) => {
      const value = sheet.value({ row, column });
      if (Number.isFinite(value)) [low, high] = [Math.min(low, value), Math.max(high, value)];
    }));
    this.low = low;
    this.high = high > low ? high : low + 1;
  }

  /** @param {number} column */
  x(column) {
    return this.left + column / Math.max(1, this.sheet.columns.length - 1) * this.width;
  }

  /** @param {number} value */
  y(value) {
    return this.top + this.height * (1 - (value - this.low) / (this.high - this.low));
  }

  /**
   * Return the finite points of a row as x, y, x, y, …
   * @param {number} row
   */
  points(row) {
    const { sheet } = this;
    return sheet.columns.flatMap((_, column) => {
      const value = sheet.value({ row, column });
      return Number.isFinite(value) ? [this.x(column), this.y(value)] : [];
    });
  }

  /**
   * The cell of the line that is nearest to a point.
   * @param {number} x
   * @param {number} y
   * @returns {SheetCell}
   */
  nearest(x, y) {
    const { sheet } = this;
    const last = sheet.columns.length - 1;
    const column = Math.min(last, Math.max(0, Math.round((x - this.left) / Math.max(1, this.width) * last)));
    const away = (/** @type {number} */ row) => Math.abs(this.y(sheet.value({ row, column })) - y);
    const rows = sheet.rows.map((_, row) => row).filter((row) => Number.isFinite(away(row)));
    return { row: rows.reduce((best, row) => (away(row) < away(best) ? row : best), rows[0] ?? 0), column };
  }

  /** Round numbers on the vertical axis. */
  ticks() {
    const rough = (this.high - this.low) / 6;
    const unit = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((nice) => nice * unit).find((nice) => nice >= rough) ?? 10 * unit;
    const decimals = Math.max(0, -Math.floor(Math.log10(step)));
    const first = Math.ceil(this.low / step);
    const count = Math.floor(this.high / step) - first + 1;
    return Array.from({ length: count }, (_, i) => (first + i) * step).map((at) => ({ at, text: written(at, Math.min(decimals, 6)) }));
  }
}

/**
 * Draw a sheet's lines, `width` × `height`.
 * @param {Pen} pen
 * @param {AnalysisSheet} sheet
 * @param {number} width
 * @param {number} height
 * @param {Palette} palette
 */
export function paintLines(pen, sheet, width, height, palette) {
  const places = new LinePlaces(sheet, width, height);
  const right = places.left + places.width;
  const bottom = places.top + places.height;
  for (const { at, text } of places.ticks()) {
    pen.line([places.left, places.y(at), right, places.y(at)], { stroke: palette.line });
    pen.text(text, places.left - 6, places.y(at), { size: SIZE, fill: palette.soft, align: "right" });
  }
  pen.frame(places.left, places.top, places.width, places.height, palette.line);
  const widest = Math.max(...sheet.columns.map((name) => fit(name, SIZE, 80).width)) + 14;
  const every = Math.max(1, Math.ceil(sheet.columns.length * widest / Math.max(1, places.width)));
  sheet.columns.forEach((name, column) => {
    if (column % every) return;
    pen.text(fit(name, SIZE, 80).text, places.x(column), bottom + 14, { size: SIZE, fill: palette.soft, align: "center" });
  });
  if (sheet.form === "band") {
    paintBand(pen, places, lineColour(0, palette));
    pen.line(places.points(0), { stroke: lineColour(0, palette), thick: 2 });
    return;
  }
  sheet.rows.forEach((_, row) => {
    const points = places.points(row);
    if (points.length > 2) pen.line(points, { stroke: lineColour(row, palette), thick: 2 });
    else if (points.length) pen.rect(points[0] - 2, points[1] - 2, 4, 4, lineColour(row, palette));
  });
  paintNames(pen, places, palette);
}

/**
 * Draw both bands, column by column.
 * @param {Pen} pen
 * @param {LinePlaces} places
 * @param {string} fill
 */
function paintBand(pen, places, fill) {
  const { sheet } = places;
  const step = places.width / Math.max(1, sheet.columns.length - 1);
  for (const [low, high, alpha] of [[3, 4, 0.14], [1, 2, 0.26]]) {
    sheet.columns.forEach((_, column) => {
      const [from, to] = [low, high].map((row) => places.y(sheet.value({ row, column })));
      if (!Number.isFinite(from - to)) return;
      const left = Math.max(places.left, places.x(column) - step / 2);
      const right = Math.min(places.left + places.width, places.x(column) + step / 2);
      pen.rect(left, to, right - left, Math.max(0.5, from - to), fill, { alpha });
    });
  }
}

/**
 * Write the names of the lines beside their ends, one below the other.
 * @param {Pen} pen
 * @param {LinePlaces} places
 * @param {Palette} palette
 */
function paintNames(pen, places, palette) {
  const ends = places.sheet.rows.map((_, row) => ({ row, y: places.points(row).at(-1) ?? NaN })).filter(({ y }) => Number.isFinite(y));
  ends.sort((a, b) => a.y - b.y);
  const line = SIZE + 2;
  const every = Math.max(1, Math.ceil(ends.length * line / places.height));
  const shown = ends.filter((_, i) => i % every === 0);
  let at = -Infinity;
  for (const end of shown) at = end.y = Math.max(end.y, at + line);
  let limit = places.top + places.height;
  for (const end of shown.reverse()) {
    end.y = Math.min(end.y, limit);
    limit = end.y - line;
  }
  for (const { row, y } of shown) {
    const name = fit(places.sheet.rows[row], SIZE, places.names - 10).text;
    pen.text(name, places.left + places.width + 7, y, { size: SIZE, fill: lineColour(row, palette) });
  }
}
