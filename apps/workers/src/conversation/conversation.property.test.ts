import fc from 'fast-check';
import { expect, it } from 'vitest';
import { holdsOfAnyTurns, persist } from '../faulty-stores-fixture.js';
import { type WorkerFixture, withKey } from '../worker-fixture.js';
import { conversationDefinition } from './conversation-definition.js';
import { directConversation } from './conversation-id.js';

const MEMBERS = ['ann', 'bob'] as const;

const step = fc.record({
  user: fc.constantFrom(...MEMBERS),
  act: fc.constantFrom('send', 'send', 'send', 'read', 'take back'),
  inGroup: fc.boolean(),
  /** Which version is meant. */
  at: fc.nat(1_000),
});
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** What was acknowledged. */
class Account {
  readonly sent = new Map<number, { readonly user: string; readonly text: string }>();
  readonly taken = new Set<number>();
  readonly read = new Map<string, number>();
}

class Talk {
  readonly accounts = new Map<string, Account>();
  #texts = 0;

  constructor(
    readonly fixture: WorkerFixture,
    readonly direct: string,
    readonly group: string,
  ) {
    for (const conversation of [direct, group]) this.accounts.set(conversation, new Account());
  }

  as(user: string) {
    return this.fixture.as(conversationDefinition, user);
  }

  async carryOut({ user, act, inGroup, at }: Step): Promise<void> {
    const conversation = inGroup ? this.group : this.direct;
    const { sent, taken, read } = this.accounts.get(conversation) as Account;
    if (act === 'send') {
      this.#texts += 1;
      const text = `text ${this.#texts}`;
      const to = inGroup ? { conversation } : { to: MEMBERS.find((each) => each !== user) as string };
      const { version } = await persist(() => this.as(user).send({ ...to, text }, withKey(user, text)));
      expect(sent.has(version), 'two messages of one version').toBe(false);
      sent.set(version, { user, text });
      return;
    }
    const versions = [...sent.keys()].filter((version) => act === 'read' || sent.get(version)?.user === user);
    const version = versions[at % versions.length];
    if (version === undefined) return;
    if (act === 'read') {
      const answer = await persist(() => this.as(user).read({ conversation, version }));
      read.set(user, Math.max(read.get(user) ?? 0, answer.read));
    } else {
      await persist(() => this.as(user).takeBack({ conversation, version }));
      taken.add(version);
    }
  }

  async check(): Promise<void> {
    for (const [conversation, account] of this.accounts) {
      const { sent, taken } = account;
      for (const user of MEMBERS) {
        const { entries, version: head } = await this.as(user).history({ conversation, after: 0, limit: 100 });
        expect(entries.map(({ version }) => version)).toEqual(Array.from({ length: head }, (_, index) => index + 1));
        const messages = entries.filter(({ event }) => event === 'message');
        expect(messages).toMatchObject(
          [...sent]
            .sort(([a], [b]) => a - b)
            .map(([version, { user: from, text }]) => ({
              version,
              data: { from: { user: from }, ...(taken.has(version) ? { takenBack: true } : { text }) },
            })),
        );
        expect(entries.filter(({ event }) => event === 'taken-back')).toHaveLength(taken.size);
        await this.#checkUnread(user, conversation, account);
      }
      await expect(this.as('cat').history({ conversation })).rejects.toMatchObject({ name: 'CONVERSATION_UNKNOWN' });
    }
    await this.#checkNotices();
  }

  async #checkUnread(user: string, conversation: string, { sent, taken, read }: Account): Promise<void> {
    const { conversations } = await this.as(user).list();
    const summary = conversations.find((each) => each.conversation === conversation);
    const own = [...sent].filter(([, message]) => message.user === user).map(([version]) => version);
    const position = Math.max(read.get(user) ?? 0, ...own);
    const unread = [...sent].filter(
      ([version, message]) => message.user !== user && version > position && !taken.has(version),
    );
    expect(summary?.unread ?? 0).toBe(unread.length);
    expect(summary?.last?.version).toBe(sent.size === 0 ? undefined : Math.max(...sent.keys()));
  }

  /** Of two people, each has each message once in the log of notices. */
  async #checkNotices(): Promise<void> {
    const { sent } = this.accounts.get(this.direct) as Account;
    for (const user of MEMBERS) {
      const { entries } = await this.fixture.log.read(`u:${user}`, { after: 0, limit: 1_000 });
      const noticed = entries
        .filter(({ event }) => event === 'message')
        .map(({ body }) => JSON.parse(new TextDecoder().decode(body)).version as number);
      expect(noticed.sort((a, b) => a - b)).toEqual([...sent.keys()].sort((a, b) => a - b));
    }
  }
}

it('stores each message once and counts right, whatever two people do at once, and though stores fail before or after they did', async () => {
  await holdsOfAnyTurns(step, 40, async (fixture, turns, turn) => {
    const ann = fixture.as(conversationDefinition, 'ann');
    const { conversation } = await ann.create({ name: 'two', members: ['bob'] }, withKey('ann', 'create'));
    const talk = new Talk(fixture, directConversation('ann', 'bob'), conversation);
    turn(true);
    for (const steps of turns) await Promise.all(steps.map((each) => talk.carryOut(each)));
    turn(false);
    if (talk.accounts.get(talk.direct)?.sent.size === 0)
      await talk.carryOut({ user: 'ann', act: 'send', inGroup: false, at: 0 });
    await talk.check();
  });
});
