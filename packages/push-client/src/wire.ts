/**
 * The JSON of `POST /v1/push` and `GET /v1/receipts` (docs/push.md) for client and endpoint. Pure.
 * Members that nobody knows are refused: a misspelt `lane` must not become the normal one.
 */
import type { Acknowledgement, Published, PublishedMany } from '@im/broadcast';
import { type Conflation, type ErrorBody, ImError, type Lane, type Publication } from '@im/protocol';
import { invalid } from './publication.js';
import type { PushMessage, PushOptions } from './push-client.js';
import type { ReceiptSums } from './receipt/push-receipts.js';
import type { Target } from './target.js';

/** One push as it was asked for. */
export interface PushRequest {
  readonly to: Target;
  readonly message: PushMessage;
  readonly options: PushOptions;
}

/** A push whose receipt was asked for. */
export interface ReceiptRequest {
  readonly id: string;
  readonly product: string | undefined;
}

/** What became of a push, group by group. */
export interface PushOutcome {
  readonly published: readonly Published[];
  readonly failed: Readonly<Record<string, ErrorBody>>;
}

/** The answer to one push. */
export type PushAnswer = PushOutcome | { readonly error: ErrorBody };

const MEMBERS = new Set('to event data lane id sender reserved conflate acknowledge product receipt'.split(' '));
const MEMBERS_OF_RECEIPT = new Set(['id', 'product']);
const MEMBERS_OF_CONFLATE = new Set(['mode', 'key', 'amount']);
const decoder = new TextDecoder();

/**
 * The shape of a push; whether its values can be used, is for the push client to say.
 * @throws ImError INVALID_ARGUMENT with `details.field`
 */
export function parsePush(value: unknown): PushRequest {
  if (!isObject(value)) throw invalid('push', 'not an object');
  checkMembers(value, MEMBERS);
  return {
    to: parseTarget(value.to),
    message: {
      event: parseText(value.event, 'event') ?? '',
      data: value.data,
      lane: parseText(value.lane, 'lane') as Lane | undefined,
      id: parseText(value.id, 'id'),
      sender: parseText(value.sender, 'sender'),
      reserved: value.reserved as boolean | undefined,
      conflate: parseConflate(value.conflate),
    },
    options: {
      acknowledge: parseText(value.acknowledge, 'acknowledge') as Acknowledgement | undefined,
      product: parseText(value.product, 'product'),
      receipt: value.receipt as boolean | undefined,
    },
  };
}

/** @throws ImError INVALID_ARGUMENT with `details.field` */
export function parseReceiptOf(value: unknown): ReceiptRequest {
  if (!isObject(value)) throw invalid('receipt', 'not an object');
  checkMembers(value, MEMBERS_OF_RECEIPT);
  return { id: parseText(value.id, 'id') ?? '', product: parseText(value.product, 'product') };
}

/** The text of a push to one group or to users' groups. */
export function encodePush(to: Target, publication: Publication, options: PushOptions): string {
  const { acknowledge, product, receipt } = options;
  const { event, lane, id, terms, body } = publication;
  const asking = receipt ? { receipt } : undefined;
  const rest = JSON.stringify({ product, to, event, lane, id, ...terms, acknowledge, ...asking });
  return `${rest.slice(0, -1)},"data":${decoder.decode(body)}}`;
}

export function toOutcome({ published, failed }: PublishedMany): PushOutcome {
  const bodies = [...failed].map(([group, error]) => [group, ImError.wrap(error).toBody()] as const);
  return { published, failed: Object.fromEntries(bodies) };
}

/** What an endpoint answered; undefined when that is no answer of this interface. */
export function parseAnswer(text: string): PublishedMany | ImError | undefined {
  const answer = parseJson(text);
  if (!isObject(answer)) return undefined;
  if (isErrorBody(answer.error)) return ImError.from(answer.error);
  const { published, failed } = answer;
  if (!Array.isArray(published) || !published.every(isPublished) || !isObject(failed)) return undefined;
  const errors = Object.entries(failed).flatMap(([group, error]) =>
    isErrorBody(error) ? [[group, ImError.from(error)] as const] : [],
  );
  return { published, failed: new Map(errors) };
}

/** What an endpoint answered to whoever asked for a receipt; undefined when that is no such answer. */
export function parseReceipt(text: string): ReceiptSums | ImError | undefined {
  const answer = parseJson(text);
  if (isObject(answer) && isErrorBody(answer.error)) return ImError.from(answer.error);
  return isReceiptSums(answer) ? answer : undefined;
}

export function isReceiptSums(value: unknown): value is ReceiptSums {
  return isObject(value) && typeof value.of === 'number' && typeof value.delivered === 'number';
}

function parseTarget(to: unknown): Target {
  if (isObject(to) && isTarget(to)) return to;
  throw invalid('to', 'not one of {"user":…}, {"users":[…]}, {"room":…}, {"group":…}, {"all":true}');
}

function isTarget(to: Record<string, unknown>): to is Target & Record<string, unknown> {
  const [kind, another] = Object.keys(to);
  if (kind === undefined || another !== undefined) return false;
  const name = to[kind];
  if (kind === 'user' || kind === 'room' || kind === 'group') return typeof name === 'string';
  if (kind === 'users') return Array.isArray(name) && name.every((user) => typeof user === 'string');
  return kind === 'all' && name === true;
}

/** Its values are for the push client to check. */
function parseConflate(value: unknown): Conflation | undefined {
  if (isObject(value)) checkMembers(value, MEMBERS_OF_CONFLATE, 'conflate.');
  return value as Conflation | undefined;
}

function checkMembers(value: object, known: ReadonlySet<string>, path = ''): void {
  for (const member of Object.keys(value))
    if (!known.has(member)) throw invalid(path + member.slice(0, 64), 'not known');
}

/** Absent stays absent; null is not absence. */
function parseText(value: unknown, field: string): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw invalid(field, 'not a text');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isErrorBody(value: unknown): value is ErrorBody {
  return (
    isObject(value) &&
    typeof value.code === 'number' &&
    typeof value.name === 'string' &&
    typeof value.message === 'string' &&
    typeof value.retryable === 'boolean'
  );
}

function isPublished(value: unknown): value is Published {
  return isObject(value) && typeof value.group === 'string';
}
