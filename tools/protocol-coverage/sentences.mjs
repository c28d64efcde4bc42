/** Owns: reading the numbered sentences of a normative document. */

/**
 * @typedef {object} Sentence
 * @property {string} id `PR-12`, `RP-12`
 * @property {string} text one line of Markdown
 */

/** @param {string} markdown @returns {Sentence[]} in order of appearance */
export function readSentences(markdown) {
  const sentences = [...markdown.matchAll(/^- \*\*((?:PR|RP)-\d+)\*\* (.+)$/gm)].map(([, id, text]) => ({
    id: /** @type {string} */ (id),
    text: /** @type {string} */ (text),
  }));
  const seen = new Set();
  for (const { id } of sentences) {
    if (seen.has(id)) throw new Error(`${id} numbers two sentences`);
    seen.add(id);
  }
  return sentences;
}
