/** What came in as JSON, a push or a question for a receipt, handed to the client that carries it out. */
import type { Published, PublishedMany } from '@im/broadcast';
import type { PushClient, PushMessage, PushOptions } from './push-client.js';
import type { ReceiptSums } from './receipt/push-receipts.js';
import type { Target } from './target.js';
import type { PushRequest, ReceiptRequest } from './wire.js';

/** @throws ImError as the client does */
export async function sendPush(client: PushClient, { to, message, options }: PushRequest): Promise<PublishedMany> {
  if ('users' in to) return client.toUsers(to.users, message, options);
  return { published: [await sendToOne(client, to, message, options)], failed: new Map() };
}

/** How far a push has come, as it is told. @throws ImError as the client does */
export async function sendReceiptOf(client: PushClient, { id, product }: ReceiptRequest): Promise<ReceiptSums> {
  const { of, delivered } = await client.receiptOf(id, { product });
  return { of, delivered };
}

function sendToOne(
  client: PushClient,
  to: Exclude<Target, { readonly users: readonly string[] }>,
  message: PushMessage,
  options: PushOptions,
): Promise<Published> {
  if ('user' in to) return client.toUser(to.user, message, options);
  if ('room' in to) return client.toRoom(to.room, message, options);
  if ('group' in to) return client.toGroup(to.group, message, options);
  return client.toAll(message, options);
}
