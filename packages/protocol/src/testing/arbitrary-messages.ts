/** Arbitrary messages of the protocol, for the property tests of codecs. */
import fc from 'fast-check';
import type { ClientMessage, JoinedGroup, Position, ServerMessage } from '../messages.js';

const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const WORD = `${LOWER}${LOWER.toUpperCase()}0123456789_-`;
const VISIBLE = Array.from({ length: 94 }, (_, index) => String.fromCharCode(0x21 + index)).join('');

const of = (alphabet: string, minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength, maxLength });
const text = (maxLength: number) => fc.string({ unit: 'binary', maxLength });
const count = fc.maxSafeNat();
const id = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const name = of(WORD, 1, 64);
const group = fc.tuple(of(LOWER, 1, 8), name).map(([kind, rest]) => `${kind}:${rest}`);
const token = of(VISIBLE, 1, 64);
const part = fc.tuple(of(LOWER, 1, 1), of(WORD, 0, 63)).map((both) => both.join(''));
const event = fc.tuple(of(`${LOWER}$`, 1, 1), of(`${WORD}.:`, 0, 63)).map((both) => both.join(''));
const position: fc.Arbitrary<Position> = fc.record({ epoch: token, version: count });
const positions = fc.dictionary(group, position, { maxKeys: 128 });
/** As it comes out of a parser: no -0, no `__proto__` that turned into a prototype. */
const json = fc.jsonValue().map((value): unknown => JSON.parse(JSON.stringify(value)));

export const clientMessage: fc.Arbitrary<ClientMessage<unknown>> = fc.oneof(
  fc.record(
    {
      type: fc.constant('hello' as const),
      id,
      token: text(8_192),
      device: name,
      platform: of(LOWER, 1, 16),
      client: text(64),
      ticket: text(200),
      positions,
    },
    { requiredKeys: ['type', 'id', 'token', 'device', 'platform'] },
  ),
  fc.record(
    {
      type: fc.constant('call' as const),
      id,
      method: fc.tuple(part, part).map((parts) => parts.join('.')),
      data: json,
      since: positions,
      timeoutMs: id,
      key: token,
    },
    { requiredKeys: ['type', 'id', 'method'] },
  ),
  fc.record({ type: fc.constant('cancel' as const), call: id }),
  fc.record({
    type: fc.constant('sync' as const),
    id,
    group,
    epoch: token,
    after: count,
    limit: fc.integer({ min: 1, max: 1_000 }),
  }),
  fc.record({ type: fc.constant('ping' as const), positions }, { requiredKeys: ['type'] }),
  fc.record({ type: fc.constant('pong' as const) }),
);

const missed = fc.record({ epoch: token, after: count, upto: count }, { requiredKeys: ['after'] });
const joinedGroup: fc.Arbitrary<JoinedGroup> = fc.record(
  { group, epoch: token, version: count, recovered: fc.boolean(), missed },
  { requiredKeys: ['group', 'epoch', 'version'] },
);
const leftGroup = fc.record({ group, code: count, reason: text(100) });
const limits = fc.record({
  frameBytes: id,
  messagesPerFrame: id,
  pendingCalls: id,
  commandsPerSecond: id,
  groups: id,
  callTimeoutMs: id,
});

export const serverMessage: fc.Arbitrary<ServerMessage<unknown>> = fc.oneof(
  fc.record({
    type: fc.constant('welcome' as const),
    id,
    session: text(64),
    user: name,
    heartbeatMs: count,
    resumed: fc.boolean(),
    ticket: text(200),
    groups: fc.array(joinedGroup, { maxLength: 5 }),
    left: fc.array(leftGroup, { maxLength: 5 }),
    limits,
    time: count,
  }),
  fc.record({ type: fc.constant('reply' as const), id, data: json }, { requiredKeys: ['type', 'id'] }),
  fc.record(
    {
      type: fc.constant('error' as const),
      id,
      code: count,
      name: text(32),
      message: text(200),
      retryable: fc.boolean(),
      details: fc.dictionary(name, json),
    },
    { requiredKeys: ['type', 'code', 'name', 'message', 'retryable'] },
  ),
  fc.record(
    {
      type: fc.constant('push' as const),
      group,
      event,
      lane: fc.constant('priority' as const),
      version: count,
      id: text(64),
      time: count,
      conflated: id,
      key: text(64),
      sum: fc.maxSafeInteger(),
      confirm: fc.constant(true),
      data: json,
    },
    { requiredKeys: ['type', 'group', 'event'] },
  ),
  fc.record(
    { type: fc.constant('shed' as const), group, count: id, reason: text(20) },
    { requiredKeys: ['type', 'group', 'reason'] },
  ),
  joinedGroup.map((joined) => ({ type: 'joined' as const, ...joined })),
  joinedGroup.map((joined) => ({ type: 'reset' as const, ...joined })),
  leftGroup.map((left) => ({ type: 'left' as const, ...left })),
  fc.record({ type: fc.constant('synced' as const), id, group, epoch: token, version: count, more: fc.boolean() }),
  fc.record({ type: fc.constant('ticket' as const), ticket: text(200) }),
  fc.record(
    { type: fc.constant('drain' as const), afterMs: count, address: text(100), ticket: text(200) },
    { requiredKeys: ['type', 'afterMs'] },
  ),
  fc.record({ type: fc.constant('ping' as const) }),
  fc.record({ type: fc.constant('pong' as const) }),
);
