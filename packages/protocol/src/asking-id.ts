/**
 * Message ids that ask: whoever hands such a message to a client asks it to confirm soon that it has it (PR-140). The id is what every
 * log, bus and bridge keeps of a message as it is, so that the question is asked again wherever the message is replayed.
 */

const MARK = '?';

/** @param id at most 63 characters */
export function askingId(id: string): string {
  return MARK + id;
}

export function isAsking(id: string): boolean {
  return id.startsWith(MARK);
}

/** The id as its publisher gave it. */
export function askedId(id: string): string {
  return isAsking(id) ? id.slice(MARK.length) : id;
}
