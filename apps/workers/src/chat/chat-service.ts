/** `chat`: lines that everybody in the room sees. Normal lane: never stored, shed under pressure. */
import { randomUUID } from 'node:crypto';
import type { Publisher } from '@im/broadcast';
import type { Clock } from '@im/protocol/ports';
import { defineService, encodeJson, implementService, type ServedService } from '@im/rpc';
import { z } from 'zod';
import { callerOf, personOf, termsOf } from '../call.js';
import type { RateLimit } from '../rate-limit.js';
import { type Rooms, roomName } from '../room/room.js';
import { checkedText, rawText } from '../text.js';

export const CHAT_EVENT = 'chat';
const TEXT_RULES = { maxLength: 500, lineBreaks: 'spaces' } as const;

export const chatDefinition = defineService({
  name: 'chat',
  methods: {
    send: {
      input: z.object({ room: roomName, text: rawText }),
      output: z.object({ id: z.string(), at: z.number() }),
    },
  },
});

export interface ChatServiceOptions {
  readonly rooms: Rooms;
  readonly publisher: Publisher;
  readonly rate: RateLimit;
  readonly clock: Clock;
  readonly version: string;
}

export function createChatService({ rooms, publisher, rate, clock, version }: ChatServiceOptions): ServedService {
  return implementService(
    chatDefinition,
    {
      async send({ room, text: raw }, context) {
        const caller = callerOf(context);
        const text = checkedText(raw, TEXT_RULES);
        rate.take(caller);
        const group = await rooms.groupOfMember(caller, room);
        const id = randomUUID();
        const at = clock.now();
        const body = encodeJson({ id, from: personOf(caller), text, at });
        const terms = termsOf(caller);
        await publisher.publish(group, { lane: 'normal', event: CHAT_EVENT, body, id, time: at, terms });
        return { id, at };
      },
    },
    { version },
  );
}
