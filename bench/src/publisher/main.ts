/**
 * The publisher process: makes messages at steady rates and hands them to a system from outside. When the system takes
 * them too slowly, those due meanwhile are made late, in one batch, and still bear the time they are made at.
 */
import type { Lane } from '@im/protocol';
import { readCorpus, type Said } from '../corpus.js';
import { obeyParent } from '../harness/obey-parent.js';
import { chatBody, messageBody } from '../message-body.js';
import type { PublisherCommand, PublisherReply, StartPublishing } from './publisher-command.js';
import { type Message, openSink } from './sink.js';

/** How often what is due is looked up, at most. */
const TICK_MS = 2;
/** Messages handed over at once, at most. */
const MAX_BATCH = 500;

const numbers: Record<Lane, number> = { normal: 0, priority: 0 };
let running: { stop: () => void; ended: Promise<void> } | undefined;

async function start({ target, rates, bodyBytes, corpus }: StartPublishing): Promise<void> {
  const sink = await openSink(target);
  const said = corpus === undefined ? undefined : readCorpus(corpus);
  const bodyOf = (lane: Lane, number: number): string =>
    said === undefined
      ? messageBody(lane, number, bodyBytes)
      : chatBody(lane, number, said[number % said.length] as Said);
  const startedAt = performance.now();
  const sent: Record<Lane, number> = { normal: 0, priority: 0 };
  let stopped = false;

  const due = (lane: Lane): Message[] => {
    const elapsed = (performance.now() - startedAt) / 1000;
    const count = Math.min(Math.floor(elapsed * rates[lane]) - sent[lane], MAX_BATCH);
    return Array.from({ length: count }, () => {
      sent[lane] += 1;
      numbers[lane] += 1;
      return { lane, body: bodyOf(lane, numbers[lane]) };
    });
  };
  const run = async (): Promise<void> => {
    while (!stopped) {
      const messages = [...due('normal'), ...due('priority')];
      if (messages.length > 0) await sink.send(messages);
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
    sink.close();
  };
  running = {
    stop: () => {
      stopped = true;
    },
    ended: run(),
  };
  // Told when it is stopped; meanwhile it must not end the process.
  running.ended.catch(() => {});
}

async function stop(): Promise<void> {
  running?.stop();
  await running?.ended;
  running = undefined;
}

obeyParent(async (command: PublisherCommand): Promise<PublisherReply> => {
  await (command.do === 'start' ? start(command) : stop());
  return { published: { ...numbers } };
});
