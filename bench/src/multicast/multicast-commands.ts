/** What a parent tells the programs of a multicast, and their answers: one a command. */
import type { Lane } from '@im/protocol';

/** Users by their number. */
export function userNames(count: number): string[] {
  return Array.from({ length: count }, (_, number) => `${10_000 + number}`);
}

/** To every user, so many times; answered when all were acknowledged. */
export interface PushCommand {
  /** A push for each, or one for all. */
  readonly way: 'single' | 'many';
  readonly users: number;
  readonly lane: Lane;
  readonly bodyBytes: number;
  readonly rounds: number;
}

export type ReceiverCommand =
  /** Those users. Answered when they are in force. */
  | { readonly do: 'subscribe'; readonly users: number }
  /** Answered when so many messages have come since the last question. */
  | { readonly do: 'expect'; readonly messages: number };

export interface Done {
  readonly messages: number;
}
