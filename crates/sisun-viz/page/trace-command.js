// The command that reproduces the text, quoted so that a shell passes the prompt unchanged.

/** Characters with an effect in a shell or a terminal, and invisible ones, except line ends and the joiners of emoji. */
const HARMFUL = /(?![\n\u200c\u200d\ufe00-\ufe0f])[\p{Cc}\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/u;

/**
 * Quote an argument for bash and zsh; plain texts are quoted so that PowerShell and cmd read them alike.
 * @param {string} text
 */
function shellQuoted(text) {
  if (HARMFUL.test(text)) {
    /** @type {Record<string, string>} */
    const names = { "\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t" };
    return `$'${text.replace(new RegExp(`[\\\\'\\n]|${HARMFUL.source}`, "gu"), (c) => names[c] ?? escaped(c.codePointAt(0) ?? 0))}'`;
  }
  // In double quotes, `!` recalls history and `%` names variables in cmd.
  if (!/["$`\\!%\n]/.test(text)) return `"${text}"`;
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Always three octal or four hexadecimal digits: a following digit must not become part of the escape. */
const escaped = (/** @type {number} */ code) => (code < 0x80 ? `\\${code.toString(8).padStart(3, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`);

/**
 * `seed` is the original text: it may have more digits than a JavaScript number can represent.
 * @param {import("./types.js").Trace} trace
 * @param {string} seed
 * @returns {string}
 */
export function commandOf({ prompt, sampler, precision, asked, stop, number }, seed) {
  const { temperature, top_k, top_p, min_p, repetition_penalty: penalty } = sampler;
  // A prompt that begins with a dash would be parsed as an option, and no argument can contain U+0000.
  const option = prompt.includes("\0") ? "--prompt-file FILE" : `--prompt${prompt.startsWith("-") ? "=" : " "}${shellQuoted(prompt)}`;
  // Without a prompt the model begins a text by itself; an empty one is refused.
  const words = ["sisun sample RUN", ...(prompt ? [option] : []), `--temperature ${temperature}`, `--top-k ${top_k}`];
  if (top_p !== 1) words.push(`--top-p ${top_p}`);
  if (min_p !== 0) words.push(`--min-p ${min_p}`);
  if (penalty !== 1) words.push(`--repetition-penalty ${penalty}`);
  for (const text of stop) words.push(`--stop${text.startsWith("-") ? "=" : " "}${shellQuoted(text)}`);
  if (precision !== "float32") words.push(`--precision ${precision}`);
  words.push(`--seed ${seed}`, `-n ${asked}`);
  // A number other than 0 is that of the last of several samples.
  if (number > 0) words.push(`--samples ${number + 1}`);
  return words.join(" ");
}
