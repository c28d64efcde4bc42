/**
 * `message`: what one person writes to another. The conversation's log holds the messages; the logs of both people hold
 * notices of them, which is how every device learns of it, now or on return.
 */
import type { Publisher } from '@im/broadcast';
import { type CallerContext, isName, userGroup } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import { decodeJson, defineService, encodeJson, implementService, type ServedService } from '@im/rpc';
import type { LogReader } from '@im/timeline';
import { z } from 'zod';
import { applicationError } from '../application-errors.js';
import { callerOf, groupOf, messageIdOf, personOf } from '../call.js';
import { publishOnce } from '../publish-once.js';
import type { RateLimit } from '../rate-limit.js';
import { checkedText, rawText } from '../text.js';
import { conversationOf, MESSAGE_EVENT, type Message, message, messageAt, type StoredMessage } from './conversation.js';
import { recentConversations } from './recent-conversations.js';

const TEXT_RULES = { maxLength: 2_000, lineBreaks: 'kept' } as const;
/** Of the bodies of one page of history: what fits well into one reply. */
const PAGE_BYTES = 262_144;

const userId = z.string().refine(isName, { message: 'not a user id' });
const pageSize = z.int().min(1).max(100).default(50);

export const messageDefinition = defineService({
  name: 'message',
  methods: {
    send: {
      input: z.object({ to: userId, text: rawText }),
      output: z.object({ id: z.string(), conversation: z.string(), version: z.number(), at: z.number() }),
    },
    history: {
      input: z.object({ with: userId, before: z.int().min(1).optional(), limit: pageSize }),
      output: z.object({ conversation: z.string(), messages: z.array(message), before: z.number().optional() }),
      idempotent: true,
    },
    conversations: {
      input: z.object({ limit: pageSize }).default({ limit: 50 }),
      output: z.object({
        conversations: z.array(
          z.object({ peer: z.object({ user: z.string(), name: z.string().optional() }), last: message }),
        ),
      }),
      idempotent: true,
    },
  },
});

export interface MessageServiceOptions {
  readonly publisher: Publisher;
  readonly log: LogReader;
  readonly rate: RateLimit;
  readonly clock: Clock;
  readonly version: string;
}

export function createMessageService({ publisher, log, rate, clock, version }: MessageServiceOptions): ServedService {
  /** Tells both people. Settles when both notices are durable; what is missing a repeat of the call completes. */
  async function notify(caller: CallerContext, sent: Message): Promise<void> {
    const groups = [sent.to, sent.from.user].map((user) => groupOf(caller, userGroup(user)));
    const notice = {
      lane: 'priority',
      event: MESSAGE_EVENT,
      body: encodeJson(sent),
      id: sent.id,
      time: sent.at,
    } as const;
    const { failed } = await publisher.publishMany(groups, notice, { acknowledge: 'durable' });
    for (const error of failed.values()) throw error;
  }

  return implementService(
    messageDefinition,
    {
      async send({ to, text: raw }, context) {
        const caller = callerOf(context);
        if (to === caller.user) throw applicationError('MESSAGE_TO_SELF');
        const text = checkedText(raw, TEXT_RULES);
        const id = messageIdOf(context, caller, 'message.send');
        rate.take(caller);
        const conversation = conversationOf(caller.user, to);
        const at = clock.now();
        const written: StoredMessage = { id, from: personOf(caller), to, text, at };
        const stored = await publishOnce<StoredMessage>({ publisher, log }, groupOf(caller, conversation), {
          lane: 'priority',
          event: MESSAGE_EVENT,
          body: encodeJson(written),
          id,
          time: at,
        });
        const sent = messageAt(conversation, stored.version, stored.body);
        await notify(caller, sent);
        return { id, conversation, version: sent.version, at: sent.at };
      },

      async history({ with: peer, before = Number.MAX_SAFE_INTEGER, limit }, context) {
        const caller = callerOf(context);
        const conversation = conversationOf(caller.user, peer);
        const page = await log.read(groupOf(caller, conversation), { before, limit, maxBytes: PAGE_BYTES });
        const messages = page.entries.map((entry) =>
          messageAt(conversation, entry.version, decodeJson(entry.body) as StoredMessage),
        );
        const oldest = messages.at(-1)?.version;
        return { conversation, messages, before: oldest !== undefined && oldest > page.first ? oldest : undefined };
      },

      async conversations({ limit }, context) {
        const caller = callerOf(context);
        return {
          conversations: await recentConversations(log, groupOf(caller, userGroup(caller.user)), caller.user, limit),
        };
      },
    },
    { version },
  );
}
