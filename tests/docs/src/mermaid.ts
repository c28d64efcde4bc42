/**
 * Owns: whether a diagram is one that Mermaid draws, as far as its line grammar goes: a known kind, lines of that kind, everything
 * opened is closed, everybody who speaks is introduced. Pure.
 */

interface Kind {
  readonly lines: readonly RegExp[];
  /** Lines that open something until `end` or `}`. */
  readonly opens: RegExp;
  readonly closes: RegExp;
}

const NODE = '[\\w-]+(\\[[^\\]]+\\]|\\([^)]+\\)|\\{[^}]+\\})?';
const STATE = '(\\[\\*\\]|\\w+)';

const KINDS: Readonly<Record<string, Kind>> = {
  flowchart: {
    lines: [new RegExp(`^${NODE}( & ${NODE})*( (-->|---|-\\.->|==>)(\\|[^|]+\\|)? ${NODE}( & ${NODE})*)*$`)],
    opens: /^subgraph \w+( \[[^\]]+\])?$/,
    closes: /^end$/,
  },
  sequenceDiagram: {
    // A semicolon would end the message.
    lines: [
      /^(participant|actor) \w+( as [^;]+)?$/,
      /^\w+(->|-->|->>|-->>|-\)|--\)|-x|--x)[+-]?\w+: [^;]+$/,
      /^note (over|left of|right of) \w+(,\w+)?: [^;]+$/i,
      /^(else|and)( .+)?$/,
      /^(de)?activate \w+$/,
    ],
    opens: /^(loop|alt|opt|par|critical|break|rect)( .+)?$/,
    closes: /^end$/,
  },
  'stateDiagram-v2': {
    lines: [
      new RegExp(`^${STATE} --> ${STATE}(: [^:]+)?$`),
      /^direction (TB|BT|LR|RL)$/,
      /^state "[^"]+" as \w+$/,
      /^note (left|right) of \w+: [^:;]+$/,
    ],
    opens: /^state \w+ \{$/,
    closes: /^\}$/,
  },
};

/** @throws Error naming the line that is wrong */
export function proveDiagram(text: string): void {
  const [head = '', ...lines] = text.split('\n').map((line) => line.trim());
  const kind = KINDS[head.split(' ')[0] ?? ''];
  if (kind === undefined) {
    throw new Error(`"${head}" is none of ${Object.keys(KINDS).join(', ')}: teach tests/docs/src/mermaid.ts another`);
  }
  let open = 0;
  for (const line of lines.filter((line) => line !== '' && !line.startsWith('%%'))) {
    if (kind.opens.test(line)) open += 1;
    else if (kind.closes.test(line)) open -= 1;
    else if (!kind.lines.some((grammar) => grammar.test(line))) throw new Error(`not understood: ${line}`);
    if (open < 0) throw new Error(`closes what is not open: ${line}`);
  }
  if (open > 0) throw new Error('something is opened and not closed');
  if (head === 'sequenceDiagram') proveIntroduced(lines);
}

function proveIntroduced(lines: readonly string[]): void {
  const introduced = new Set(lines.map((line) => /^(?:participant|actor) (\w+)/.exec(line)?.[1]));
  for (const line of lines) {
    const [, from, to] = /^(\w+)-[->x)]+[+-]?(\w+):/.exec(line) ?? [];
    for (const name of [from, to]) {
      if (name !== undefined && !introduced.has(name)) throw new Error(`${name} is not introduced: ${line}`);
    }
  }
}
