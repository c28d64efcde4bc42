/** When groups of which kind have their frames, and what those have room for. Must not know groups, nor what is written. */
import { ImError } from '@im/protocol';
import type { FrameRoom } from './admission.js';
import { Beat } from './beat.js';
import type { FanOutSettings } from './fan-out-options.js';
import { frameRoom } from './group-room.js';
import type { Viewer } from './viewer.js';

export class GroupKinds<V extends Viewer> {
  /** Of groups whose kind has none of its own. */
  readonly usualBeat: Beat<V>;
  readonly #usualRoom: FrameRoom;
  readonly #beats = new Map<string, Beat<V>>();
  readonly #rooms = new Map<string, FrameRoom>();

  /**
   * @param onFrame it is time for the frames of a beat
   * @throws ImError INVALID_ARGUMENT
   */
  constructor(settings: FanOutSettings, onFrame: (beat: Beat<V>) => void) {
    const { clock, framesPerSecond, framesPerSecondByKind, messagesPerFrame, messagesPerFrameByKind } = settings;
    const beat = (frames: number): Beat<V> => new Beat(clock, checkedFrames(frames), onFrame);
    const room = (messages: number): FrameRoom => checkedRoom(messages, settings.bytesPerFrame);
    this.usualBeat = beat(framesPerSecond);
    this.#usualRoom = room(messagesPerFrame);
    for (const [kind, frames] of Object.entries(framesPerSecondByKind)) this.#beats.set(kind, beat(frames));
    for (const [kind, messages] of Object.entries(messagesPerFrameByKind)) this.#rooms.set(kind, room(messages));
  }

  of(group: string): { readonly beat: Beat<V>; readonly room: FrameRoom } {
    const kind = kindOf(group);
    return { beat: this.#beats.get(kind) ?? this.usualBeat, room: this.#rooms.get(kind) ?? this.#usualRoom };
  }

  /** All there are. */
  beats(): Beat<V>[] {
    return [this.usualBeat, ...this.#beats.values()];
  }
}

function checkedFrames(framesPerSecond: number): number {
  if (framesPerSecond >= 0 && framesPerSecond <= 1000) return framesPerSecond;
  throw new ImError('INVALID_ARGUMENT', { details: { argument: 'framesPerSecond', expected: '0 to 1000' } });
}

function checkedRoom(messages: number, bytes: number): FrameRoom {
  if (messages >= 1 && bytes >= 1) return frameRoom(messages, bytes);
  throw new ImError('INVALID_ARGUMENT', { details: { argument: 'messagesPerFrame', expected: 'at least 1' } });
}

/** `r` of `p1/r:10000`. */
function kindOf(group: string): string {
  return group.slice(group.indexOf('/') + 1, group.indexOf(':'));
}
