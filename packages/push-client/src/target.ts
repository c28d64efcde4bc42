/** To whom a push goes: the five forms, as groups and as JSON. */
import { EVERYONE, ImError, isGroupId, roomGroup, userGroup } from '@im/protocol';
import { invalid } from './publication.js';
import { MAX_USERS } from './push-client.js';

export type Target =
  | { readonly user: string }
  | { readonly users: readonly string[] }
  | { readonly room: string }
  | { readonly group: string }
  | { readonly all: true };

/** The groups of a target, without product. @throws ImError GROUP_INVALID, INVALID_ARGUMENT */
export function groupsOf(target: Target): readonly string[] {
  if ('user' in target) return [userGroup(target.user)];
  if ('room' in target) return [roomGroup(target.room)];
  if ('group' in target) return [checkGroup(target.group)];
  if ('all' in target) return [EVERYONE];
  if (target.users.length === 0 || target.users.length > MAX_USERS) {
    throw invalid('users', `not 1 to ${MAX_USERS} users`);
  }
  return target.users.map(userGroup);
}

function checkGroup(group: string): string {
  if (isGroupId(group) && !group.includes('/')) return group;
  throw new ImError('GROUP_INVALID');
}
