// A sheet as lines or planes of points; marks are drawn on a canvas above it.

import { contextOf, make } from "./elements.js";
import { CanvasPen } from "./pen.js";
import { LinePlaces, paintLines } from "./sheet-lines.js";
import { PlanePlaces, paintPlanes } from "./sheet-planes.js";

/** @import { Colours } from "./colour.js" */
/** @import { AnalysisSheet, SheetCell } from "./types.js" */

export class AnalysisDrawn {
  /** @type {LinePlaces | PlanePlaces | null} */
  #places = null;

  /**
   * @param {HTMLElement} host
   * @param {(cell: SheetCell | null) => void} point
   * @param {(cell: SheetCell | null) => void} pin
   */
  constructor(host, point, pin) {
    this.base = make("canvas", { tabIndex: 0 });
    this.over = make("canvas");
    this.host = host;
    const cellAt = (/** @type {PointerEvent} */ event) => this.#places?.nearest(event.offsetX, event.offsetY) ?? null;
    this.base.addEventListener("pointermove", (event) => point(cellAt(event)));
    this.base.addEventListener("pointerdown", (event) => pin(cellAt(event)));
    this.base.addEventListener("pointerleave", () => point(null));
  }

  /**
   * @param {AnalysisSheet} sheet
   * @param {Colours} colours
   */
  show(sheet, { palette }) {
    if (this.base.parentElement !== this.host) this.host.replaceChildren(this.base, this.over);
    const width = Math.max(this.host.clientWidth, 280);
    const planes = sheet.form === "planes" ? new PlanePlaces(sheet, width) : null;
    const height = planes ? planes.height : Math.round(Math.min(width * 0.6, 480));
    const pen = CanvasPen.on(this.base, width, height, palette);
    CanvasPen.on(this.over, width, height, palette);
    this.#places = planes ?? new LinePlaces(sheet, width, height);
    if (planes) paintPlanes(pen, planes, palette);
    else paintLines(pen, sheet, width, height, palette);
  }

  /** @param {SheetCell} cell @returns {[x: number, y: number] | null} */
  #placeOf(cell) {
    const places = this.#places;
    if (places instanceof PlanePlaces) return places.place(cell);
    const value = places?.sheet.value(cell) ?? NaN;
    return places && Number.isFinite(value) ? [places.x(cell.column), places.y(value)] : null;
  }

  /**
   * @param {SheetCell | null} cell
   * @param {string} accent
   */
  mark(cell, accent) {
    const context = contextOf(this.over);
    context.clearRect(0, 0, this.over.width, this.over.height);
    const place = cell && this.#placeOf(cell);
    if (!place) return;
    Object.assign(context, { strokeStyle: accent, lineWidth: 2 });
    context.beginPath();
    context.arc(place[0], place[1], 7, 0, 2 * Math.PI);
    context.stroke();
  }

  /** @param {SheetCell} cell */
  cellCentre(cell) {
    const box = this.base.getBoundingClientRect();
    const [x, y] = this.#placeOf(cell) ?? [0, 0];
    return { x: box.left + x, y: box.top + y };
  }
}
