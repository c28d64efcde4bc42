/** Owns: progress on the terminal: one line a step with its time, and the whole output of what failed. */

/**
 * @typedef {object} StepResult
 * @property {boolean} ok
 * @property {string} [note] a few words after the name, `312 passed`
 * @property {string} [output] shown when the step failed
 */

/**
 * @template {StepResult} T
 * @param {string} name
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(name, work) {
  const started = performance.now();
  const result = await work();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (!result.ok && result.output) process.stdout.write(`\n${result.output.trimEnd()}\n\n`);
  const note = result.note ? `  ${result.note}` : '';
  process.stdout.write(`${result.ok ? '✓' : '✗'} ${name.padEnd(24)} ${seconds.padStart(6)} s${note}\n`);
  return result;
}
