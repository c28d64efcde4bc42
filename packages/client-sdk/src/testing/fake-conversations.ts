/**
 * The service `conversation` in memory, at a fake gateway: logs of two people and of groups, notices, read positions. It answers as
 * apps/workers/README.md says; roles and limits are not its concern.
 */
import { ImError } from '@im/protocol';
import type { Reach } from '../conversations/receipts.js';
import type { Entry, MessageData, Role, Summary } from '../conversations/service.js';
import type { FakeGateway } from './fake-gateway.js';
import type { FakeLink } from './fake-link.js';

interface OwnState {
  read: number;
  muted: boolean;
  forgotten: Set<number>;
}

interface ChatGroup {
  name: string;
  readonly members: Map<string, Role>;
}

type Input = Record<string, unknown>;

export class FakeConversations {
  readonly #gateway: FakeGateway;
  /** The two people of each direct conversation. */
  readonly #pairs = new Map<string, readonly [string, string]>();
  readonly #groups = new Map<string, ChatGroup>();
  readonly #own = new Map<string, OwnState>();
  /** What a key was answered, by user and key. */
  readonly #answers = new Map<string, unknown>();
  /** How far messages came, by conversation and version. */
  readonly #receipts = new Map<string, Reach & { readonly version: number }>();
  /** Added to, for each message. */
  now = 1_000;

