/** Types by which an app declares, once, what its groups push and what its calls take and give. Types only. */
import type { Missed, Push } from '@im/protocol';

/**
 * @example
 * interface MyApp {
 *   room: { chat: { from: string; text: string }; gift: { amount: number } };
 *   user: { message: { from: string; text: string } };
 *   calls: { 'chat.send'(input: { room: string; text: string }): { id: string } };
 * }
 * const client = createClient<MyApp>({ … });
 */
export interface Schema {
  /** Event bodies by name, of rooms. */
  room?: object;
  /** Of `u:<user>`. */
  user?: object;
  /** Of `r:0`. */
  everyone?: object;
  /** Methods by their names `service.method`. */
  calls?: object;
}

/** Events of the client itself on a group. Names that begin with `$` are never an app's. */
export interface GroupEvents {
  /** Out of the group; code 0: it was asked for. */
  $left: { readonly code: number; readonly reason: string };
  /** Normal messages that this client was not sent; without `count` it is unknown how many. */
  $shed: { readonly count?: number; readonly reason: string };
  /** Back in the group: all priority messages follow, or `missed` are lost. */
  $recovered: { readonly recovered: boolean; readonly missed?: Missed };
}

export interface RoomEvents<Entered> extends GroupEvents {
  /** The room was entered again by a call, after a reconnect that had not restored it: what the call answered. */
  $entered: Entered;
}

type Declared<S, Kind extends keyof Schema> = Kind extends keyof S ? (S[Kind] extends object ? S[Kind] : never) : never;

/** What was not declared takes any name and gives `unknown`. */
export type EventsOf<S, Kind extends keyof Schema> = [Declared<S, Kind>] extends [never]
  ? Record<string, unknown>
  : Declared<S, Kind>;

export type CallsOf<S> = [Declared<S, 'calls'>] extends [never]
  ? Record<string, (input?: unknown) => unknown>
  : Declared<S, 'calls'>;

export type Input<F> = F extends (input: infer I) => unknown ? I : unknown;
export type Output<F> = F extends (...input: never[]) => infer O ? O : unknown;

/** What `room.enter` answers, where it is declared. */
export type Entered<S> = CallsOf<S> extends { 'room.enter': infer F } ? Output<F> : unknown;

/** The message that brought an event: group, lane, version, id and time as the publisher gave them. */
export type Meta = Push<unknown>;

export interface Subscribe<Events, System> {
  /** Returns the function that takes this one subscription back. */
  <E extends keyof System & string>(event: E, listener: (data: System[E]) => void): () => void;
  <E extends keyof Events & string>(event: E, listener: (data: Events[E], meta: Meta) => void): () => void;
}
