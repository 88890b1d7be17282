// What the scripts of the pages have to do with: the data that Rust writes into a page (src/page), and what they share.

import type { MatrixCanvas } from "./canvas.js";
import type { View } from "./view.js";

export type Language = "en" | "ko";
export type ThemeChoice = "auto" | "light" | "dark";
export type Scale = "linear" | "root";
export type Weights = "attention" | "values";
/** "rollout" stands for all layers together; its one head is 0. */
export type Layer = number | "rollout";
/** JSON has null for what was not measured and for what is not a finite number. */
export type Measured = number | null;
export type Rgb = [red: number, green: number, blue: number];

/** The data of an attention page. */
export interface PageData {
  version: number;
  kind: "model" | "time" | "variants";
  language: Language;
  title: string;
  text: string;
  notes: string[];
  /** 256 colours of three bytes each, as base64, by the name of the map. */
  colours: Record<string, string>;
  views: ViewData[];
  /** What rows and columns stand for when the page is opened. */
  unit: "token" | "word" | "character";
  /** Show the first view less the second. */
  difference?: boolean;
  /** Sheets of the logit lens and of attribution. */
  sheets?: SheetData[];
  /** The most likely tokens of each cell of the lens, with their probabilities. */
  details?: [text: string, probability: number][][];
  presets: OwnPreset[];
  /** The model itself, on a page that computes. */
  model?: LiveModelData;
}

/** One model on one text. Numbers of blocks stand for what is in them. */
export interface ViewData {
  name: string;
  label: string;
  step: number | null;
  position: string;
  causal: boolean;
  layers: number[];
  heads: number[];
  d_head: number;
  /** What q·k is multiplied by. */
  scale: number;
  /** Cells along one side of a pattern. */
  n: number;
  tokens: Token[];
  /** The text, if it is not the page's. */
  text?: string | null;
  /** Whether texts beside each other are aligned by position. */
  placed?: boolean;
  /** Tokens that a cell stands for, if not one. */
  thinned: number | null;
  words: UnitTable | null;
  characters: UnitTable | null;
  /** One block a layer. */
  patterns: { blocks: number[]; bits: number; error: number };
  rollout: number | null;
  /** Blocks of float32, one a layer, `[head, token]`: the length of what each key contributes. */
  norms: number[] | null;
  /** Blocks of float32, one a layer, for the first `tokens` tokens. */
  vectors: { tokens: number; kv_heads: number[]; q: number[]; k: number[]; v: number[] } | null;
  walk: WalkData;
  /** What is added to scaled scores, by offset. */
  bias: { block: number; tokens: number } | null;
  /** By layer and head. */
  stats: HeadStats[][];
  chance: Record<Habit, Measured>;
  /** The position encoding; no sheets where there is nothing to show. Null where those of the first view are the same. */
  positions: { sheets: SheetData[] } | null;
  diagram: Record<Language, Diagram> | null;
}

/** A diagram of a model: a column of the whole, and one of a block. */
export interface Diagram {
  columns: { width: number; height: number; shapes: DiagramShape[] }[];
}

export type DiagramRole = "embedding" | "position" | "norm" | "attention" | "ffn" | "block" | "head";
/** Where a click on a box leads. */
export type DiagramGo = { layer: number } | { head: number } | "positions";

export interface DiagramBox {
  kind: "box";
  x: number;
  y: number;
  width: number;
  height: number;
  role: DiagramRole;
  go: DiagramGo | null;
}

export type DiagramShape =
  | DiagramBox
  | { kind: "text"; x: number; y: number; size: number; anchor: "start" | "middle" | "end"; text: string; strong: boolean }
  | { kind: "line"; points: number[]; arrow: boolean }
  | { kind: "sum"; x: number; y: number };
