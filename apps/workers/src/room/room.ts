/** Owns: what a room is, and who may act in it. Shared by all services whose calls name a room. */
import type { OnlineReader } from '@im/groups';
import { type CallerContext, EVERYONE, ImError, isName, roomGroup } from '@im/protocol';
import { z } from 'zod';
import { groupOf } from '../call.js';
import type { Audience } from './audience.js';

export const roomName = z.string().refine((room) => isName(room) && roomGroup(room) !== EVERYONE, {
  message: 'a room is [A-Za-z0-9_-]{1,64} and not 0',
});

export class Rooms {
  readonly #online: OnlineReader;
  readonly #audience: Audience;

  constructor(online: OnlineReader, audience: Audience) {
    this.#online = online;
    this.#audience = audience;
  }

  /** The room's group on the bus; its audience is watched from now on. */
  group(caller: CallerContext, room: string): string {
    const group = groupOf(caller, roomGroup(room));
    this.#audience.watch(group);
    return group;
  }

  /** The same, for those who are in it. @throws ImError FORBIDDEN */
  async groupOfMember(caller: CallerContext, room: string): Promise<string> {
    const group = this.group(caller, room);
    if (!(await this.#online.has(group, caller.user))) {
      throw new ImError('FORBIDDEN', { message: `you are not in room ${room}; enter it first` });
    }
    return group;
  }
}
