/** Sends what was written into one conversation, one after the other, until each is stored or refused. Must not know what is shown. */
import { ownError } from '../errors.js';
import { createOutbox, type Outbox } from './outbox.js';
import type { Persistence } from './persistence.js';
import type { Sent } from './service.js';

const SEND_TIMEOUT_MS = 30_000;

export interface SendingPorts {
  readonly persistence: Persistence;
  /** @throws CodedError */
  call(method: string, data: object, options: { readonly key: string; readonly timeoutMs: number }): Promise<unknown>;
  /** To whom: a member of the call's data. */
  readonly to: object;
  newKey(): string;
  now(): number;
  /** The last version that is shown. */
  last(): number;
  onStored(sent: Sent, written: { readonly text: string; readonly receipt: boolean }): void;
  onChange(): void;
}

export interface Sending {
  readonly outbox: Outbox;
  /** @returns the key of the message @throws CodedError QUEUE_FULL */
  send(text: string, receipt: boolean): string;
  retry(key: string): void;
  discard(key: string): void;
}

export function createSending({ persistence, call, to, newKey, now, last, ...on }: SendingPorts): Sending {
  const outbox = createOutbox();

  async function flush(): Promise<void> {
    on.onChange();
    for (let item = outbox.begin(last()); item; item = outbox.begin(last())) {
      const { key, text, receipt } = item;
      const data = { ...to, text, ...(receipt && { receipt }) };
      const options = { key, timeoutMs: SEND_TIMEOUT_MS };
      try {
        const sent = (await persistence.until(() => call('conversation.send', data, options))) as Sent;
        on.onStored(sent, item);
      } catch (error) {
        outbox.refuse(error);
        on.onChange();
      }
    }
  }

  return {
    outbox,
    send(text, receipt) {
      const key = newKey();
      // As the service does, so that the stored copy is known again.
      if (!outbox.add({ key, text: text.trim(), receipt, at: now() })) throw ownError('QUEUE_FULL');
      void flush();
      return key;
    },
    retry(key) {
      // Under its old key it would get the answer that it got.
      outbox.retry(key, { key: newKey(), at: now() });
      void flush();
    },
    discard(key) {
      outbox.discard(key);
      on.onChange();
    },
  };
}