/** The stream around each layer, for the first `tokens` tokens; vectors are their first numbers and their length. */
export interface WalkData {
  /** Of the model; what depends on the head and the token is added. */
  context: import("./worked-list.js").Context;
  rotation: { radians: number[]; magnitude: number } | null;
  edits: {
    written: string[];
    /** Names of edited activations, by layer and head. */
    of: string[][][];
    z: number | null;
  } | null;
  tokens: number;
  shown: number;
  shown_of_head: number;
  start_names: string[];
  layer_names: string[];
  /** "embed", "attn_out 0", … */
  points: string[];
  /** The most likely token after each. */
  next: string[];
  start: number | null;
  layers: number | null;
  products: number | null;
  shares: number | null;
  terms: number | null;
  probabilities: number | null;
  without: number | null;
}

/** Matrices that a reader gives, as in the files of `sisun explain --matrices`. */
export interface OwnGiven {
  title?: string;
  tokens?: string[];
  query?: number | string;
  mask: boolean;
  scale: boolean | number;
  X?: number[][];
  W_Q?: number[][];
  W_K?: number[][];
  W_V?: number[][];
  Q?: number[][];
  K?: number[][];
  V?: number[][];
  printed?: Record<string, string[]>;
  remarks?: { step: string; en: string; ko: string }[];
}

export interface OwnPreset {
  name: string;
  given: OwnGiven;
}

/** The data of the page of given matrices. */
export interface OwnPageData {
  version: number;
  language: Language;
  title: string;
  colours: Record<string, string>;
  given: OwnGiven;
  presets: OwnPreset[];
}

/** A model inside a page. */
export interface LiveModelData {
  config: LiveConfig;
  parameters: number;
  /** Whether a server computes: the page then holds no weights. */
  served: boolean;
  format: WeightFormat;
  /** In the order of the bytes. */
  tensors: [name: string, shape: number[]][];
  /** Blocks whose bytes, one after another, are those of all tensors. */
  weights: number[];
  /** Block of the JSON of `TokenizerData`. */
  tokenizer: number;
  /** Block of float32: the logits of the token after the page's text. */
  logits: number;
}

export type WeightFormat = "bfloat16" | "float32" | "float24" | "float16" | "int8";

/** Sizes and variants of a model, every default resolved. */
export interface LiveConfig {
  d_model: number;
  n_layers: number;
  n_heads: number;
  n_kv_heads: number;
  d_head: number;
  d_ff: number;
  vocab: number;
  /** Tokens of the longest sequence of the training. */
  context_len: number;
  /** Tokens that the page computes at most. */
  max_tokens: number;
  norm: "layer" | "rms";
  placement: "pre" | "post";
  eps: number;
  ffn: "gelu" | "gelu_tanh" | "relu" | "relu_squared" | "swiglu" | "none";
  residual: boolean;
  parallel: boolean;
  causal: boolean;
  /** What q·k is multiplied by. */
  scale: number;
  tied_head: boolean;
  /** Angles by which queries and keys are rotated, in radians per position. */
  rotation: { radians: number[]; magnitude: number } | null;
}

interface TokenizerParts {
  /** Tokens that are found in a text before it is divided. */
  added: AddedTokenData[];
  /** Tokens before every text. */
  prefix: number[];
  /** Whether text is composed (NFC) first. */
  composes: boolean;
  /** White space, as ranges of a character class. */
  spaces: string;
}

export interface CharactersData extends TokenizerParts {
  kind: "characters";
  characters: [character: string, id: number][];
}

export interface ByteLevelData extends TokenizerParts {
  kind: "byte_level";
  /** Tokens by id, in GPT-2's alphabet of bytes. */
  vocab: (string | null)[];
  /** Pairs of tokens and what each becomes, in order of rank. */
  merges: [first: number, second: number, merged: number][];
  /** Whether a word that is a token is not merged. */
  ignore_merges: boolean;
  /** Regular expression of a word; `{L}` stands for the ranges of a class. */
  pattern: string;
  classes: Record<string, string>;
}

export interface SentencePieceData extends TokenizerParts {
  kind: "sentence_piece";
  /** Tokens by id; spaces are "▁", and "<0xED>" stands for a byte. */
  vocab: (string | null)[];
  merges: ByteLevelData["merges"];
  ignore_merges: boolean;
  /** Where "▁" is put before a part of the text: before each, where it is missing, where it is missing at the very beginning. */
  prepend: "always" | "missing" | "first" | "never";
  /** Whether "▁" begins a word of its own. */
  split: boolean;
}

