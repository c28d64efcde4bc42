/**
 * Which cell is the home of a group: where its log is written and where it is published. Pure: all cells have the same rules,
 * so all say the same. Must not know how cells are reached.
 */
import { ImError } from '@im/protocol';
import { rendezvousOwner } from '../rendezvous.js';

export interface Homes {
  /** All that are named, each once. */
  readonly cells: readonly string[];
  homeOf(group: string): string;
}

interface Rule {
  readonly prefix: string;
  readonly isExact: boolean;
  /** One, or several among which groups are shared out by hash. */
  readonly cells: readonly string[];
}

const RULE = /^([A-Za-z0-9_/:-]*)(\*?)=([a-z][a-z0-9-]{0,31}(?:\|[a-z][a-z0-9-]{0,31})*)$/;
const MAX_RULES = 64;

export function isHomeRule(text: string): boolean {
  const [, prefix = '', star = ''] = RULE.exec(text) ?? [];
  return prefix + star !== '';
}

/**
 * `p1/*=b`: all groups of a product; `r:eu-*=b`: rooms without product whose names begin so; `u:ann=b`: one group; `u:*=a|b`:
 * shared out between two cells. The first that fits counts, and the last fits everything: `*=a`.
 * @throws ImError CONFIG_INVALID
 */
export function parseHomes(texts: readonly string[]): Homes {
  const wrong = texts.find((text) => !isHomeRule(text));
  if (wrong !== undefined) throw invalid(`not a rule such as r:eu-*=b: ${JSON.stringify(wrong)}`);
  if (texts.length > MAX_RULES) throw invalid(`more than ${MAX_RULES} rules`);
  const rules = texts.map((text): Rule => {
    const [, prefix = '', star = '', cells = ''] = RULE.exec(text) ?? [];
    return { prefix, isExact: star === '', cells: [...new Set(cells.split('|'))] };
  });
  const last = rules.at(-1);
  if (last === undefined || last.prefix !== '' || last.isExact) {
    throw invalid('the last rule must fit everything: *=<cell>. A group has one home, whoever asks');
  }
  return {
    cells: [...new Set(rules.flatMap(({ cells }) => cells))],
    homeOf(group) {
      const fits = ({ prefix, isExact }: Rule): boolean => (isExact ? group === prefix : group.startsWith(prefix));
      const { cells } = rules.find(fits) ?? last;
      return (cells.length === 1 ? cells[0] : rendezvousOwner(group, cells)) as string;
    },
  };
}

function invalid(message: string): ImError {
  return new ImError('CONFIG_INVALID', { message });
}
