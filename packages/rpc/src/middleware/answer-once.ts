/** Worker middleware that carries out the calls of one idempotency key once and repeats the answer. */
import { ImError } from '@im/protocol';
import { noMetrics } from '@im/protocol/ports';
import { abortError } from '../call-terms.js';
import type { RpcReply, RpcRequest } from '../rpc.js';
import { type Answer, KeptAnswers, type KeptAnswersOptions } from './kept-answers.js';
import type { WorkerMiddleware } from './middleware.js';

export interface AnswerOnceOptions extends KeptAnswersOptions {
  /**
   * The key under which the call is answered once; undefined for calls that are not. Keys count within one method. Put
   * in who calls as well, or one user is given the answer to another.
   */
  readonly keyOf: (request: RpcRequest) => string | undefined;
  /**
   * Whether an answer serves repeats of its call as well. One that does not is for its own call alone: a repeat is carried
   * out again, and must be harmless by itself. Default: all do.
   */
  readonly isRepeatable?: (reply: RpcReply) => boolean;
}

/**
 * A duplicate that comes while the first call runs waits for its outcome. Failures are repeated as well, except those
 * that are retryable and those of a call that was cancelled or ran out of time: they are forgotten, and a waiting
 * duplicate of a call that was given up is carried out itself. Figures: `im_rpc_repeated_answers_total`,
 * `im_rpc_kept_answers`, `im_rpc_kept_answer_bytes`, `im_rpc_displaced_answers_total`.
 */
export function answerOnce({
  keyOf,
  isRepeatable = () => true,
  metrics = noMetrics,
  ...options
}: AnswerOnceOptions): WorkerMiddleware {
  const answers = new KeptAnswers(metrics, options);
  /** Bounded by the concurrency of the services. */
  const running = new Map<string, Promise<Outcome>>();
  const repeated = metrics.counter('im_rpc_repeated_answers_total', { help: 'Calls given an earlier answer' });

  return async (request, next) => {
    const callersKey = keyOf(request);
    if (callersKey === undefined) return next(request);
    // Neither name has a space in it.
    const key = `${request.service} ${request.method} ${callersKey}`;

    for (let first = running.get(key); first !== undefined; first = running.get(key)) {
      const { givenUp, answer } = await orAborted(first, request.signal);
      if (givenUp || ('reply' in answer && !isRepeatable(answer.reply))) continue;
      repeated.add();
      return replyOf(answer);
    }
    const kept = answers.get(key);
    if (kept !== undefined) {
      repeated.add();
      return replyOf(kept);
    }

    const run = carryOut(request, next);
    running.set(key, run);
    const outcome = await run;
    // This is the first to await it, so duplicates that wait go on after the deletion.
    running.delete(key);
    if ('thrown' in outcome) {
      if (!outcome.givenUp && !outcome.answer.error.retryable) answers.keep(key, outcome.answer);
      throw outcome.thrown;
    }
    if (isRepeatable(outcome.answer.reply)) answers.keep(key, outcome.answer);
    return outcome.answer.reply;
  };
}

type Outcome =
  | { readonly givenUp: false; readonly answer: { readonly reply: RpcReply } }
  /** `thrown` as the handler threw it, for the engine to log. */
  | { readonly givenUp: boolean; readonly answer: { readonly error: ImError }; readonly thrown: unknown };

/** Never rejects. */
async function carryOut(request: RpcRequest, next: (request: RpcRequest) => Promise<RpcReply>): Promise<Outcome> {
  try {
    return { givenUp: false, answer: { reply: await next(request) } };
  } catch (thrown) {
    return { givenUp: request.signal.aborted, answer: { error: ImError.wrap(thrown) }, thrown };
  }
}

function replyOf(answer: Answer): RpcReply {
  if ('error' in answer) throw answer.error;
  return answer.reply;
}

/** Duplicates of a call that hangs leave with their own deadline, so that they do not fill the service's slots. */
async function orAborted(first: Promise<Outcome>, signal: AbortSignal): Promise<Outcome> {
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(abortError(signal, false));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop);
  });
  try {
    return await Promise.race([first, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
