// A sheet as cells, drawn with a pen.

import { diverging, inkOn } from "./colour.js";
import { contextOf, make } from "./elements.js";
import { written } from "./numbers.js";
import { fit } from "./pen.js";

/** @import { Colours } from "./colour.js" */
/** @import { AnalysisSheet, Pen, SheetCell } from "./types.js" */

const SIZE = 12;
const GAP = 8;
/** Height of a cell at most, and of all cells together. */
const TALLEST = 24;
const HEIGHT = 420;
/** Cells from this width on hold their number. */
const NUMBER_FROM = 40;

/** Places of the cells of a sheet within a width. */
export class CellPlaces {
  /**
   * @param {AnalysisSheet} sheet
   * @param {number} width
   */
  constructor(sheet, width) {
    this.sheet = sheet;
    const { rows, columns } = sheet;
    this.left = Math.ceil(Math.max(...rows.map((name) => fit(name, SIZE, 90).width))) + GAP;
    this.top = SIZE + GAP;
    this.width = Math.min((width - this.left - 2) / columns.length, 64);
    this.height = Math.max(2, Math.min(TALLEST, HEIGHT / rows.length));
    this.extent = { width: this.left + columns.length * this.width + 2, height: this.top + rows.length * this.height + 2 };
  }

  /**
   * @param {number} x
   * @param {number} y
   * @returns {SheetCell | null}
   */
  nearest(x, y) {
    const [column, row] = [Math.floor((x - this.left) / this.width), Math.floor((y - this.top) / this.height)];
    const { rows, columns } = this.sheet;
    return row >= 0 && column >= 0 && row < rows.length && column < columns.length ? { row, column } : null;
  }
}

/**
 * Draw the cells of a sheet with the names of rows and columns.
 * @param {Pen} pen
 * @param {CellPlaces} places
 * @param {Colours} colours
 */
export function paintCells(pen, places, colours) {
  const { sheet, left, top, width, height } = places;
  const { rows, columns } = sheet;
  const { palette } = colours;
  const rgb = (/** @type {number} */ value) => (sheet.limit === null ? colours.rgb(value) : diverging(value, sheet.limit, palette));
  const picture = make("canvas", { width: columns.length, height: rows.length });
  const context = contextOf(picture);
  const image = context.createImageData(columns.length, rows.length);
  rows.forEach((_, row) => columns.forEach((_, column) => {
    const value = sheet.value({ row, column });
    if (Number.isFinite(value)) image.data.set([...rgb(value), 255], 4 * (row * columns.length + column));
  }));
  context.putImageData(image, 0, 0);
  pen.image(picture, 0, 0, columns.length, rows.length, left, top, columns.length * width, rows.length * height);
  pen.frame(left - 0.5, top - 0.5, columns.length * width + 1, rows.length * height + 1, palette.line);
  const everyRow = Math.max(1, Math.ceil((SIZE + 2) / height));
  rows.forEach((name, row) => {
    if (row % everyRow) return;
    pen.text(fit(name, SIZE, 90).text, left - GAP / 2, top + (row + 0.5) * height, { size: SIZE, fill: palette.soft, align: "right" });
  });
  const widest = Math.max(...columns.map((name) => fit(name, SIZE, 90).width)) + 8;
  const everyColumn = Math.max(1, Math.ceil(widest / width));
  columns.forEach((name, column) => {
    if (column % everyColumn) return;
    pen.text(fit(name, SIZE, 90).text, left + (column + 0.5) * width, top - SIZE / 2 - 2, { size: SIZE, fill: palette.soft, align: "center" });
  });
  if (width < NUMBER_FROM || height < SIZE + 4) return;
  rows.forEach((_, row) => columns.forEach((_, column) => {
    const value = sheet.value({ row, column });
    if (!Number.isFinite(value)) return;
    pen.text(written(value, 2), left + (column + 0.5) * width, top + (row + 0.5) * height, { size: SIZE, fill: inkOn(rgb(value)), align: "center" });
  }));
}
