/** Owns: what a room is, and who may act in it. Shared by all services whose calls name a room. */
import type { OnlineReader } from '@im/groups';
import { type CallerContext, EVERYONE, ImError, isName, roomGroup } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import { z } from 'zod';
import { groupOf } from '../call.js';
import type { Audience } from './audience.js';

export const roomName = z.string().refine((room) => isName(room) && roomGroup(room) !== EVERYONE, {
  message: 'a room is [A-Za-z0-9_-]{1,64} and not 0',
});

export interface RoomsOptions {
  readonly online: OnlineReader;
  /** How long `online` may not know yet of somebody who has entered. */
  readonly onlineLagMs: number;
  readonly audience: Audience;
  readonly clock: Clock;
}

/** Between two looks for somebody who may just have entered. */
const LOOK_AGAIN_MS = 50;

export class Rooms {
  readonly #options: RoomsOptions;
  readonly #online: OnlineReader;
  readonly #audience: Audience;

  constructor(options: RoomsOptions) {
    this.#options = options;
    this.#online = options.online;
    this.#audience = options.audience;
  }

  /** How many are in it once the caller is. Its audience is watched from now on. */
  async countWith(caller: CallerContext, room: string): Promise<number> {
    const group = groupOf(caller, roomGroup(room));
    const [count, isThere] = await Promise.all([this.#online.count(group), this.#online.has(group, caller.user)]);
    this.#audience.watch(group);
    return isThere ? count : count + 1;
  }

  /** How many are in it. Rooms without anybody are not watched: names cost a caller nothing. */
  async count(caller: CallerContext, room: string): Promise<number> {
    const group = groupOf(caller, roomGroup(room));
    const count = await this.#online.count(group);
    if (count > 0) this.#audience.watch(group);
    return count;
  }

  /** The room's group on the bus, for those who are in it. @throws ImError FORBIDDEN */
  async groupOfMember(caller: CallerContext, room: string): Promise<string> {
    const group = groupOf(caller, roomGroup(room));
    if (!(await this.#isMember(group, caller.user))) {
      throw new ImError('FORBIDDEN', { message: `you are not in room ${room}; enter it first` });
    }
    this.#audience.watch(group);
    return group;
  }

  async #isMember(group: string, user: string): Promise<boolean> {
    const { clock, onlineLagMs } = this.#options;
    const until = clock.monotonic() + onlineLagMs;
    for (;;) {
      if (await this.#online.has(group, user)) return true;
      if (clock.monotonic() >= until) return false;
      await new Promise<void>((resolve) => clock.after(LOOK_AGAIN_MS, resolve));
    }
  }
}
