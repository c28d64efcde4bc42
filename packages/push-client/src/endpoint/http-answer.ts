/** What a push endpoint answers, before it is written: status, headers and text (docs/push.md). Pure. */
import { type ErrorBody, ImError } from '@im/protocol';
import type { ReceiptSums } from '../receipt/push-receipts.js';
import type { PushAnswer } from '../wire.js';
import { httpStatus } from './http-status.js';
import type { BatchForm } from './parse-batch.js';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

const JSON_TYPE = { 'content-type': 'application/json' };

/** One push is answered with the status of its failure when nothing was published; several are answered with 200. */
export function pushAnswer(form: BatchForm, answers: readonly PushAnswer[]): HttpAnswer {
  if (form === 'lines') {
    const text = answers.map((answer) => `${JSON.stringify(answer)}\n`).join('');
    return { status: 200, headers: { 'content-type': 'application/x-ndjson' }, text };
  }
  if (form === 'array') return { status: 200, headers: JSON_TYPE, text: `${JSON.stringify(answers)}\n` };
  const [answer = { published: [], failed: {} }] = answers;
  const error = failureOf(answer);
  return {
    status: error === undefined ? 200 : httpStatus(error),
    headers: { ...JSON_TYPE, ...(error !== undefined && retryHeaders(error)) },
    text: `${JSON.stringify(answer)}\n`,
  };
}

export function receiptAnswer(sums: ReceiptSums): HttpAnswer {
  return { status: 200, headers: JSON_TYPE, text: `${JSON.stringify(sums)}\n` };
}

/** Another method was used. */
export function methodAnswer(method: 'GET' | 'POST'): HttpAnswer {
  const { headers, ...answer } = errorAnswer(new ImError('INVALID_ARGUMENT', { message: `use ${method}` }));
  return { ...answer, status: 405, headers: { ...headers, allow: method } };
}

/** An error of the whole request: nothing was published. */
export function errorAnswer(error: ImError): HttpAnswer {
  const status = httpStatus(error);
  return {
    status,
    headers: {
      ...JSON_TYPE,
      ...retryHeaders(error),
      ...(status === 401 && { 'www-authenticate': 'Bearer' }),
      // What is left of the request's body will not be read.
      connection: 'close',
    },
    text: `${JSON.stringify({ error: error.toBody() })}\n`,
  };
}

function failureOf(answer: PushAnswer): ErrorBody | undefined {
  if ('error' in answer) return answer.error;
  return answer.published.length === 0 ? Object.values(answer.failed)[0] : undefined;
}

/** Seconds, as HTTP has it. */
function retryHeaders({ retryable, details }: ErrorBody | ImError): Record<string, string> {
  if (!retryable) return {};
  const afterMs = Number(details?.retryAfterMs ?? 0);
  return { 'retry-after': String(Math.max(1, Math.ceil(afterMs / 1_000) || 1)) };
}
