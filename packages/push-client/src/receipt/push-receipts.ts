/** Who counts the receipts of pushes: the interface, and what there is where nobody does. */
import { ImError } from '@im/protocol';

/** A push by its id, among those of its product. */
export interface PushName {
  readonly product: string | undefined;
  readonly id: string;
}

/** Where a push is in the log of a user. */
export type PushEntry = readonly [user: string, epoch: string, version: number];

export interface ReceiptSums {
  readonly of: number;
  readonly delivered: number;
}

/** All may be repeated. @throws by each, ImError RECEIPTS_UNSERVED, those of a call */
export interface PushReceipts {
  /** Before it is published: from then on nothing is lost that these users' devices confirm. */
  prepare(push: PushName, users: readonly string[]): Promise<void>;
  /** Once it is published. */
  ask(push: PushName, entries: readonly PushEntry[]): Promise<void>;
  /** @throws ImError RECEIPT_UNKNOWN */
  sums(push: PushName): Promise<ReceiptSums>;
}

const unserved = async (): Promise<never> => {
  throw new ImError('RECEIPTS_UNSERVED');
};

export const noReceipts: PushReceipts = { prepare: unserved, ask: unserved, sums: unserved };
