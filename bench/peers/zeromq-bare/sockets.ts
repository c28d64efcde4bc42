/** Sockets of the bare chain: nothing is dropped at 1,024 calls in flight. */
import { Dealer, Router } from 'zeromq';

const LIMITS = { sendHighWaterMark: 10_000, receiveHighWaterMark: 10_000, linger: 0 } as const;

export function dealer(address: string): Dealer {
  const socket = new Dealer(LIMITS);
  socket.connect(address);
  return socket;
}

/** @returns it and the address with the port that was chosen */
export async function router(): Promise<{ socket: Router; address: string }> {
  const socket = new Router(LIMITS);
  await socket.bind('tcp://127.0.0.1:*');
  return { socket, address: socket.lastEndpoint ?? '' };
}
