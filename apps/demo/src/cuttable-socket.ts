/**
 * The browser's WebSocket with a knife: cuts the link under the SDK, and keeps it cut for a while, so that one can
 * watch it recover. The SDK knows nothing of it.
 */

let cutUntil = 0;
const open = new Set<WebSocket>();

export class CuttableSocket extends WebSocket {
  constructor(url: string | URL, protocols?: string | string[]) {
    super(url, protocols);
    open.add(this);
    this.addEventListener('close', () => open.delete(this));
    if (performance.now() < cutUntil) this.close();
  }
}

/** Breaks every open link and fails new ones for so long. */
export function cutFor(durationMs: number): void {
  cutUntil = performance.now() + durationMs;
  for (const socket of open) socket.close();
}
