/** Private and group conversations: what the SDK knows of them, given to the views, and what is done there. Draws nothing itself. */
import type { Client } from '@im/client-sdk';
import {
  type Conversation,
  type Conversations,
  conversations,
  type EventLine,
  type MessageData,
  type Summary,
} from '@im/client-sdk/conversations';
import type { LiveApp } from './api.js';
import type { People } from './people.js';
import type { Identity } from './sign-in.js';
import { type Candidate, choosePeopleSheet } from './view/choose-people.js';
import { conversationsSheet, type Row } from './view/conversations.js';
import { groupSheet } from './view/group.js';
import type { Sheet } from './view/sheet.js';
import { talkSheet } from './view/talk.js';

export interface MessagesParts {
  readonly client: Client<LiveApp>;
  readonly me: Identity;
  readonly people: People;
  readonly sheet: Sheet;
  /** Who could be written to. */
  candidates(): Promise<readonly Candidate[]>;
  unread(count: number): void;
  /** Something did not work. */
  problem(what: string, error: unknown): void;
}

export class Messages {
  readonly #all: Conversations;

  constructor(private readonly parts: MessagesParts) {
    this.#all = conversations(parts.client);
    this.#all.on('change', () => parts.unread(this.#all.unread));
  }

  openList(): void {
    const { sheet } = this.parts;
    sheet.open(
      conversationsSheet({
        rows: () => (this.#all.loaded ? this.#all.list.map((summary) => this.#row(summary)) : undefined),
        hasMore: () => this.#all.hasMore,
        watch: (changed) => this.#all.on('change', changed),
        more: () => this.#try(this.#all.more(), 'Older conversations could not be loaded'),
        open: ({ conversation }) => this.#open(this.#all.open(conversation)),
        create: () => this.#create(),
      }),
    );
  }

  openWith(user: string): void {
    this.#open(this.#all.with(user), user);
  }

  #row(summary: Summary): Row {
    const { conversation, kind, last, at, unread, muted } = summary;
    return {
      conversation,
      title: this.parts.people.titleOf(summary),
      isGroup: kind === 'group',
      preview: last ? this.#preview(last.data as MessageData, kind === 'group') : 'Nothing was written yet',
      at,
      unread,
      muted,
    };
  }

  #preview({ from, text, takenBack }: MessageData, isGroup: boolean): string {
    const { me, people } = this.parts;
    people.meet(from.user, from.name);
    const who = from.user === me.user ? 'You: ' : isGroup ? `${from.name}: ` : '';
    return who + (takenBack ? 'taken back' : (text ?? ''));
  }

  #open(conversation: Conversation, user?: string): void {
    const { people, sheet } = this.parts;
    const title = (): string => {
      const { summary } = conversation;
      return summary ? people.titleOf(summary) : people.nameOf(user ?? '');
    };
    sheet.open(
      talkSheet({
        picture: () => {
          const { lines, state, hasOlder, hasNewer, summary } = conversation;
          people.meetIn(lines);
          return {
            title: title(),
            isGroup: summary?.kind === 'group',
            muted: summary?.muted ?? false,
            lines,
            state,
            hasOlder,
            hasNewer,
          };
        },
        watch: (changed) => {
          const offs = [conversation.on('change', changed), this.#all.on('change', changed)];
          return () => {
            for (const off of offs) off();
          };
        },
        load: (side) => conversation.load(side),
        latest: () => conversation.latest(),
        send: (text) => void conversation.send(text, { receipt: true }),
        seen: () => conversation.read(),
        mute: (muted) => this.#try(conversation.mute(muted), 'Not muted'),
        openGroup: () => this.#openGroup(conversation),
        describe: (line) => this.#describe(line),
        back: () => this.openList(),
        nameOf: (each) => people.nameOf(each),
        retry: ({ key }) => conversation.retry(key),
        discard: ({ key }) => conversation.discard(key),
        takeBack: ({ version = 0 }) => this.#try(conversation.takeBack(version), 'Not taken back'),
        forget: ({ version = 0 }) => this.#try(conversation.forget({ versions: [version] }), 'Not deleted'),
        mayTakeBack: (line) => !line.takenBack && (line.mine || this.#isAdmin(conversation)),
      }),
    );
  }

  #isAdmin({ summary }: Conversation): boolean {
    return summary?.role === 'owner' || summary?.role === 'admin';
  }

  #openGroup(conversation: Conversation): void {
    const { client, me, people, sheet } = this.parts;
    const { id, summary } = conversation;
    if (id === undefined || !summary) return;
    sheet.open(
      groupSheet({
        title: people.titleOf(summary),
        me: me.user,
        isAdmin: this.#isAdmin(conversation),
        load: async (cursor) => {
          const page = await client.call('conversation.members', {
            conversation: id,
            ...(cursor !== undefined && { cursor }),
          });
          return {
            people: page.members.map(({ user, name, role }) => ({ user, name: name ?? people.nameOf(user), role })),
            cursor: page.cursor,
          };
        },
        write: ({ user }) => this.openWith(user),
        remove: async ({ user, name }) => {
          const removed = client.call('conversation.remove', { conversation: id, user });
          this.#try(removed, `${name} not removed`);
          await removed;
        },
        invite: () => this.#invite(conversation, id),
        leave: () => {
          this.#try(client.call('conversation.leave', { conversation: id }), 'Not left');
          this.openList();
        },
        back: () => this.#open(conversation),
      }),
    );
  }

  #create(): void {
    const { client, sheet, candidates } = this.parts;
    sheet.open(
      choosePeopleSheet({
        title: 'New group',
        done: 'Create',
        named: true,
        candidates,
        choose: async (members, name) => {
          const key = crypto.randomUUID();
          const { conversation } = await client.call('conversation.create', { name, members }, { key });
          this.#open(this.#all.open(conversation));
        },
        back: () => this.openList(),
      }),
    );
  }

  #invite(conversation: Conversation, id: string): void {
    const { client, sheet, candidates } = this.parts;
    sheet.open(
      choosePeopleSheet({
        title: 'Invite',
        done: 'Invite',
        named: false,
        candidates,
        choose: async (users) => {
          await client.call('conversation.invite', { conversation: id, users });
          this.#openGroup(conversation);
        },
        back: () => this.#openGroup(conversation),
      }),
    );
  }

  #describe(line: EventLine): string {
    const { people } = this.parts;
    const by = line.data.by.name;
    if (line.event === 'renamed') return `${by} called the group “${line.data.name}”`;
    const { added, removed, left, role, name } = line.data;
    const named = (users: readonly string[]): string => users.map((user) => people.nameOf(user)).join(', ');
    if (name !== undefined) return `${by} created the group`;
    if (added) return `${by} added ${named(added)}`;
    if (removed) return `${by} removed ${named(removed)}`;
    if (left !== undefined) return `${people.nameOf(left)} left`;
    return role
      ? `${by} made ${people.nameOf(role.user)} ${role.role === 'member' ? 'a member' : `an ${role.role}`}`
      : '';
  }

  #try(promise: Promise<unknown>, what: string): void {
    promise.catch((error: unknown) => this.parts.problem(what, error));
  }
}
