/** `gift`: what people give in a room. Priority lane: every gift has its place in the room's log, and none is given twice. */
import type { Publisher } from '@im/broadcast';
import type { Clock } from '@im/protocol/ports';
import { defineService, encodeJson, implementService, type ServedService } from '@im/rpc';
import type { LogReader } from '@im/timeline';
import { z } from 'zod';
import { applicationError } from '../application-errors.js';
import { callerOf, messageIdOf, type Person, personOf } from '../call.js';
import { publishOnce } from '../publish-once.js';
import type { RateLimit } from '../rate-limit.js';
import { type Rooms, roomName } from '../room/room.js';
import { GIFTS, type Gift } from './gift-catalogue.js';

export const GIFT_EVENT = 'gift';

export interface GiftBody extends Gift {
  readonly id: string;
  readonly from: Person;
  readonly count: number;
  readonly at: number;
}

export const giftDefinition = defineService({
  name: 'gift',
  methods: {
    catalogue: {
      input: z.object({}).optional(),
      output: z.object({
        gifts: z.array(z.object({ gift: z.string(), title: z.string(), icon: z.string(), value: z.number() })),
      }),
      idempotent: true,
    },
    send: {
      input: z.object({ room: roomName, gift: z.string().max(64), count: z.int().min(1).max(999).default(1) }),
      output: z.object({ id: z.string(), value: z.number(), at: z.number() }),
    },
  },
});

export interface GiftServiceOptions {
  readonly rooms: Rooms;
  readonly publisher: Publisher;
  readonly log: LogReader;
  readonly rate: RateLimit;
  readonly clock: Clock;
  readonly version: string;
}

export function createGiftService({ rooms, publisher, log, rate, clock, version }: GiftServiceOptions): ServedService {
  return implementService(
    giftDefinition,
    {
      catalogue: () => ({ gifts: [...GIFTS] }),

      async send({ room, gift: wanted, count }, context) {
        const caller = callerOf(context);
        const gift = GIFTS.find((one) => one.gift === wanted);
        if (gift === undefined) throw applicationError('GIFT_UNKNOWN', { gift: wanted });
        const id = messageIdOf(context, caller, 'gift.send');
        rate.take(caller);
        const group = await rooms.groupOfMember(caller, room);
        const at = clock.now();
        const given: GiftBody = { id, from: personOf(caller), ...gift, count, value: gift.value * count, at };
        const { body } = await publishOnce<GiftBody>({ publisher, log }, group, {
          lane: 'priority',
          event: GIFT_EVENT,
          body: encodeJson(given),
          id,
          time: at,
        });
        return { id, value: body.value, at: body.at };
      },
    },
    { version },
  );
}
