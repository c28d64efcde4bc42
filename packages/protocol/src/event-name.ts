/** The grammar of event names (PR-81). */

const EVENT_NAME = /^[A-Za-z$][A-Za-z0-9_.:-]{0,63}$/;

/** Whether the text may stand as `event` of a message; names beginning with `$` are the system's. */
export function isEventName(text: string): boolean {
  return EVENT_NAME.test(text);
}
