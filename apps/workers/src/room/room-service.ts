/** `room`: entering, leaving, who is there, likes, and moderators who remove people. */
import type { Publisher } from '@im/broadcast';
import type { OnlineReader } from '@im/groups';
import {
  type CallerContext,
  type Effect,
  ERROR_CODES,
  ImError,
  isName,
  KICK_EVENT,
  roomGroup,
  userGroup,
} from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import { defineService, encodeJson, implementService, type ServedService } from '@im/rpc';
import { z } from 'zod';
import { addEffects, callerOf, groupOf, MODERATOR, messageIdOf, personOf } from '../call.js';
import type { RateLimit } from '../rate-limit.js';
import { type Rooms, roomName } from './room.js';

export const LIKE_EVENT = 'like';

const inRoom = z.object({ room: roomName });

export const roomDefinition = defineService({
  name: 'room',
  methods: {
    enter: { input: inRoom, output: z.object({ room: z.string(), count: z.number() }), idempotent: true },
    leave: { input: inRoom, output: z.object({ room: z.string() }), idempotent: true },
    count: { input: inRoom, output: z.object({ room: z.string(), count: z.number() }), idempotent: true },
    members: {
      input: inRoom.extend({ cursor: z.string().max(256).optional(), limit: z.int().min(1).max(100).default(50) }),
      output: z.object({
        members: z.array(z.object({ user: z.string(), name: z.string(), since: z.number() })),
        cursor: z.string().optional(),
      }),
      idempotent: true,
    },
    like: { input: inRoom.extend({ count: z.int().min(1).max(100).default(1) }), output: z.object({}) },
    kick: {
      input: inRoom.extend({
        user: z.string().refine(isName, { message: 'not a user id' }),
        reason: z.string().max(100).default('removed by a moderator'),
      }),
      output: z.object({}),
    },
  },
});

export interface RoomServiceOptions {
  readonly rooms: Rooms;
  readonly online: OnlineReader;
  readonly publisher: Publisher;
  readonly likeRate: RateLimit;
  readonly clock: Clock;
  readonly version: string;
}

export function createRoomService({
  rooms,
  online,
  publisher,
  likeRate,
  clock,
  version,
}: RoomServiceOptions): ServedService {
  return implementService(
    roomDefinition,
    {
      async enter({ room }, context) {
        const caller = callerOf(context);
        const count = await rooms.countWith(caller, room);
        addEffects(context, ...shownName(caller), { type: 'join', group: roomGroup(room) });
        return { room, count };
      },

      leave({ room }, context) {
        callerOf(context);
        addEffects(context, { type: 'leave', group: roomGroup(room) });
        return { room };
      },

      async count({ room }, context) {
        return { room, count: await rooms.count(callerOf(context), room) };
      },

      async members({ room, cursor, limit }, context) {
        const group = await rooms.groupOfMember(callerOf(context), room);
        const page = await online.page(group, { limit, ...(cursor !== undefined && { cursor }) });
        const members = page.members.map(({ user, attributes, sinceMs }) => ({
          user,
          name: typeof attributes.name === 'string' ? attributes.name : user,
          since: sinceMs,
        }));
        return { members, cursor: page.cursor };
      },

      async like({ room, count }, context) {
        const caller = callerOf(context);
        likeRate.take(caller);
        const group = await rooms.groupOfMember(caller, room);
        const body = encodeJson({ user: caller.user, count });
        const id = context.idempotencyKey === undefined ? undefined : messageIdOf(context, caller, 'room.like');
        await publisher.publish(group, {
          ...{ lane: 'normal', event: LIKE_EVENT, body, time: clock.now() },
          ...(id !== undefined && { id }),
          // A thousand hearts of one moment are one push with their total; a call that is repeated adds nothing.
          terms: { conflate: { mode: 'sum', key: LIKE_EVENT, amount: count } },
        });
        return {};
      },

      async kick({ room, user, reason }, context) {
        const caller = callerOf(context);
        if (caller.claims.role !== MODERATOR)
          throw new ImError('FORBIDDEN', { message: 'only moderators remove people' });
        const effect: Effect = { type: 'kick', group: roomGroup(room), code: ERROR_CODES.KICKED.code, reason };
        await publisher.publish(
          groupOf(caller, userGroup(user)),
          { lane: 'priority', event: KICK_EVENT, body: encodeJson(effect), time: clock.now() },
          { acknowledge: 'durable' },
        );
        return {};
      },
    },
    { version },
  );
}

/** Online lists show attributes: the name goes there once, with the first room. */
function shownName(caller: CallerContext): readonly Effect[] {
  const { name } = personOf(caller);
  return caller.attributes.name === name ? [] : [{ type: 'set', attributes: { name } }];
}