  constructor(gateway: FakeGateway) {
    this.#gateway = gateway;
    const methods: Record<string, (user: string, input: Input, link: FakeLink, since: Input) => unknown> = {
      send: (user, input) => this.send(user, input),
      history: (user, input) => this.#history(user, input),
      list: (user, input) => this.#list(user, input),
      open: (user, input, link, since) => this.#open(user, input, link, since),
      read: (user, { conversation, version }) => this.read(user, String(conversation), Number(version)),
      mute: (user, { conversation, muted }) => {
        this.#of(user, String(conversation)).muted = muted === true;
        this.#tell(user, 'mute', { conversation, muted });
        return {};
      },
      takeBack: (user, { conversation, version }) => this.takeBack(user, String(conversation), Number(version)),
      forget: (user, { conversation, versions = [], upTo = 0 }) => {
        const { forgotten } = this.#of(user, String(conversation));
        for (const version of versions as number[]) forgotten.add(version);
        for (let version = 1; version <= Number(upTo); version++) forgotten.add(version);
        this.#tell(user, 'forget', { conversation, versions, upTo });
        return {};
      },
    };
    gateway.handle('receipt.of', ({ conversation, versions }) => ({
      receipts: (versions as number[]).flatMap(
        (version) => this.#receipts.get(`${String(conversation)} ${version}`) ?? [],
      ),
    }));
    for (const [name, method] of Object.entries(methods)) {
      gateway.handle(`conversation.${name}`, (input, { link, call }) => {
        const user = gateway.verify(link.hello?.token ?? '');
        const id = call.key && `${user} ${call.key}`;
        if (id !== undefined && this.#answers.has(id)) return this.#answers.get(id);
        const answer = method(user, input, link, call.since ?? {});
        if (id !== undefined) this.#answers.set(id, answer);
        return answer;
      });
    }
  }

  /** Messages of this person came so far. @param isTold false: nobody hears of it until they ask */
  receive(user: string, conversation: string, version: number, reach: Reach, isTold = true): void {
    this.#receipts.set(`${conversation} ${version}`, { version, ...reach });
    if (isTold) this.#tell(user, 'receipt', { receipts: [{ conversation, version, ...reach }] });
  }

  /** `d:<both>` */
  direct(user: string, peer: string): string {
    const pair = [user, peer].sort() as [string, string];
    const id = `d:${pair.join('-')}`;
    this.#pairs.set(id, pair);
    return id;
  }

  /** The first one owns it. */
  create(name: string, ...users: readonly string[]): string {
    const conversation = `g:${this.#gateway.next('group-')}`;
    const [owner = ''] = users;
    this.#groups.set(conversation, { name, members: new Map() });
    this.invite(owner, conversation, ...users);
    this.#group(conversation).members.set(owner, 'owner');
    return conversation;
  }

  invite(by: string, conversation: string, ...users: readonly string[]): void {
    const { members, name } = this.#group(conversation);
    for (const user of users) members.set(user, 'member');
    this.#append(conversation, 'members', { by: person(by), at: this.now++, added: users, name });
    for (const user of users)
      this.#notify([user], 'conversation', { conversation, change: 'added', name, by: person(by) });
  }

  remove(by: string, conversation: string, user: string): void {
    const { members, name } = this.#group(conversation);
    members.delete(user);
    this.#append(conversation, 'members', { by: person(by), at: this.now++, removed: [user] });
    this.#notify([user], 'conversation', { conversation, change: 'removed', name, by: person(by) });
    for (const link of this.#linksOf(user)) link.leave(conversation, { code: 204, reason: 'REMOVED' });
  }

  send(user: string, { to, conversation = this.direct(user, String(to)), text, receipt }: Input): unknown {
    const into = this.#member(user, String(conversation));
    const id = this.#gateway.next('m');
    const at = this.now++;
    const peer = this.#pairs.get(into)?.find((each) => each !== user);
    const version = this.#append(
      into,
      'message',
      {
        id,
        from: person(user),
        ...(peer !== undefined && { to: peer }),
        text,
        at,
        ...(receipt === true && { receipt }),
      },
      id,
    );
    return { id, conversation: into, version, at };
  }

  read(user: string, conversation: string, version: number): unknown {
    const own = this.#of(user, this.#member(user, conversation));
    own.read = Math.max(own.read, version);
    this.#tell(user, 'read', { conversation, read: own.read });
    return { read: own.read };
  }

  takeBack(user: string, conversation: string, of: number): unknown {
    const at = this.now++;
    return { version: this.#append(this.#member(user, conversation), 'taken-back', { of, by: person(user), at }) };
  }

  /** What this person sees of the log, in order. */
  entries(user: string, conversation: string): Entry[] {
    const all = this.#gateway.log(conversation).after(0);
    const takenBack = new Set(
      all.filter(({ event }) => event === 'taken-back').map(({ data }) => (data as { of: number }).of),
    );
    const { forgotten } = this.#of(user, conversation);
    return all
      .filter(({ version }) => !forgotten.has(version))
      .map(({ version, event, data }) => {
        const { text: _, ...rest } = data as MessageData;
        return { version, event, data: takenBack.has(version) ? { ...rest, takenBack: true } : data };
      });
  }

  summary(user: string, conversation: string): Summary {
    const { read: said, muted } = this.#of(user, conversation);
    const wrote = this.#gateway
      .log(conversation)
      .after(0)
      .filter(({ event, data }) => event === 'message' && (data as MessageData).from.user === user)
      .at(-1);
    const read = Math.max(said, wrote?.version ?? 0);
    const { epoch, version } = this.#gateway.log(conversation).head;
    const entries = this.entries(user, conversation);
    const last = entries.filter(({ event }) => event === 'message').at(-1);
    const unread = entries.filter((entry) => {
      const { from, takenBack } = entry.data as MessageData;
      return entry.event === 'message' && entry.version > read && from.user !== user && !takenBack;
    }).length;
    const peer = this.#pairs.get(conversation)?.find((each) => each !== user);
    const group = this.#groups.get(conversation);
    return {
      conversation,
      kind: group ? 'group' : 'direct',
      ...(peer !== undefined && { peer: { user: peer } }),
      ...(group && { name: group.name, members: group.members.size, role: group.members.get(user) ?? 'member' }),
      ...(last && { last }),
      at: (entries.at(-1)?.data as MessageData | undefined)?.at ?? 0,
      unread: Math.min(unread, 100),
      read,
      muted,
      epoch,
      version,
    };
  }

  #history(
    user: string,
    { with: peer, conversation = this.direct(user, String(peer)), before, after, limit }: Input,
  ): unknown {
    const from = this.#member(user, String(conversation));
    const { epoch, version: head } = this.#gateway.log(from).head;
    const size = Number(limit);
    const all = this.#gateway
      .log(from)
      .after(0)
      .map(({ version }) => version);
    const backward = all.filter((version) => version < Number(before ?? Number.MAX_SAFE_INTEGER)).reverse();
    const versions = (after === undefined ? backward : all.filter((version) => version > Number(after))).slice(0, size);
    const shown = this.entries(user, from);
    const end = versions.at(-1);
    const more = end !== undefined && (after === undefined ? end > 1 : end < head);
    return {
      conversation: from,
      entries: versions.flatMap((version) => shown.find((entry) => entry.version === version) ?? []),
      ...(more && (after === undefined ? { before: end } : { after: end })),
      epoch,
      version: head,
    };
  }

  #list(user: string, { limit, before }: Input): unknown {
    const mine = [
      ...[...this.#pairs].filter(([id, pair]) => pair.includes(user) && this.#gateway.log(id).head.version > 0),
      ...[...this.#groups].filter(([, { members }]) => members.has(user)),
    ];
    const all = mine.map(([id]) => this.summary(user, id)).sort((one, other) => other.at - one.at);
    const begin = Number(before ?? 0);
    const end = begin + Number(limit);
    return { conversations: all.slice(begin, end), ...(end < all.length && { before: String(end) }) };
  }

  #open(user: string, { conversations }: Input, link: FakeLink, since: Input): unknown {
    const mine = [...this.#groups].filter(([, { members }]) => members.has(user)).map(([id]) => id);
    const wanted = mine.filter((id) => !conversations || (conversations as string[]).includes(id));
    for (const id of wanted) if (!link.groups.has(id)) link.join(id, since[id] as never);
    return { conversations: wanted.map((conversation) => ({ conversation })) };
  }

  #append(conversation: string, event: string, data: object, id?: string): number {
    const pair = this.#pairs.get(conversation);
    if (!pair) {
      this.#gateway.publish(conversation, event, data, { lane: 'priority', ...(id !== undefined && { id }) });
      return this.#gateway.log(conversation).head.version;
    }
    const { version } = this.#gateway.log(conversation).append(event, data, { id });
    this.#notify(pair, event, { ...data, conversation, version });
    return version;
  }

  #notify(users: readonly string[], event: string, data: object): void {
    for (const user of users) this.#gateway.publish(`u:${user}`, event, data, { lane: 'priority' });
  }

  #tell(user: string, event: string, data: object): void {
    this.#gateway.publish(`u:${user}`, event, data);
  }

  #linksOf(user: string): FakeLink[] {
    return this.#gateway.links.filter(({ groups }) => groups.has(`u:${user}`));
  }

  #group(conversation: string): ChatGroup {
    const group = this.#groups.get(conversation);
    if (!group) throw ImError.application(1006, 'CONVERSATION_UNKNOWN', { message: 'none, or not yours' });
    return group;
  }

  /** @throws ImError CONVERSATION_UNKNOWN */
  #member(user: string, conversation: string): string {
    const isOne = this.#pairs.get(conversation)?.includes(user) ?? this.#group(conversation).members.has(user);
    if (!isOne) throw ImError.application(1006, 'CONVERSATION_UNKNOWN', { message: 'none, or not yours' });
    return conversation;
  }

  #of(user: string, conversation: string): OwnState {
    const key = `${user} ${conversation}`;
    const own = this.#own.get(key) ?? { read: 0, muted: false, forgotten: new Set() };
    this.#own.set(key, own);
    return own;
  }
}

const person = (user: string): { user: string; name: string } => ({ user, name: user.toUpperCase() });
