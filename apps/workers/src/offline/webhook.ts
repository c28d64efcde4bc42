/**
 * Tells a backend by HTTP: `POST` with a JSON body, signed so that the backend knows who says it and when. Redirects are not
 * followed, and answers not read. Must not know when to try again.
 */
import { createHmac } from 'node:crypto';
import { ImError } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import type { OfflineSink } from './offline-event.js';

export interface WebhookOptions {
  /** Without user and password: the signature says who tells it. */
  readonly url: string;
  /** At least 32 characters. */
  readonly secret: string;
  /** Of one attempt. Default 10,000. */
  readonly timeoutMs?: number;
  readonly clock: Clock;
}

export const SIGNATURE_HEADER = 'im-signature';
const MIN_SECRET = 32;
/** Answers that another attempt may change. */
const TRANSIENT = new Set([408, 425, 429]);

/** @throws ImError CONFIG_INVALID */
export function createWebhook({ url, secret, timeoutMs = 10_000, clock }: WebhookOptions): OfflineSink {
  if (secret.length < MIN_SECRET) throw invalid(`the secret of the webhook has less than ${MIN_SECRET} characters`);
  if (!URL.canParse(url)) throw invalid('the URL of the webhook is none');
  const parsed = new URL(url);
  if (!/^https?:$/.test(parsed.protocol)) throw invalid('the URL of the webhook is none of HTTP');
  if (parsed.username !== '' || parsed.password !== '')
    throw invalid('the URL of the webhook has a user or a password');
  return {
    name: 'webhook',
    async tell(event, closing) {
      const body = JSON.stringify(event);
      const time = Math.floor(clock.now() / 1_000);
      const attempt = new AbortController();
      const abort = () => attempt.abort();
      const timer = clock.after(timeoutMs, abort);
      // AbortSignal.any would have it remember each attempt for good.
      closing.addEventListener('abort', abort);
      if (closing.aborted) abort();
      const headers = {
        'content-type': 'application/json',
        'im-event-id': `${event.id}.${event.user}`,
        [SIGNATURE_HEADER]: `t=${time},v1=${signatureOf(secret, time, body)}`,
      };
      const { ok, status } = await post(url, { headers, body, signal: attempt.signal }).finally(() => {
        timer.cancel();
        closing.removeEventListener('abort', abort);
      });
      if (ok) return;
      const isTransient = status >= 500 || TRANSIENT.has(status);
      throw new ImError(isTransient ? 'UNAVAILABLE' : 'FORBIDDEN', { message: `the webhook answered ${status}` });
    },
  };
}

function invalid(mistake: string): ImError {
  return new ImError('CONFIG_INVALID', { message: mistake, details: { mistakes: [mistake] } });
}

/** @throws ImError UNAVAILABLE */
async function post(url: string, request: RequestInit): Promise<Pick<Response, 'ok' | 'status'>> {
  try {
    const response = await fetch(url, { method: 'POST', redirect: 'manual', ...request });
    await response.body?.cancel();
    return response;
  } catch (cause) {
    throw new ImError('UNAVAILABLE', { message: 'the webhook cannot be reached', cause });
  }
}

/** Hex of HMAC-SHA-256 of time, dot and body. @param time seconds since 1970 */
export function signatureOf(secret: string, time: number, body: string): string {
  return createHmac('sha256', secret).update(`${time}.${body}`).digest('hex');
}
