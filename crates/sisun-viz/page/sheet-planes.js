// Planes of points side by side, one for every two columns of a sheet, with one scale for all.

import { fit } from "./pen.js";
import { lineColour } from "./sheet-lines.js";

/** @import { AnalysisSheet, Palette, Pen, SheetCell } from "./types.js" */

const LEAST = 190;
const NAME = 22;
const GAP = 12;
const INNER = 26;
const SIZE = 12;
const LINE = 20;

/** Places of the points of a sheet on planes within a width. */
export class PlanePlaces {
  /**
   * @param {AnalysisSheet} sheet
   * @param {number} width
   */
  constructor(sheet, width) {
    this.sheet = sheet;
    this.width = width;
    this.planes = sheet.columns.length / 2;
    this.across = Math.max(1, Math.min(this.planes, 4, Math.floor((width + GAP) / (LEAST + GAP))));
    this.side = Math.min(260, Math.floor((width + GAP) / this.across) - GAP);
    let limit = 0;
    sheet.rows.forEach((_, row) => sheet.columns.forEach((_, column) => {
      const size = Math.abs(sheet.value({ row, column }));
      if (Number.isFinite(size)) limit = Math.max(limit, size);
    }));
    this.limit = limit || 1;
    this.key = Math.ceil(this.planes / this.across) * (this.side + NAME + GAP);
    this.height = this.key + sheet.rows.length * LINE + 4;
  }

  /** The corner of a plane. @param {number} plane @returns {[x: number, y: number]} */
  corner(plane) {
    return [(plane % this.across) * (this.side + GAP), Math.floor(plane / this.across) * (this.side + NAME + GAP) + NAME];
  }

  /** @param {SheetCell} cell @returns {[x: number, y: number]} */
  place({ row, column }) {
    const plane = Math.floor(column / 2);
    const [left, top] = this.corner(plane);
    const half = this.side / 2;
    const along = (/** @type {number} */ axis) => {
      const value = this.sheet.value({ row, column: 2 * plane + axis });
      return Number.isFinite(value) ? value / this.limit * (half - INNER) : 0;
    };
    return [left + half + along(0), top + half - along(1)];
  }

  /**
   * The point that is nearest to a place, within a few pixels.
   * @param {number} x
   * @param {number} y
   * @returns {SheetCell | null}
   */
  nearest(x, y) {
    /** @type {SheetCell | null} */
    let best = null;
    let least = 24;
    for (let plane = 0; plane < this.planes; plane++) {
      this.sheet.rows.forEach((_, row) => {
        const [px, py] = this.place({ row, column: 2 * plane });
        const away = Math.hypot(px - x, py - y);
        if (away < least) [best, least] = [{ row, column: 2 * plane }, away];
      });
    }
    return best;
  }
}

/**
 * Draw the planes of a sheet, and below them what the numbers of the points mean.
 * @param {Pen} pen
 * @param {PlanePlaces} places
 * @param {Palette} palette
 */
export function paintPlanes(pen, places, palette) {
  const { sheet, side } = places;
  for (let plane = 0; plane < places.planes; plane++) {
    const [left, top] = places.corner(plane);
    pen.text(fit(sheet.columns[2 * plane], SIZE, side).text, left, top - NAME / 2, { size: SIZE, fill: palette.ink });
    pen.frame(left + 0.5, top + 0.5, side - 1, side - 1, palette.line);
    /** The numbers of the points at each place. @type {{ x: number, y: number, name: string }[]} */
    const names = [];
    sheet.rows.forEach((_, row) => {
      const [x, y] = places.place({ row, column: 2 * plane });
      pen.rect(x - 4, y - 4, 8, 8, lineColour(row, palette), { radius: 4 });
      const covered = names.find((other) => Math.hypot(other.x - x, other.y - y) < 4);
      if (covered) covered.name += `, ${row + 1}`;
      else names.push({ x, y, name: String(row + 1) });
    });
    for (const { x, y, name } of names) pen.text(name, x + 7, y - 7, { size: SIZE, fill: palette.ink });
  }
  sheet.rows.forEach((name, row) => {
    const y = places.key + (row + 0.5) * LINE;
    pen.rect(0, y - 4, 8, 8, lineColour(row, palette), { radius: 4 });
    pen.text(fit(`${row + 1} ${name}`, 13, places.width - 16).text, 14, y, { size: 13, fill: palette.ink });
  });
}
