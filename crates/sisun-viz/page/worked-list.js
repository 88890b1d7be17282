// The steps of a computation with their words: the same list, from the same file, as the program prints.

import { STEPS } from "./steps.js";

/** @import { Language } from "./types.js" */

/** A text in both languages. @typedef {Record<Language, string>} Both */
/** A sentence of a step. @typedef {Both & { when?: string[] }} Sentence */
/**
 * One step of the file.
 * @typedef {object} ScriptStep
 * @property {string} id
 * @property {string[]} [when]
 * @property {Both} title
 * @property {Both} operation
 * @property {string} shape
 * @property {Both} gives
 * @property {Sentence[]} texts
 */
/** The file. @typedef {{ steps: ScriptStep[], words: Record<string, Both> }} Script */

/** What a computation is like: flags, and the values of the placeholders. @typedef {{ flags: string[], values: Record<string, string> }} Context */
/** A step, worded. @typedef {{ id: string, number: number, title: string, operation: string, shape: string, gives: string, sentences: string[] }} WorkedStep */

/**
 * Replace each `{name}` by its value; what has no value stays.
 * @param {string} text
 * @param {Record<string, string>} values
 */
const fill = (text, values) => text.replace(/\{([^{}]+)\}/g, (whole, name) => values[name] ?? whole);

/**
 * Return the steps of a computation.
 * @param {Context} context
 * @param {Language} language
 * @returns {WorkedStep[]}
 */
export function listSteps({ flags, values }, language) {
  const set = new Set(flags);
  const holds = (/** @type {string[]} */ when = []) => when.every((flag) => (flag.startsWith("!") ? !set.has(flag.slice(1)) : set.has(flag)));
  const steps = STEPS.steps.filter((step) => holds(step.when));
  const all = { ...values };
  steps.forEach((step, i) => { all[`step:${step.id}`] = String(i + 1); });
  return steps.map((step, i) => ({
    id: step.id,
    number: i + 1,
    title: word("step", { number: String(i + 1), title: fill(step.title[language], all) }, language),
    operation: fill(step.operation[language], all),
    shape: fill(step.shape, all),
    gives: fill(step.gives[language], all),
    sentences: step.texts.filter((text) => holds(text.when)).map((text) => fill(text[language], all)),
  }));
}

/**
 * Return a word of the steps.
 * @param {string} name
 * @param {Record<string, string>} values
 * @param {Language} language
 * @returns {string}
 */
export function word(name, values, language) {
  return fill(STEPS.words[name]?.[language] ?? name, values);
}
