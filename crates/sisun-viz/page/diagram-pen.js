// Drawing a diagram of a model.

/** @import { Diagram, DiagramBox, DiagramRole, Palette, Pen } from "./types.js" */

/** Fill and edge of each kind of part, on light and on dark paper. @type {Record<DiagramRole, [light: [string, string], dark: [string, string]]>} */
const COLOURS = {
  embedding: [["#e9eefb", "#8aa0d8"], ["#1f2a47", "#5b74b8"]],
  position: [["#fdf1de", "#d9a441"], ["#3a2d13", "#a97d2d"]],
  norm: [["#f1f1f3", "#b9b9c0"], ["#26272c", "#5b5c63"]],
  attention: [["#e3f3ee", "#4fae90"], ["#15342b", "#3d8d74"]],
  ffn: [["#fbeae2", "#dd8a62"], ["#3b2216", "#b16a45"]],
  block: [["#eef1f6", "#9aa7bd"], ["#22272f", "#5d6b82"]],
  head: [["#ffffff", "#4fae90"], ["#0f1f1a", "#3d8d74"]],
};

/**
 * Draw a column of a diagram, `scale` times as large; marked boxes have the accent's colour.
 * @param {Pen} pen
 * @param {Diagram["columns"][number]} column
 * @param {number} scale
 * @param {Palette} palette
 * @param {(box: DiagramBox) => boolean} isMarked
 */
export function paintColumn(pen, { shapes }, scale, palette, isMarked) {
  const line = palette.dark ? "#8b8c94" : "#8a8a90";
  const at = (/** @type {number} */ length) => length * scale;
  /** The marked boxes, whose texts stand on the accent. @type {DiagramBox[]} */
  const marked = [];
  for (const shape of shapes) {
    if (shape.kind === "box") {
      const [x, y, width, height] = [shape.x, shape.y, shape.width, shape.height].map(at);
      const [fill, edge] = COLOURS[shape.role][palette.dark ? 1 : 0];
      const radius = shape.height < 10 ? 1 : at(5);
      const on = isMarked(shape);
      if (on) marked.push(shape);
      pen.rect(x, y, width, height, on ? palette.accent : edge, { radius });
      if (!on) pen.rect(x + 1, y + 1, Math.max(0.5, width - 2), Math.max(0.5, height - 2), fill, { radius: Math.max(0, radius - 1) });
    } else if (shape.kind === "text") {
      const inside = marked.some((box) => box.x <= shape.x && shape.x <= box.x + box.width && box.y <= shape.y && shape.y <= box.y + box.height);
      const align = { start: /** @type {const} */ ("left"), middle: /** @type {const} */ ("center"), end: /** @type {const} */ ("right") }[shape.anchor];
      const fill = inside ? palette.onAccent : shape.strong ? palette.ink : palette.dark ? "#c4c5cb" : "#4a4a50";
      pen.text(shape.text, at(shape.x), at(shape.y), { size: at(shape.size), fill, align, weight: shape.strong ? 600 : 400 });
    } else if (shape.kind === "line") {
      const points = shape.points.map(at);
      pen.line(points, { stroke: line, thick: 1.5 });
      if (shape.arrow) pen.line(arrowhead(points, at(5)), { stroke: line, thick: 1.5 });
    } else {
      const [x, y] = [at(shape.x), at(shape.y)];
      pen.rect(x - at(8), y - at(8), at(16), at(16), line, { radius: at(8) });
      pen.rect(x - at(8) + 1.5, y - at(8) + 1.5, at(16) - 3, at(16) - 3, palette.paper, { radius: at(8) - 1.5 });
      pen.line([x - at(4), y, x + at(4), y], { stroke: line, thick: 1.5 });
      pen.line([x, y - at(4), x, y + at(4)], { stroke: line, thick: 1.5 });
    }
  }
}

/**
 * The points of the head of an arrow at the end of a line.
 * @param {number[]} points
 * @param {number} size
 */
function arrowhead(points, size) {
  const [x0, y0, x1, y1] = points.slice(-4);
  const length = Math.hypot(x1 - x0, y1 - y0) || 1;
  const [dx, dy] = [(x1 - x0) / length * size, (y1 - y0) / length * size];
  return [x1 - dx - 0.7 * dy, y1 - dy + 0.7 * dx, x1, y1, x1 - dx + 0.7 * dy, y1 - dy - 0.7 * dx];
}
