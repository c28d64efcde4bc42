/**
 * Group ids, lanes and bus topics: the grammar of DESIGN "Words".
 * Knows strings only; who is a member of what is @im/groups' business.
 */
import { ImError } from './im-error.js';

export type Lane = 'normal' | 'priority';

/** `[product/]kind:name`, parsed. */
export interface GroupId {
  readonly product: string | undefined;
  readonly kind: string;
  readonly name: string;
}

/** Everyone: every connection is a member from its welcome on. */
export const EVERYONE = 'r:0';

/** Longest legal group id in characters: product 16, `/`, kind 8, `:`, name 64. */
export const MAX_GROUP_ID_LENGTH = 90;

const GROUP = /^(?:([a-z][a-z0-9]{0,15})\/)?([a-z]{1,8}):([A-Za-z0-9_-]{1,64})$/;
const NAME = /^[A-Za-z0-9_-]{1,64}$/;
const PRODUCT = /^[a-z][a-z0-9]{0,15}$/;

export function isGroupId(text: string): boolean {
  return text.length <= MAX_GROUP_ID_LENGTH && GROUP.test(text);
}

/** True for what may stand as user, room, device or chat group name: `[A-Za-z0-9_-]{1,64}`. */
export function isName(text: string): boolean {
  return NAME.test(text);
}

export function isProduct(text: string): boolean {
  return PRODUCT.test(text);
}

/** @throws ImError GROUP_INVALID */
export function parseGroupId(text: string): GroupId {
  const match = text.length <= MAX_GROUP_ID_LENGTH ? GROUP.exec(text) : null;
  if (!match) throw notAGroup(text);
  return { product: match[1], kind: match[2] as string, name: match[3] as string };
}

/** `u:<user>`, checked. @throws ImError GROUP_INVALID */
export function userGroup(user: string): string {
  return checked(`u:${user}`);
}

/** `r:<room>`, checked. @throws ImError GROUP_INVALID */
export function roomGroup(room: string): string {
  return checked(`r:${room}`);
}

/** Puts a group under a product; a group without products stays as it is. */
export function withProduct(product: string | undefined, group: string): string {
  return product === undefined ? group : `${product}/${group}`;
}

/** The id as clients of its product see it. */
export function withoutProduct(group: string): string {
  const slash = group.indexOf('/');
  return slash < 0 ? group : group.slice(slash + 1);
}

const SUFFIX: Record<Lane, string> = { normal: '._', priority: '.n' };

/** Name on the bus: group plus lane suffix, `r:10000._` or `r:10000.n`. */
export function topicOf(group: string, lane: Lane): string {
  return group + SUFFIX[lane];
}

/** @throws ImError GROUP_INVALID for anything {@link topicOf} does not make */
export function parseTopic(topic: string): { group: string; lane: Lane } {
  const group = topic.slice(0, -2);
  const suffix = topic.slice(-2);
  if ((suffix === '._' || suffix === '.n') && isGroupId(group)) {
    return { group, lane: suffix === '.n' ? 'priority' : 'normal' };
  }
  throw new ImError('GROUP_INVALID', { message: `not a topic: ${JSON.stringify(topic.slice(0, 96))}` });
}

function checked(group: string): string {
  if (!isGroupId(group)) throw notAGroup(group);
  return group;
}

function notAGroup(text: string): ImError {
  return new ImError('GROUP_INVALID', {
    message: `not a group id: ${JSON.stringify(text.slice(0, MAX_GROUP_ID_LENGTH))}`,
  });
}
