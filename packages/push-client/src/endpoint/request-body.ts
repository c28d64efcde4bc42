/** The body of an HTTP request, bounded in bytes and time. */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { ImError } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';

export interface BodyLimits {
  readonly maxBytes: number;
  /** From now until its last byte. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** Some begin their UTF-8 with it. */
const BYTE_ORDER_MARK = '\uFEFF';

/**
 * Text of the whole body.
 * @throws ImError BODY_TOO_LARGE as soon as it is, TIMEOUT, DISCONNECTED, MALFORMED when it is not UTF-8, INTERNAL when somebody else has
 * read it
 */
export async function readBody(request: IncomingMessage, { maxBytes, timeoutMs, clock }: BodyLimits): Promise<string> {
  const tooLarge = () => new ImError('BODY_TOO_LARGE', { details: { limitBytes: maxBytes } });
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
  if (request.readableEnded)
    throw new ImError('INTERNAL', { message: 'the body was read before the endpoint was asked' });
  if (request.destroyed) throw new ImError('DISCONNECTED');
  const body = await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const timer = clock.after(timeoutMs, () => refuse(new ImError('TIMEOUT')));
    const onData = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) refuse(tooLarge());
      else chunks.push(chunk);
    };
    const onGone = () => {
      if (!request.readableEnded) refuse(new ImError('DISCONNECTED'));
    };
    /** What still comes is not read: the connection will be closed. */
    function refuse(error: ImError): void {
      timer.cancel();
      request.off('data', onData).pause();
      reject(error);
    }
    request.on('data', onData).on('close', onGone).on('error', onGone);
    request.on('end', () => {
      timer.cancel();
      const [only] = chunks;
      resolve(only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks));
      // The listeners stay as long as the request.
      chunks.length = 0;
    });
  });
  if (!isUtf8(body)) throw new ImError('MALFORMED', { message: 'the body is not UTF-8' });
  const text = body.toString();
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
}
