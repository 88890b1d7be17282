// A WebAssembly module for the products of matrices, assembled from readable parts when the page starts.
//
// Instructions are arrays of bytes (WebAssembly Core Specification 2.0, chapter 5 and appendix A.7). All numbers here are small,
// so most of LEB128 is one or two bytes.

/** @typedef {number[]} Code */

/**
 * An unsigned number in LEB128.
 * @param {number} value
 * @returns {Code}
 */
function unsigned(value) {
  const low = value & 127;
  return value > 127 ? [low | 128, ...unsigned(value >>> 7)] : [low];
}

/** A constant below 64, whose signed LEB128 is one byte. */
const constant = (/** @type {number} */ value) => [0x41, value];
const get = (/** @type {number} */ local) => [0x20, ...unsigned(local)];
const set = (/** @type {number} */ local) => [0x21, ...unsigned(local)];
const loop = (/** @type {Code} */ body) => [0x03, 0x40, ...body, 0x0b];
const whenTrue = (/** @type {Code} */ condition, /** @type {Code} */ body) => [...condition, 0x04, 0x40, ...body, 0x0b];
/** Repeat the loop around this if the condition holds. */
const again = (/** @type {Code} */ condition) => [...condition, 0x0d, 0];
const add = (/** @type {Code} */ a, /** @type {Code} */ b) => [...a, ...b, 0x6a];
const subtract = (/** @type {Code} */ a, /** @type {Code} */ b) => [...a, ...b, 0x6b];
const multiply = (/** @type {Code} */ a, /** @type {Code} */ b) => [...a, ...b, 0x6c];
const atLeast = (/** @type {Code} */ a, /** @type {Code} */ b) => [...a, ...b, 0x4e];
const below = (/** @type {Code} */ a, /** @type {Code} */ b) => [...a, ...b, 0x49];
/** Set a local to itself plus something. */
const advance = (/** @type {number} */ local, /** @type {Code} */ by) => [...add(get(local), by), ...set(local)];

/** The instructions on four float32 at once; addresses are byte offsets of 4-byte aligned data. */
const vector = {
  load: (/** @type {Code} */ address, offset = 0) => [...address, 0xfd, 0x00, 2, ...unsigned(offset)],
  splat: (/** @type {Code} */ address) => [...address, 0xfd, 0x09, 2, 0],
  store: (/** @type {Code} */ address, /** @type {Code} */ value, offset = 0) => [...address, ...value, 0xfd, 0x0b, 2, ...unsigned(offset)],
  add: (/** @type {Code} */ a, /** @type {Code} */ b) => [...a, ...b, 0xfd, ...unsigned(228)],
  multiply: (/** @type {Code} */ a, /** @type {Code} */ b) => [...a, ...b, 0xfd, ...unsigned(230)],
};

/** Parameters of the function: byte addresses, strides in bytes, and counts. */
const [A, A_STRIDE, B, B_STRIDE, C, C_STRIDE, M, K, PANELS] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
/** Other integers: current pointers, counters, and the pointers of up to four rows and four panels. */
const [AT_A, AT_C, ROWS_LEFT, PANELS_LEFT, END, ROW, PANEL] = [9, 10, 11, 12, 13, 14, 18];
const INTEGERS = 22 - 9;
/** Vectors: eight sums, two columns of a panel, one value of `a`. */
const [SUM, COLUMN, VALUE] = [22, 30, 32];
const VECTORS = 11;

/**
 * A tile of the result: `rows` rows from AT_A and AT_C on, by the 8 columns of each of `panels` panels from AT_B on.
 * @param {number} rows
 * @param {number} panels
 * @returns {Code}
 */
function tile(rows, panels) {
  /** @type {Code} */
  const code = [];
  const sum = (/** @type {number} */ row, /** @type {number} */ panel, /** @type {number} */ half) => SUM + 2 * (row * panels + panel) + half;
  const each = (/** @type {(row: number, panel: number, half: number) => Code} */ what) => {
    for (let row = 0; row < rows; row++) {
      for (let panel = 0; panel < panels; panel++) for (const half of [0, 1]) code.push(...what(row, panel, half));
    }
  };
  const rowOfC = (/** @type {number} */ row) => add(get(AT_C), multiply(get(C_STRIDE), constant(row)));
  each((row, panel, half) => [...vector.load(rowOfC(row), 32 * panel + 16 * half), ...set(sum(row, panel, half))]);
  for (let row = 0; row < rows; row++) code.push(...add(get(AT_A), multiply(get(A_STRIDE), constant(row))), ...set(ROW + row));
  for (let panel = 0; panel < panels; panel++) code.push(...add(get(AT_B), multiply(get(B_STRIDE), constant(panel))), ...set(PANEL + panel));
  code.push(...add(get(ROW), multiply(get(K), constant(4))), ...set(END));
  /** @type {Code} */
  const body = [];
  for (let panel = 0; panel < panels; panel++) {
    for (const half of [0, 1]) body.push(...vector.load(get(PANEL + panel), 16 * half), ...set(COLUMN + half));
    for (let row = 0; row < rows; row++) {
      body.push(...vector.splat(get(ROW + row)), ...set(VALUE));
      for (const half of [0, 1]) {
        const product = vector.multiply(get(VALUE), get(COLUMN + half));
        body.push(...vector.add(get(sum(row, panel, half)), product), ...set(sum(row, panel, half)));
      }
    }
    body.push(...advance(PANEL + panel, constant(32)));
  }
  for (let row = 0; row < rows; row++) body.push(...advance(ROW + row, constant(4)));
  code.push(...loop([...body, ...again(below(get(ROW), get(END)))]));
  each((row, panel, half) => vector.store(rowOfC(row), get(sum(row, panel, half)), 32 * panel + 16 * half));
  return code;
}

