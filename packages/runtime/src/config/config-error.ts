/** Owns: how mistakes in a configuration are told. */

export interface ConfigMistake {
  /** Key of the setting, with the index of a list's item (`origins[2]`), or the unknown name itself. */
  readonly path: string;
  /** What was given, `***` for secrets; absent when nothing was. */
  readonly given?: string;
  /** What is expected, or what is wrong with the name. */
  readonly expected: string;
  /** Where it came from: `--port`, `IM_PORT`, `im.json`; absent when it came from nowhere. */
  readonly source?: string;
  /** Where it may be set: `--port or IM_PORT`; absent for names nobody knows. */
  readonly settable?: string;
}

/** Every mistake of one configuration; the message lists them, one a line. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly mistakes: readonly ConfigMistake[];

  constructor(mistakes: readonly ConfigMistake[]) {
    const title = mistakes.length === 1 ? '1 mistake' : `${mistakes.length} mistakes`;
    super([`${title} in the configuration:`, ...mistakes.map((mistake) => `  ${describe(mistake)}`)].join('\n'));
    this.mistakes = mistakes;
  }
}

function describe({ path, given, expected, source, settable }: ConfigMistake): string {
  if (settable === undefined) return `${path}: ${expected}${source === undefined ? '' : ` (in ${source})`}`;
  if (given === undefined) return `${path}: missing, expected ${expected} (set ${settable})`;
  return `${path}: expected ${expected}, got ${given}${source === undefined ? '' : ` from ${source}`} (set ${settable})`;
}
