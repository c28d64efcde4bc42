/** The golden vectors of `vectors/`, for the tests of every codec. Their README says what they mean. */
import { readdirSync, readFileSync } from 'node:fs';

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

const folder = new URL('../../vectors/', import.meta.url);

export function vectorsTo(direction: Vector['direction']): Vector[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .flatMap((file) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Vector[])
    .filter((vector) => vector.direction === direction);
}

export function frameOf({ frame, frameBase64 }: Vector): Uint8Array {
  return new Uint8Array(frameBase64 === undefined ? Buffer.from(frame ?? '') : Buffer.from(frameBase64, 'base64'));
}
