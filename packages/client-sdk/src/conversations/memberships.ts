/**
 * The chat groups that this connection is a member of: joined by one call each session that was not resumed, and listened to. Must not know
 * what their entries mean.
 */
import { MAX_POSITIONS, type Position, type Positions } from '@im/protocol';
import type { CallOptions } from '../calls.js';
import type { Client } from '../client.js';
import type { Persistence } from './persistence.js';
import type { Entry, OpenedPage } from './service.js';

/** What has a version in the log of a group, as far as it is known here. */
const EVENTS = ['message', 'taken-back', 'members', 'renamed'] as const;

export interface Memberships {
  /** The connection is gone: what the next one says of the groups may be that it knows nothing of them. */
  rest(): void;
  /**
   * A session goes on.
   * @returns whether it is in all groups: a ticket from before they were joined does not bring them back
   */
  resume(): boolean;
  /**
   * A session begins: joins all groups, with what was missed since.
   * @returns false when it ended meanwhile
   * @throws CodedError what the service answers
   */
  begin(): Promise<boolean>;
  /** Somebody made this user a member. @throws CodedError */
  join(group: string): Promise<void>;
  listen(group: string): void;
  /** Up to where the log of the group was heard. */
  position(group: string): Position | undefined;
  close(): void;
}

export interface MembershipsPorts {
  readonly client: Client;
  readonly persistence: Persistence;
  onEntry(group: string, entry: Entry): void;
  /** What was told of it live has a hole: it goes on behind this position. */
  onHole(group: string, position: Position): void;
  onLeft(group: string): void;
}

export function createMemberships({ client, persistence, ...on }: MembershipsPorts): Memberships {
  const listening = new Map<string, () => void>();
  let session = 0;
  /** Until all are joined nobody knows which were left. */
  let isJoining = false;
  /** Where they stood when the last connection was lost: a session that is not resumed forgets it. */
  let since: Positions = {};

  const call = async (data: object, since?: () => Positions): Promise<OpenedPage> =>
    (await client.call('conversation.open', data, { ...(since && { since }) } satisfies CallOptions)) as OpenedPage;

  function listen(id: string): void {
    if (listening.has(id)) return;
    const group = client.group(id);
    const offs = [
      ...EVENTS.map((event) =>
        group.on(event, (data, { version }) => {
          if (version !== undefined) on.onEntry(id, { version, event, data });
        }),
      ),
      group.on('$recovered', ({ recovered }) => {
        if (!recovered && group.position) on.onHole(id, group.position);
      }),
      group.on('$left', () => {
        if (!isJoining) left(id);
      }),
    ];
    listening.set(id, () => {
      for (const off of offs) off();
    });
  }

  function left(id: string): void {
    listening.get(id)?.();
    listening.delete(id);
    on.onLeft(id);
  }

  function keepPositions(): void {
    const known: Record<string, Position> = {};
    for (const id of [...listening.keys()].slice(0, MAX_POSITIONS)) {
      const position = client.group(id).position ?? since[id];
      if (position) known[id] = position;
    }
    since = known;
  }

  function joined(): void {
    isJoining = false;
    since = {};
  }

  return {
    rest() {
      isJoining = true;
      keepPositions();
    },
    resume() {
      const isWhole = [...listening.keys()].every((id) => client.group(id).member);
      if (isWhole) joined();
      return isWhole;
    },
    async begin() {
      const mine = ++session;
      isJoining = true;
      keepPositions();
      let after: string | undefined;
      do {
        const page = await persistence.until(async () =>
          mine === session ? await call(after === undefined ? {} : { after }, () => since) : undefined,
        );
        // The gateway may answer it before the groups are joined for the call of a later session.
        if (!page || mine !== session) return false;
        for (const { conversation } of page.conversations) listen(conversation);
        ({ after } = page);
      } while (after !== undefined);
      joined();
      for (const id of [...listening.keys()]) if (!client.group(id).member) left(id);
      return true;
    },
    async join(id) {
      listen(id);
      await persistence.until(() => call({ conversations: [id] }));
    },
    listen,
    position: (id) => client.group(id).position,
    close() {
      session++;
      for (const off of listening.values()) off();
      listening.clear();
    },
  };
}
