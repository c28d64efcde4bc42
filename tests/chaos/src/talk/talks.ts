/** Who talks with whom. Groups are made over a good network. */
import { TalkLedger } from './talk-ledger.js';
import { Talker } from './talker.js';

export interface Talk {
  readonly name: string;
  readonly people: readonly string[];
  /** Of groups. */
  readonly group?: string;
}

const PEOPLE_PER_GROUP = 5;

/** Everybody with the next one. */
export function pairsOf(people: readonly string[]): Talk[] {
  return people.map((user, index) => {
    const pair = [user, people[(index + 1) % people.length] as string];
    return { name: pair.join(' and '), people: pair };
  });
}

/** Groups of neighbours. */
export async function groupsOf(
  people: readonly string[],
  gateways: readonly string[],
  jwtSecret: string,
): Promise<Talk[]> {
  const groups: Talk[] = [];
  const ledger = new TalkLedger();
  for (let at = 0; at < people.length; at += PEOPLE_PER_GROUP) {
    const members = people.slice(at, at + PEOPLE_PER_GROUP);
    const [owner = ''] = members;
    const urls = gateways.map((origin) => `${origin.replace('http', 'ws')}/im`);
    const founder = new Talker({
      ...{ user: owner, device: `founder-${at}`, urls, jwtSecret, traffic: { sent: 0, received: 0 } },
      book: ledger.openDevice(owner, []),
      onError: () => {},
    });
    const name = `group of ${owner}`;
    try {
      const data = { name, members: members.slice(1), history: 'all' };
      const { conversation } = (await founder.client.call('conversation.create', data, { key: `group-${at}` })) as {
        conversation: string;
      };
      groups.push({ name, people: members, group: conversation });
    } finally {
      founder.close();
    }
  }
  return groups;
}
