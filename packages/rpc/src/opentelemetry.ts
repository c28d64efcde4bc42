/**
 * OpenTelemetry spans around calls, as middleware for both sides. Context travels as W3C `traceparent`; the application
 * brings SDK and exporter, this knows the API only. Attributes are those of the semantic conventions for RPC.
 */

import { ImError } from '@im/protocol';
import {
  type Context,
  context as contexts,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { CallerMiddleware, WorkerMiddleware } from './middleware/middleware.js';
import { withHeaders } from './middleware/middleware.js';
import { TRACE_HEADER } from './wire-values.js';

export interface TraceOptions {
  /** Default: the tracer `@im/rpc` of the globally registered provider. */
  readonly tracer?: Tracer | undefined;
}

/** https://www.w3.org/TR/trace-context/#traceparent-header */
const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;

/** A CLIENT span for each call, child of the call it is made within, else of the active span. */
export function traceCaller({ tracer = trace.getTracer('@im/rpc') }: TraceOptions = {}): CallerMiddleware {
  return (call, next) => {
    const { options, service, method } = call;
    const parent = contextOf(options.headers?.[TRACE_HEADER] ?? options.within?.headers[TRACE_HEADER]);
    const span = tracer.startSpan(`${service}/${method}`, describe(SpanKind.CLIENT, service, method), parent);
    const headers = { ...options.headers, [TRACE_HEADER]: traceparentOf(span.spanContext()) };
    return follow(span, parent, () => next({ ...call, options: { ...options, headers } }));
  };
}

/** A SERVER span for each call; calls made within it become its children. */
export function traceWorker({ tracer = trace.getTracer('@im/rpc') }: TraceOptions = {}): WorkerMiddleware {
  return (request, next) => {
    const { service, method, headers } = request;
    const parent = contextOf(headers[TRACE_HEADER]);
    const span = tracer.startSpan(`${service}/${method}`, describe(SpanKind.SERVER, service, method), parent);
    const inner = withHeaders(request, { ...headers, [TRACE_HEADER]: traceparentOf(span.spanContext()) });
    return follow(span, parent, () => next(inner));
  };
}

async function follow<Reply>(span: Span, parent: Context, run: () => Promise<Reply>): Promise<Reply> {
  try {
    return await contexts.with(trace.setSpan(parent, span), run);
  } catch (thrown) {
    const { name, code } = ImError.wrap(thrown);
    span.setAttributes({ 'error.type': name, 'rpc.im.error_code': code });
    span.setStatus({ code: SpanStatusCode.ERROR, message: name });
    throw thrown;
  } finally {
    span.end();
  }
}

function describe(kind: SpanKind, service: string, method: string) {
  return { kind, attributes: { 'rpc.system': 'im', 'rpc.service': service, 'rpc.method': method } };
}

/** The active context, with the remote parent if the header names one. */
function contextOf(header: unknown): Context {
  const active = contexts.active();
  const found = typeof header === 'string' ? TRACEPARENT.exec(header) : null;
  if (found === null) return active;
  const [, traceId = '', spanId = '', flags = '00'] = found;
  return trace.setSpanContext(active, { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true });
}

function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${(traceFlags & TraceFlags.SAMPLED) === 0 ? '00' : '01'}`;
}
