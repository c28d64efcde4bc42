/** Owns: the calls of the service `conversation`, for those who make and those who answer them. README.md says the same to people. */
import { defineService } from '@im/rpc';
import { z } from 'zod';
import { rawText } from '../text.js';
import { conversationId, userId } from './conversation-id.js';
import { listCursor } from './list-cursor.js';
import { role } from './role.js';

/** People that one call brings into a chat group. */
const MAX_INVITED = 100;
/** Conversations that one `open` joins: more effects than these fit into no reply. */
export const MAX_OPENED = 50;
/** Single messages of one conversation that somebody has deleted for themselves. */
export const MAX_FORGOTTEN = 256;

const version = z.int().min(1);
const pageSize = z.int().min(1).max(100).default(50);
const people = z.array(userId).max(MAX_INVITED);
/** Somebody whose name is known once they have opened or written something. */
const member = z.object({ user: z.string(), name: z.string().optional(), role, since: z.number() });

const one = z.object({ conversation: conversationId });
/** A conversation by its id, or the one with somebody. */
const either = z.object({ conversation: conversationId.optional(), with: userId.optional() });
const named = (input: { conversation?: unknown; with?: unknown }): boolean =>
  (input.conversation === undefined) !== (input.with === undefined);

/** What has a version in a conversation: `data` is what a push of it carries, without the text of what was taken back. */
const entry = z.object({ version: z.number(), event: z.string(), data: z.unknown() });

const summary = z.object({
  conversation: z.string(),
  kind: z.enum(['direct', 'group']),
  /** Of a direct one. */
  peer: z.object({ user: z.string(), name: z.string().optional() }).optional(),
  /** These three of a group. */
  name: z.string().optional(),
  members: z.number().optional(),
  role: role.optional(),
  /** The latest message that is there for the caller. */
  last: entry.optional(),
  /** When something happened last, in milliseconds since 1970. */
  at: z.number(),
  /** Messages of others behind `read`, as far as 99; 100 stands for more. */
  unread: z.number(),
  read: z.number(),
  muted: z.boolean(),
  /** Where the conversation's log stands. */
  epoch: z.string(),
  version: z.number(),
});
export type Summary = z.infer<typeof summary>;

const opened = z.object({ conversation: z.string(), name: z.string(), members: z.number(), role });

/** Conversations that cannot be reached now, and are left out therefore. */
const unavailable = z.array(z.string()).optional();

export const conversationDefinition = defineService({
  name: 'conversation',
  methods: {
    send: {
      input: z
        .object({
          to: userId.optional(),
          conversation: conversationId.optional(),
          text: rawText,
          receipt: z.boolean().default(false),
        })
        .refine(({ to, conversation }) => (to === undefined) !== (conversation === undefined), {
          message: 'name either to or conversation',
        }),
      output: z.object({ id: z.string(), conversation: z.string(), version: z.number(), at: z.number() }),
    },
    history: {
      input: either
        .extend({ before: version.optional(), after: z.int().min(0).optional(), limit: pageSize })
        .refine(named, { message: 'name either conversation or with' })
        .refine(({ before, after }) => before === undefined || after === undefined, {
          message: 'either before or after',
        }),
      output: z.object({
        conversation: z.string(),
        entries: z.array(entry),
        before: z.number().optional(),
        after: z.number().optional(),
        epoch: z.string(),
        version: z.number(),
      }),
      idempotent: true,
    },
    list: {
      input: z.object({ before: listCursor.optional(), limit: pageSize }).default({ limit: 50 }),
      output: z.object({ conversations: z.array(summary), before: z.string().optional(), unavailable }),
      idempotent: true,
    },
    open: {
      input: z
        .object({ conversations: z.array(conversationId).max(MAX_OPENED).optional(), after: conversationId.optional() })
        .default({}),
      output: z.object({ conversations: z.array(opened), after: z.string().optional(), unavailable }),
      idempotent: true,
    },
    read: { input: one.extend({ version }), output: z.object({ read: z.number() }), idempotent: true },
    mute: { input: one.extend({ muted: z.boolean() }), output: z.object({}), idempotent: true },
    takeBack: { input: one.extend({ version }), output: z.object({ version: z.number() }), idempotent: true },
    forget: {
      input: one
        .extend({ versions: z.array(version).min(1).max(MAX_FORGOTTEN).optional(), upTo: version.optional() })
        .refine(({ versions, upTo }) => (versions === undefined) !== (upTo === undefined), {
          message: 'name either versions or upTo',
        }),
      output: z.object({}),
      idempotent: true,
    },
    create: {
      input: z.object({
        name: rawText,
        members: people.default([]),
        /** What new members see of what was said before them. */
        history: z.enum(['joined', 'all']).default('joined'),
      }),
      output: z.object({ conversation: z.string(), refused: z.array(z.string()) }),
    },
    invite: {
      input: one.extend({ users: people.min(1) }),
      output: z.object({ refused: z.array(z.string()) }),
      idempotent: true,
    },
    leave: { input: one, output: z.object({}), idempotent: true },
    remove: { input: one.extend({ user: userId }), output: z.object({}), idempotent: true },
    setRole: { input: one.extend({ user: userId, role }), output: z.object({}), idempotent: true },
    rename: { input: one.extend({ name: rawText }), output: z.object({}), idempotent: true },
    members: {
      input: one.extend({ cursor: userId.optional(), limit: pageSize }),
      output: z.object({ members: z.array(member), cursor: z.string().optional() }),
      idempotent: true,
    },
  },
});
