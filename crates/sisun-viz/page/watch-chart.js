// A line chart that is redrawn as points come.

/** @typedef {{ points: [step: number, value: number][], colour: string, thin: boolean }} ChartLine */

const NAMESPACE = "http://www.w3.org/2000/svg";
const [LEFT, RIGHT, TOP, BOTTOM] = [52, 12, 8, 22];
/** Most points of a line; more are reduced to the extremes of each stretch. */
const MOST = 1000;

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 * @param {string} [text]
 */
function shape(name, attributes, text) {
  const element = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  if (text !== undefined) element.textContent = text;
  return element;
}

/**
 * Round numbers that divide a range.
 * @param {number} low
 * @param {number} high
 * @param {number} about
 */
export function ticks(low, high, about) {
  const rough = (high - low) / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? rough;
  const found = [];
  for (let i = Math.ceil(low / step); i * step <= high + 1e-9 * step; i++) found.push(i * step);
  return found;
}

/**
 * Keep the smallest and the largest value of each stretch.
 * @param {[number, number][]} points
 */
export function thinned(points) {
  if (points.length <= MOST) return points;
  const size = Math.ceil(2 * points.length / MOST);
  /** @type {[number, number][]} */
  const kept = [];
  for (let from = 0; from < points.length; from += size) {
    const stretch = points.slice(from, from + size);
    const [low, high] = stretch.reduce(([low, high], point) => [point[1] < low[1] ? point : low, point[1] > high[1] ? point : high], [stretch[0], stretch[0]]);
    kept.push(...(low === high ? [low] : [low, high].sort((a, b) => a[0] - b[0])));
  }
  return kept;
}

/** @param {number} value */
function label(value) {
  const size = Math.abs(value);
  return size !== 0 && (size < 0.001 || size >= 1e5) ? value.toExponential(0) : String(Number(value.toPrecision(4)));
}

/**
 * Draw lines over steps.
 * @param {HTMLElement} host
 * @param {ChartLine[]} lines
 * @param {{ now: number | null, steps: number, title: string, count: (n: number) => string }} look `now` is marked
 */
export function drawChart(host, lines, { now, steps, title, count }) {
  const [width, height] = [host.clientWidth, host.clientHeight];
  if (width === 0) return;
  const values = lines.flatMap(({ points }) => points.map(([, value]) => value));
  let [low, high] = values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
  if (low > high) [low, high] = [0, 1];
  if (high - low <= 1e-9 * Math.abs(high)) [low, high] = [low - (Math.abs(low) * 0.1 || 1), high + (Math.abs(high) * 0.1 || 1)];
  const x = (/** @type {number} */ step) => LEFT + (width - LEFT - RIGHT) * step / Math.max(steps, 1);
  const y = (/** @type {number} */ value) => TOP + (height - TOP - BOTTOM) * (high - value) / (high - low);
  const svg = shape("svg", { role: "img", "aria-label": title, viewBox: `0 0 ${width} ${height}` });
  for (const value of ticks(low, high, 5)) {
    svg.append(shape("line", { class: "axis", x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }));
    svg.append(shape("text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, label(value)));
  }
  for (const step of ticks(0, Math.max(steps, 1), 6)) {
    svg.append(shape("text", { x: x(step), y: height - 4, "text-anchor": "middle" }, count(step)));
  }
  for (const { points, colour, thin } of lines) {
    const kept = thinned(points);
    if (kept.length === 1) svg.append(shape("circle", { cx: x(kept[0][0]), cy: y(kept[0][1]), r: 3, fill: colour }));
    const d = kept.map(([step, value], i) => `${i ? "L" : "M"}${x(step).toFixed(1)} ${y(value).toFixed(1)}`).join("");
    if (kept.length > 1) svg.append(shape("path", { d, class: thin ? "thin" : "", stroke: colour }));
  }
  if (now !== null) svg.append(shape("line", { class: "now", x1: x(now), x2: x(now), y1: TOP, y2: height - BOTTOM }));
  host.replaceChildren(svg);
}
