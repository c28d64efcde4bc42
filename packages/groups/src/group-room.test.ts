import { FakeClock } from '@im/protocol/testing';
import { describe, expect, it } from 'vitest';
import { frameRoom, GroupRoom } from './group-room.js';

const FULL = { length: 1_000, bytes: 0 };

function setUp() {
  const clock = new FakeClock();
  const narrowed = new Set<GroupRoom>();
  return { clock, narrowed, room: new GroupRoom(frameRoom(1_000, 100_000), clock, narrowed) };
}

describe('the room of a group', () => {
  it('is full while frames are written in time, and after one that was not', () => {
    const { room, narrowed } = setUp();
    for (let i = 0; i < 3; i += 1) {
      room.overdue(FULL);
      expect(room.begin()).toEqual(frameRoom(1_000, 100_000));
      room.begin();
    }
    expect(narrowed.size).toBe(0);
  });

  it.each([
    ['of one frame that is overdue twice', (room: GroupRoom) => room.overdue(FULL)],
    ['of two frames that are overdue', (room: GroupRoom) => void [room.begin(), room.overdue(FULL)]],
  ])('shrinks because %s, what is for reserved messages does not', (_, again) => {
    const { room, narrowed } = setUp();
    room.overdue(FULL);
    again(room);
    expect(room.begin()).toEqual({ messages: 850, bytes: 85_000, reserved: { messages: 250, bytes: 25_000 } });
    expect([...narrowed]).toEqual([room]);
  });

  it('shrinks from what the frame had, in messages or bytes, to a twentieth', () => {
    const { room } = setUp();
    room.overdue(FULL);
    room.overdue({ length: 10, bytes: 50_000 });
    expect(room.now.messages).toBe(425);
    room.overdue({ length: 200, bytes: 0 });
    expect(room.now.messages).toBe(170);
    for (let i = 0; i < 40; i += 1) room.overdue(FULL);
    expect(room.now).toMatchObject({ messages: 50, bytes: 5_000 });
  });

  it('grows by a tenth of the whole a second, until it is full', () => {
    const { room, clock, narrowed } = setUp();
    for (let i = 0; i < 40; i += 1) room.overdue(FULL);
    clock.advance(1_000);
    expect(room.now.messages).toBe(150);
    clock.advance(8_000);
    expect(room.now.messages).toBe(950);
    clock.advance(1_000);
    expect(room.begin()).toEqual(frameRoom(1_000, 100_000));
    expect(narrowed.size).toBe(0);
  });
});
