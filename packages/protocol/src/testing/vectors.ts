/** The golden vectors of `vectors/`, for the tests of every codec. Their README says what they mean. */
import commands from '../../vectors/commands.json' with { type: 'json' };
import frames from '../../vectors/frames.json' with { type: 'json' };
import messages from '../../vectors/messages.json' with { type: 'json' };
import refusedCommands from '../../vectors/refused-commands.json' with { type: 'json' };
import refusedMessages from '../../vectors/refused-messages.json' with { type: 'json' };

export interface Vector {
  readonly name: string;
  readonly sentences: readonly string[];
  readonly direction: 'to-gateway' | 'to-client';
  readonly frame?: string;
  readonly frameBase64?: string;
  readonly messages?: readonly Record<string, unknown>[];
  readonly dataText?: string;
  readonly decodeOnly?: boolean;
  readonly error?: { readonly code: number; readonly name: string; readonly id?: number; readonly field?: string };
}

const all: readonly unknown[] = [commands, frames, messages, refusedCommands, refusedMessages].flat();

export function vectorsTo(direction: Vector['direction']): Vector[] {
  return (all as Vector[]).filter((vector) => vector.direction === direction);
}

export function frameOf({ frame, frameBase64 }: Vector): Uint8Array {
  if (frameBase64 === undefined) return new TextEncoder().encode(frame);
  return Uint8Array.from(atob(frameBase64), (byte) => byte.charCodeAt(0));
}
