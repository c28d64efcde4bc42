/** What tests of rooms look at. */
import type { Room } from '../index.js';

/** Everything that a room tells, in order. */
export function listen(room: Room<Record<string, unknown>, unknown>): unknown[][] {
  const seen: unknown[][] = [];
  for (const event of ['chat', 'gift']) room.on(event, (data, { version }) => seen.push([event, data, version]));
  room.on('$left', ({ code, reason }) => seen.push(['$left', code, reason]));
  room.on('$shed', ({ count, reason }) => seen.push(['$shed', count, reason]));
  room.on('$recovered', ({ recovered, missed }) => seen.push(['$recovered', recovered, missed]));
  room.on('$entered', (data) => seen.push(['$entered', data]));
  return seen;
}
