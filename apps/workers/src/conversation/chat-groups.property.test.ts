import fc from 'fast-check';
import { expect, it } from 'vitest';
import { holdsOfAnyTurns, persist } from '../faulty-stores-fixture.js';
import { type WorkerFixture, withKey } from '../worker-fixture.js';
import { conversationDefinition } from './conversation-definition.js';

const PEOPLE = ['ann', 'bob', 'cat', 'dan', 'eve'] as const;

const change = fc.record({
  by: fc.constantFrom(...PEOPLE),
  act: fc.constantFrom('invite', 'invite', 'leave', 'remove', 'admin', 'owner', 'member', 'rename'),
  users: fc.uniqueArray(fc.constantFrom(...PEOPLE), { minLength: 1, maxLength: 3 }),
});
type Change = typeof change extends fc.Arbitrary<infer Value> ? Value : never;

/** Made until it is answered; that it is refused is an answer. */
async function make(fixture: WorkerFixture, conversation: string, { by, act, users }: Change): Promise<void> {
  const person = fixture.as(conversationDefinition, by);
  const [user = 'ann'] = users;
  try {
    await persist((): Promise<unknown> => {
      if (act === 'invite') return person.invite({ conversation, users });
      if (act === 'leave') return person.leave({ conversation });
      if (act === 'remove') return person.remove({ conversation, user });
      if (act === 'rename') return person.rename({ conversation, name: `by ${by}` });
      return person.setRole({ conversation, user, role: act });
    });
  } catch (error) {
    expect(['FORBIDDEN', 'CONVERSATION_UNKNOWN', 'NOT_A_MEMBER']).toContain((error as Error).name);
  }
}

/** Who is in the group, and in which role, as its log tells it. */
async function toldBy(fixture: WorkerFixture, conversation: string): Promise<Map<string, string>> {
  const roles = new Map<string, string>();
  const { entries } = await fixture.log.read(conversation, { after: 0, limit: 1_000 });
  for (const { event, body } of entries) {
    if (event !== 'members') continue;
    const { added = [], removed = [], left, owner, role, by, name } = JSON.parse(new TextDecoder().decode(body));
    for (const user of added) {
      expect(roles.has(user), `${user} came twice`).toBe(false);
      roles.set(user, name !== undefined && user === by.user ? 'owner' : 'member');
    }
    for (const user of left === undefined ? removed : [left]) {
      expect(roles.delete(user), `${user} went without having been there`).toBe(true);
    }
    if (owner !== undefined) roles.set(owner, 'owner');
    if (role?.role === 'owner') roles.set(by.user, 'admin');
    if (role !== undefined) roles.set(role.user, role.role);
  }
  return roles;
}

/** The notices and kicks of one person, in order: in or out. */
async function noticesOf(fixture: WorkerFixture, user: string): Promise<readonly string[]> {
  const { entries } = await fixture.log.read(`u:${user}`, { after: 0, limit: 1_000 });
  return entries.map(({ event, body }) => {
    return event === '$kick' ? 'kicked' : (JSON.parse(new TextDecoder().decode(body)).change as string);
  });
}

async function check(fixture: WorkerFixture, conversation: string): Promise<void> {
  const told = await toldBy(fixture, conversation);
  const { records } = await fixture.records.page(conversation, { prefix: 'm.', limit: 100 });
  const members = new Map(
    records.map(({ field, body }) => [field.slice(2), JSON.parse(new TextDecoder().decode(body)).role as string]),
  );
  expect(Object.fromEntries(told)).toEqual(Object.fromEntries(members));
  expect([...members.values()].filter((role) => role === 'owner')).toHaveLength(members.size === 0 ? 0 : 1);
  for (const user of PEOPLE) {
    const { conversations } = await fixture.as(conversationDefinition, user).list();
    expect(conversations.map(({ members: count }) => count)).toEqual(members.has(user) ? [members.size] : []);
    const notices = await noticesOf(fixture, user);
    const comes = notices.filter((notice) => notice === 'added').length;
    const goes = notices.filter((notice) => notice === 'removed').length;
    expect(comes - goes).toBe(members.has(user) ? 1 : 0);
    expect(notices.filter((notice) => notice === 'kicked')).toHaveLength(goes);
    if (notices.length > 0) expect(notices.at(-1)).toBe(members.has(user) ? 'added' : 'kicked');
  }
}

it('has one story of who is in a group, told by its records, its log, everybody’s lists and notices, whatever is changed at once and fails', async () => {
  await holdsOfAnyTurns(change, 50, async (fixture, turns, turn) => {
    const founder = fixture.as(conversationDefinition, 'ann');
    turn(true);
    const input = { name: 'all', members: ['bob', 'cat'] };
    const { conversation } = await persist(() => founder.create(input, withKey('ann', 'create')));
    for (const changes of turns) await Promise.all(changes.map((each) => make(fixture, conversation, each)));
    turn(false);
    // What others' changes could not tell is told by the next call of anybody.
    await fixture.as(conversationDefinition, 'zoe').leave({ conversation });
    await check(fixture, conversation);
  });
});
