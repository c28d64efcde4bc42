/** The body of an HTTP request, bounded in bytes and time. */
import type { IncomingMessage } from 'node:http';
import { ImError } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';

export interface BodyLimits {
  readonly maxBytes: number;
  /** From now until its last byte. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/**
 * Text of the whole body.
 * @throws ImError BODY_TOO_LARGE as soon as it is, TIMEOUT, DISCONNECTED, MALFORMED when it is not UTF-8
 */
export async function readBody(request: IncomingMessage, { maxBytes, timeoutMs, clock }: BodyLimits): Promise<string> {
  const tooLarge = () => new ImError('BODY_TOO_LARGE', { details: { limitBytes: maxBytes } });
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
  const body = await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const timer = clock.after(timeoutMs, () => finish(() => reject(new ImError('TIMEOUT'))));
    const onData = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) finish(() => reject(tooLarge()));
      else chunks.push(chunk);
    };
    const onEnd = () => finish(() => resolve(Buffer.concat(chunks)));
    const onGone = () => finish(() => reject(new ImError('DISCONNECTED')));
    function finish(settle: () => void): void {
      timer.cancel();
      request.off('data', onData).off('end', onEnd).off('close', onGone).off('error', onGone).pause();
      settle();
    }
    request.on('data', onData).on('end', onEnd).on('close', onGone).on('error', onGone);
  });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (cause) {
    throw new ImError('MALFORMED', { message: 'the body is not UTF-8', cause });
  }
}
