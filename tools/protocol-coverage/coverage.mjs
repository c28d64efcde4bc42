/** Owns: comparing sentences with the tests that name them. */

/**
 * @typedef {object} Coverage
 * @property {import('./sentences.mjs').Sentence[]} uncovered
 * @property {[id: string, tests: string[]][]} unknown tags that no sentence has, with the tests that carry them
 * @property {number} covered
 * @property {number} total
 */

/**
 * @param {import('./sentences.mjs').Sentence[]} sentences
 * @param {import('./tags.mjs').Tags} tags
 * @returns {Coverage}
 */
export function compare(sentences, tags) {
  const known = new Set(sentences.map(({ id }) => id));
  const uncovered = sentences.filter(({ id }) => !tags.has(id));
  return {
    uncovered,
    unknown: [...tags].filter(([id]) => !known.has(id)),
    covered: sentences.length - uncovered.length,
    total: sentences.length,
  };
}

/** For people; the last line carries the figure. @param {Coverage} coverage @returns {string} */
export function describe({ uncovered, unknown, covered, total }) {
  const percent = total === 0 ? 0 : Math.floor((100 * covered) / total);
  return [
    ...uncovered.map(
      ({ id, text }) => `${id.padEnd(7)} no test   ${text.length > 110 ? `${text.slice(0, 109)}…` : text}`,
    ),
    ...unknown.map(([id, tests]) => `${id.padEnd(7)} no such sentence, but named by: ${tests[0]}`),
    `protocol sentences: ${covered} of ${total} covered (${percent} %)`,
    '',
  ].join('\n');
}