/** The pointer to the current panel of `b`; the parameter itself is moved along. */
const AT_B = B;

/**
 * c += a·b for `m` rows: four rows at a time by one panel, and the rows that are left one at a time by four panels, where there
 * are as many. `k` is at least 1.
 * @returns {Code}
 */
function product() {
  const fourRows = [
    ...tile(4, 1),
    ...advance(AT_A, multiply(get(A_STRIDE), constant(4))), ...advance(AT_C, multiply(get(C_STRIDE), constant(4))),
    ...advance(ROWS_LEFT, [0x41, 0x7c]), ...again(atLeast(get(ROWS_LEFT), constant(4))),
  ];
  const onePanel = [
    ...get(A), ...set(AT_A), ...get(C), ...set(AT_C), ...get(M), ...set(ROWS_LEFT),
    ...loop(fourRows),
    ...advance(AT_B, get(B_STRIDE)), ...advance(C, constant(32)),
    ...advance(PANELS_LEFT, [0x41, 0x7f]), ...again(atLeast(get(PANELS_LEFT), constant(1))),
  ];
  const panelsOfRow = (/** @type {number} */ panels) => whenTrue(atLeast(get(PANELS_LEFT), constant(panels)), loop([
    ...tile(1, panels),
    ...advance(AT_B, multiply(get(B_STRIDE), constant(panels))), ...advance(AT_C, multiply(constant(32), constant(panels))),
    ...subtract(get(PANELS_LEFT), constant(panels)), ...set(PANELS_LEFT), ...again(atLeast(get(PANELS_LEFT), constant(panels))),
  ]));
  // After the first part `b` and `c` stand behind the last panel: step back.
  const stepBack = [
    ...subtract(get(AT_B), multiply(get(B_STRIDE), get(PANELS))), ...set(AT_B),
    ...subtract(get(C), multiply(get(PANELS), constant(32))), ...set(C),
  ];
  const oneRow = [
    ...get(A), ...set(AT_A), ...get(C), ...set(AT_C), ...get(PANELS), ...set(PANELS_LEFT),
    ...panelsOfRow(4), ...panelsOfRow(1),
    ...subtract(get(AT_B), multiply(get(B_STRIDE), get(PANELS))), ...set(AT_B),
    ...advance(A, get(A_STRIDE)), ...advance(C, get(C_STRIDE)),
    ...advance(M, [0x41, 0x7f]), ...again(atLeast(get(M), constant(1))),
  ];
  // Rows that are a multiple of four, and how many there are after them.
  const done = multiply([...get(M), ...constant(2), 0x75], constant(4));
  return [
    ...whenTrue(atLeast(get(M), constant(4)), [
      ...get(PANELS), ...set(PANELS_LEFT), ...loop(onePanel), ...stepBack,
      ...advance(A, multiply(get(A_STRIDE), done)), ...advance(C, multiply(get(C_STRIDE), done)),
      ...subtract(get(M), done), ...set(M),
    ]),
    ...whenTrue(atLeast(get(M), constant(1)), loop(oneRow)),
  ];
}

/**
 * The bytes of the module: it imports the memory `env.memory`, of at least one page, and exports `multiply`.
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function moduleBytes() {
  const [i32, v128] = [0x7f, 0x7b];
  const section = (/** @type {number} */ id, /** @type {Code} */ content) => [id, ...unsigned(content.length), ...content];
  const name = (/** @type {string} */ text) => [text.length, ...[...text].map((c) => c.charCodeAt(0))];
  const body = [2, INTEGERS, i32, VECTORS, v128, ...product(), 0x0b];
  return new Uint8Array([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, [1, 0x60, 9, ...Array(9).fill(i32), 0]),
    ...section(2, [1, ...name("env"), ...name("memory"), 2, 0, 1]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...name("multiply"), 0, 0]),
    ...section(10, [1, ...unsigned(body.length), ...body]),
  ]);
}
