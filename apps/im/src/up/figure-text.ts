/** Owns: reading single figures out of Prometheus text. Pure. */

export interface Figures {
  /** The sum over all its labels that hold these; undefined when there is no such figure. @param labels `side="worker"` */
  sum(name: string, labels?: string): number | undefined;
  /** The one that has no labels. */
  plain(name: string): number | undefined;
}

export function readFigures(text: string): Figures {
  const samples = new Map<string, { labels: string; value: number }[]>();
  for (const line of text.split('\n')) {
    const [, name, labels = '', value] = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const known = samples.get(name) ?? [];
    known.push({ labels, value: Number(value) });
    samples.set(name, known);
  }
  return {
    sum: (name, labels = '') =>
      samples
        .get(name)
        ?.filter((sample) => sample.labels.includes(labels))
        .reduce((total, { value }) => total + value, 0),
    plain: (name) => samples.get(name)?.find(({ labels }) => labels === '')?.value,
  };
}
