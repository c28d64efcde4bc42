/**
 * docs/protocol.md as a client that comes back speaks it: every other viewer with its ticket and its positions, as all do that were asked to
 * move; the others anew, with calls that say what they have seen.
 */
import type { Dialect, DialectViewer } from '../dialect.js';

const HELLO_ID = 1;
/** Of a version, at most. */
const MAX_DIGITS = 16;
const VERSION = '"version":';

interface Position {
  readonly epoch: string;
  readonly version: number;
}

interface Message {
  readonly type: string;
  readonly afterMs?: number;
  readonly address?: string;
  readonly id?: number;
  readonly count?: number;
  readonly group?: string;
  readonly epoch?: string;
  readonly version?: number;
  readonly ticket?: string;
  readonly groups?: readonly { readonly group: string; readonly epoch: string; readonly version: number }[];
}

/** What a viewer keeps between its connections. */
interface Place {
  ticket: string | undefined;
  /** It was asked to move: it comes with its ticket. */
  isMoving: boolean;
  readonly positions: Map<string, Position>;
}

const places = new Map<number, Place>();

export const imReturning: Dialect = {
  path: '/',
  subprotocol: 'im.json.v1',
  opened(viewer) {
    const { ticket, isMoving, positions } = placeOf(viewer);
    const token = `viewer-${viewer.index}`;
    const back = ticket !== undefined &&
      (isMoving || comesWithTicket(viewer)) && { ticket, positions: Object.fromEntries(positions) };
    viewer.sendText(
      JSON.stringify({ type: 'hello', id: HELLO_ID, token, device: 'bench', platform: 'bench', ...back }),
    );
  },
  control(viewer, payload) {
    for (const line of payload.split('\n')) handle(viewer, JSON.parse(line) as Message);
  },
  messages(viewer, payload) {
    const version = lastVersion(payload);
    // Only one room is spoken in.
    const room = `r:${viewer.rooms[0]}`;
    const known = placeOf(viewer).positions.get(room);
    if (version !== undefined && known !== undefined) {
      placeOf(viewer).positions.set(room, { epoch: known.epoch, version });
    }
  },
  heartbeat: (viewer) => viewer.sendText('{"type":"ping"}'),
};

/** Of the messages in a payload. */
function lastVersion(payload: Buffer): number | undefined {
  const at = payload.lastIndexOf(VERSION);
  if (at < 0) return undefined;
  const from = at + VERSION.length;
  return Number.parseInt(payload.toString('latin1', from, from + MAX_DIGITS), 10);
}

function comesWithTicket({ index }: DialectViewer): boolean {
  return index % 2 === 0;
}

function placeOf({ index }: DialectViewer): Place {
  let place = places.get(index);
  if (place === undefined) {
    place = { ticket: undefined, isMoving: false, positions: new Map() };
    places.set(index, place);
  }
  return place;
}

function handle(viewer: DialectViewer, message: Message): void {
  const place = placeOf(viewer);
  if (message.ticket !== undefined) place.ticket = message.ticket;
  switch (message.type) {
    case 'welcome':
      welcome(viewer, place, message.groups ?? []);
      break;
    case 'joined':
    case 'reset':
      stand(place, message as { group: string } & Position);
      break;
    case 'reply':
      viewer.entered();
      break;
    case 'shed':
      viewer.shed(message.count ?? 0);
      break;
    case 'drain':
      place.isMoving = true;
      viewer.move(message.afterMs as number, message.address as string);
      break;
    case 'ping':
      viewer.sendText('{"type":"pong"}');
      break;
    case 'error':
      throw new Error(`refused: ${JSON.stringify(message)}`);
  }
}

function welcome(viewer: DialectViewer, place: Place, groups: NonNullable<Message['groups']>): void {
  const since = Object.fromEntries(place.positions);
  for (const each of groups) stand(place, each);
  const restored = new Set(groups.map(({ group }) => group));
  const calls = viewer.rooms.flatMap((room, i) => {
    if (!restored.has(`r:${room}`)) {
      return JSON.stringify({ type: 'call', id: HELLO_ID + 1 + i, method: 'bench.enter', data: { room }, since });
    }
    viewer.entered();
    return [];
  });
  if (calls.length > 0) viewer.sendText(calls.join('\n'));
}

function stand({ positions }: Place, { group, epoch, version }: { group: string } & Position): void {
  positions.set(group, { epoch, version });
}
