/** Owns: reading the numbered sentences of docs/protocol.md. */

/**
 * @typedef {object} Sentence
 * @property {string} id `PR-12`
 * @property {string} text one line of Markdown
 */

/** @param {string} markdown @returns {Sentence[]} in order of appearance */
export function readSentences(markdown) {
  const sentences = [...markdown.matchAll(/^- \*\*(PR-\d+)\*\* (.+)$/gm)].map(([, id, text]) => ({
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
