/** Owns: priority messages that a repeated call must not send twice. */
import type { Publisher } from '@im/broadcast';
import { ImError, type Publication } from '@im/protocol';
import { decodeJson } from '@im/rpc';
import type { LogReader } from '@im/timeline';

export interface OncePublished<Body> {
  readonly epoch: string;
  readonly version: number;
  /** Whether an earlier call published it. */
  readonly duplicate: boolean;
  /** What stands in the log: the first call's, whatever a repeat said. */
  readonly body: Body;
}

/**
 * Publishes durably, once per message id; a repeat gives what the first call published.
 * @throws ImError as Publisher.publish, LogReader.read
 */
export async function publishOnce<Body>(
  { publisher, log }: { readonly publisher: Publisher; readonly log: LogReader },
  group: string,
  publication: Publication & { readonly lane: 'priority'; readonly id: string },
): Promise<OncePublished<Body>> {
  const {
    epoch = '',
    version,
    duplicate = false,
  } = await publisher.publish(group, publication, { acknowledge: 'durable' });
  if (version === undefined) throw new ImError('INTERNAL', { message: 'a durable publish gave no version' });
  if (!duplicate) return { epoch, version, duplicate, body: decodeJson(publication.body) as Body };
  const page = await log.read(group, { after: version - 1, limit: 1 });
  // Absent only if it was trimmed between the two; what this call says is then as good.
  const first = page.entries.find((entry) => entry.version === version) ?? publication;
  return { epoch, version, duplicate, body: decodeJson(first.body) as Body };
}
