// The sheets of numbers of an analysis.

import { expectBytes, readBlock } from "./blocks.js";

/** @import { AnalysisSheet, SheetData } from "./types.js" */

/**
 * Decode a sheet.
 * @param {SheetData} described
 * @returns {Promise<AnalysisSheet>}
 */
export async function readSheet({ block, ...sheet }) {
  const bytes = await readBlock(block);
  expectBytes(block, bytes, 4 * sheet.rows.length * sheet.columns.length);
  const values = new Float32Array(bytes.buffer);
  return { ...sheet, value: ({ row, column }) => values[row * sheet.columns.length + column] };
}