export type TokenizerData = CharactersData | ByteLevelData | SentencePieceData;

export interface AddedTokenData {
  id: number;
  content: string;
  /** Whether it is found in what the normalizer makes of a text. */
  normalized: boolean;
}

export interface Token {
  id: number;
  text: string;
  /** Where it begins and ends in the text, in characters. */
  start: number;
  end: number;
}

/** For each token the unit that it belongs to, and the names of the units. */
export interface UnitTable {
  of: number[];
  text: string[];
}

export type Habit = "previous" | "first" | "same" | "induction";
export type Stat = Habit | "entropy" | "distance" | "silenced";
export type HeadStats = Record<Stat, Measured>;

/** The data of the page of a trace. */
export interface TracePageData {
  version: number;
  language: Language;
  title: string;
  colours: Record<string, string>;
  trace: Trace;
  layers: number;
  heads: number;
  attention: { block: number; bits: number; error: number };
}

export interface Trace {
  model: string;
  step: number | null;
  prompt: string;
  text: string;
  sampler: Sampler;
  /** `float32` or `bf16`. */
  precision: string;
  asked: number;
  stop: string[];
  number: number;
  /** Labels of all tokens, the prompt's first. */
  tokens: string[];
  prompt_tokens: number;
  /** One for each token that was written. */
  steps: TraceStep[];
}

export interface Sampler {
  temperature: number;
  top_k: number;
  top_p: number;
  min_p: number;
  repetition_penalty: number;
}

/** A stage of the sampler that removes tokens. */
export type Stage = "greedy" | "top_k" | "top_p" | "min_p";

export interface TraceStep {
  id: number;
  logprob: number;
  entropy: number;
  /** How many tokens each stage left. */
  left: { vocabulary: number; top_k: number; top_p: number; min_p: number };
  candidates: Candidate[];
  /** The first of all tokens that the model still saw. */
  from: number;
}

export interface Candidate {
  id: number;
  text: string;
  probability: number;
  tempered: number;
  removed: Stage | null;
  drawn: number;
}

/** A cell of a pattern; where one of its two is null, a whole column or row is meant. */
export interface Cell {
  query: number | null;
  key: number | null;
}

/** A cell in one of the columns of a page with several models. */
export interface PlacedCell extends Cell {
  column: number;
}

/** The part of a matrix that is seen: `zoom` times as large as the whole, with cell (y, x) in the corner. */
export interface Window {
  zoom: number;
  x: number;
  y: number;
}

/** The colours that drawings share with the page around them. */
export interface Palette {
  dark: boolean;
  paper: string;
  ink: string;
  soft: string;
  line: string;
  accent: string;
  onAccent: string;
  font: string;
  hiddenRgb: Rgb;
  zeroRgb: Rgb;
  negativeRgb: Rgb;
  positiveRgb: Rgb;
}

export interface Stroke {
  stroke: string;
  thick?: number;
  alpha?: number;
}

export interface TextLook {
  size: number;
  fill: string;
  align?: "left" | "center" | "right";
  weight?: number;
  /** In degrees. */
  turn?: number;
  alpha?: number;
}

/** What draws: on a canvas, or as SVG. Lengths are in CSS pixels. */
export interface Pen {
  /** Whether single shapes stay sharp at any size. */
  readonly vector: boolean;
  /** Pixels of pictures for each CSS pixel. */
  readonly density: number;
  rect(x: number, y: number, width: number, height: number, fill: string, look?: { alpha?: number; radius?: number }): void;
  frame(x: number, y: number, width: number, height: number, stroke: string, thick?: number): void;
  /** Points as x, y, x, y, … */
  line(points: number[], look: Stroke): void;
  /** Many lines of one look, four numbers each; they leave and arrive level. */
  curves(ends: number[], look: Stroke): void;
  text(text: string | number, x: number, y: number, look: TextLook): void;
  image(source: HTMLCanvasElement, sx: number, sy: number, sw: number, sh: number, x: number, y: number, width: number, height: number): void;
  clip(x: number, y: number, width: number, height: number, draw: () => void): void;
  /** Draw as if (x, y) were the corner. */
  at(x: number, y: number, draw: () => void): void;
}

