/** Bodies of 100 bytes: JSON with the time of their making, so that whoever reads one knows how old it is. */

const BYTES = 100;

export const floodBody: Uint8Array = bodyAt(0);

/** @param madeAt milliseconds, on a clock that all processes of the host share */
export function bodyAt(madeAt: number): Uint8Array {
  const text = `{"at":${madeAt.toFixed(3)},"text":"`;
  return new TextEncoder().encode(`${text.padEnd(BYTES - 2, 'x')}"}`);
}

/** @returns when it was made; 0 for one of a flood */
export function madeAt(body: Uint8Array): number {
  const text = Buffer.from(body.buffer, body.byteOffset, 40).toString('latin1');
  return Number(/^\{"at":([\d.]+)/.exec(text)?.[1]);
}

/** The same in all processes of a host. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
