/** The figures of a gateway, made once. Names and meanings are listed in the README. */
import { CLOSE_CODES, type CloseName } from '@im/protocol';
import type { Counter, Histogram, Metrics } from '@im/protocol/ports';
import type { RejectionReason } from './call/rejected-effects.js';
import type { DeflateMetrics } from './transport/ws/chunk-deflater.js';

const CALL_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const BACKLOG_BYTES = [1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304];
const REJECTIONS: readonly RejectionReason[] = [
  'overtaken',
  'cancelled',
  'timed-out',
  'disconnected',
  'too-many-groups',
];

export interface GatewayMetrics {
  readonly accepted: Counter;
  readonly resumed: Counter;
  readonly commands: Counter;
  readonly refusedCommands: Counter;
  readonly refusedHandshakes: Counter;
  readonly refusedHellos: Counter;
  readonly callSeconds: Histogram;
  readonly effectsRejected: Readonly<Record<RejectionReason, Counter>>;
  readonly backlogBytes: Histogram;
  readonly pulled: Counter;
  readonly lostVersions: Counter;
  readonly droppedPositions: Counter;
  readonly deflate: DeflateMetrics;
  closed(name: CloseName): void;
}

export function createGatewayMetrics(metrics: Metrics): GatewayMetrics {
  const labelled = <Name extends string>(name: string, help: string, label: string, values: readonly Name[]) =>
    Object.fromEntries(
      values.map((value) => [value, metrics.counter(name, { help, labels: { [label]: value } })]),
    ) as Record<Name, Counter>;
  const names = Object.keys(CLOSE_CODES) as CloseName[];
  const closed = labelled('im_gateway_closed_total', 'Connections closed by the gateway, by reason.', 'reason', names);
  return {
    accepted: metrics.counter('im_gateway_accepted_total', { help: 'Links accepted.' }),
    resumed: metrics.counter('im_gateway_resumed_total', { help: 'Sessions resumed.' }),
    commands: metrics.counter('im_gateway_commands_total', { help: 'Commands received.' }),
    refusedCommands: metrics.counter('im_gateway_commands_refused_total', {
      help: 'Commands refused for their rate, their number or their id.',
    }),
    refusedHandshakes: metrics.counter('im_gateway_handshakes_refused_total', {
      help: 'Connections that there was no room for: too many waited for their handshake.',
    }),
    refusedHellos: metrics.counter('im_gateway_hellos_refused_total', {
      help: 'Hellos that there was no room for: too many waited.',
    }),
    callSeconds: metrics.histogram('im_gateway_call_seconds', {
      help: 'From a call to its answer, in seconds.',
      buckets: CALL_SECONDS,
    }),
    effectsRejected: labelled(
      'im_gateway_effects_rejected_total',
      'Effects that were not carried out, by reason.',
      'reason',
      REJECTIONS,
    ),
    backlogBytes: metrics.histogram('im_gateway_backlog_bytes', {
      help: 'What a client had not confirmed when it did, and each second while it is late.',
      buckets: BACKLOG_BYTES,
    }),
    pulled: metrics.counter('im_gateway_versions_pulled_total', {
      help: 'Priority messages that had to be read from the log.',
    }),
    lostVersions: metrics.counter('im_gateway_versions_lost_total', {
      help: 'Priority messages that were in no log any more; viewers are told.',
    }),
    droppedPositions: metrics.counter('im_gateway_positions_dropped_total', {
      help: 'Positions of devices that were not told on, there being too many.',
    }),
    deflate: {
      inputBytes: metrics.counter('im_gateway_deflate_input_bytes_total', {
        help: 'Bytes of chunks that were deflated.',
      }),
      outputBytes: metrics.counter('im_gateway_deflate_output_bytes_total', { help: 'What became of them, in bytes.' }),
      skipped: metrics.counter('im_gateway_deflate_skipped_total', {
        help: 'Chunks sent as they were because deflating had had its share of the time.',
      }),
    },
    closed: (name) => closed[name].add(),
  };
}