/** What a tab shows of one model, or of all models. */
export interface Panel {
  readonly column: number;
  readonly view: View;
  /** The map of the panel that has one. */
  readonly map?: MatrixCanvas;
  /** Promises for what has to be decoded before it is shown; null where it is here. */
  needs(): (Promise<void> | null)[];
  show(): void;
  mark(cell: Cell | null): void;
  scrollTo?(top: number): void;
  /** Bring the chosen cell into sight. */
  reveal?(cell: Cell | null): void;
  /** The size of what `paint` draws. */
  extent(): { width: number; height: number };
  paint(pen: Pen): void;
}

/** A control beside each head of the grid. */
export interface HeadSwitch {
  /** Return the control of a head. */
  make(layer: number, head: number): HTMLElement;
  /** Update it. */
  show(control: HTMLElement): void;
}

/** The kinds of attention of an encoder and a decoder. */
export type PairsPart = "encoder" | "decoder" | "cross";

/** One head on the page of a source and its target. */
export interface PairsHead {
  readonly part: PairsPart;
  readonly layer: number;
  readonly head: number;
  /** Labels of the queries, and of the keys. */
  readonly rows: string[];
  readonly columns: string[];
  readonly causal: boolean;
  /** The true alignment as pairs of query and key, if it is known. */
  readonly alignment: [number, number][] | null;
  weight(query: number, key: number): number;
}

/** The data of the page of a source and its target. */
export interface PairsPageData {
  readonly version: number;
  readonly language: Language;
  readonly title: string;
  readonly source: string;
  readonly target: string;
  readonly colours: Record<string, string>;
  /** What the model writes without each head, if that was asked for. */
  readonly ablations: {
    readonly text: string;
    readonly log_prob: number;
    readonly heads: { readonly part: PairsPart; readonly layer: number; readonly head: number; readonly text: string; readonly changed: boolean; readonly log_prob: number }[];
  } | null;
  readonly parts: {
    readonly part: PairsPart;
    readonly rows: string[];
    readonly columns: string[];
    readonly causal: boolean;
    readonly alignment: [number, number][] | null;
    /** The head that agrees best with the true alignment of this pair, if that is known. */
    readonly best: { readonly layer: number; readonly head: number } | null;
    readonly layers: { readonly layer: number; readonly heads: number[]; readonly block: number }[];
  }[];
}

export interface SheetCell {
  readonly row: number;
  readonly column: number;
}

/** A table of numbers on the page of an analysis. */
export interface AnalysisSheet {
  readonly name: string;
  readonly rows: string[];
  readonly columns: string[];
  /** Texts of the cells, row by row; the values themselves if there are none. */
  readonly texts: string[] | null;
  /** The value of the full colour, of signed values; null for shares from 0 to 1. */
  readonly limit: number | null;
  /** Cells; a point for each row, at the coordinates in its two columns; a line for each row; a line with two bands; planes of points. */
  readonly form: "cells" | "points" | "lines" | "band" | "planes";
  /** NaN where there is none. */
  value(cell: SheetCell): number;
}

/** A sheet whose numbers are in a block. */
export type SheetData = Omit<AnalysisSheet, "value"> & { readonly block: number };

/** The data of the page of an analysis. */
export interface AnalysisPageData {
  readonly version: number;
  readonly language: Language;
  readonly title: string;
  /** The text that the model read; empty if it read none. */
  readonly text: string;
  readonly notes: string[];
  readonly colours: Record<string, string>;
  readonly sheets: SheetData[];
  /** The most likely tokens of each cell of the lens, with their probabilities. */
  readonly details: [text: string, probability: number][][];
}

declare global {
  /** The text of the worker's script, on a page that computes. */
  const workerSource: string;

  interface Window {
    /** For tests, and for whoever opens the console. */
    sisun: object;
  }
  interface Uint8ArrayConstructor {
    /** Not yet in every browser. */
    fromBase64?(base64: string): Uint8Array<ArrayBuffer>;
  }
}
