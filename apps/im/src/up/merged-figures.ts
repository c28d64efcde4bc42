/** Owns: the figures of several processes as one Prometheus text, each with the process that it is of. Pure. */

interface Family {
  /** `# HELP` and `# TYPE`. */
  readonly head: readonly string[];
  readonly samples: string[];
}

/** Lines of one figure stay together, as the format wants it. @param texts Prometheus text by name of the process */
export function mergeFigures(texts: ReadonlyMap<string, string>): string {
  const families = new Map<string, Family>();
  for (const [process, text] of texts) {
    let head: string[] = [];
    let family: Family | undefined;
    for (const line of text.split('\n')) {
      const type = /^# TYPE (\S+) /.exec(line)?.[1];
      if (line.startsWith('# HELP ')) head = [line];
      else if (type !== undefined) {
        family = families.get(type) ?? { head: [...head, line], samples: [] };
        families.set(type, family);
      } else if (line !== '' && !line.startsWith('#')) family?.samples.push(withProcess(line, process));
    }
  }
  return [...families.values()].flatMap(({ head, samples }) => [...head, ...samples, '']).join('\n');
}

/** `name{a="b"} 1` → `name{process="…",a="b"} 1` */
function withProcess(sample: string, process: string): string {
  return sample.replace(/^([A-Za-z_:][\w:]*)(?:\{(.*)\})? /, (_, name: string, labels: string | undefined) => {
    return `${name}{process="${process}"${labels === undefined || labels === '' ? '' : `,${labels}`}} `;
  });
}
