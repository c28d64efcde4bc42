import { ImError } from '@im/protocol';
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createMemoryRpc } from './memory/index.js';
import { wrapCaller, wrapService } from './middleware/middleware.js';
import { traceCaller, traceWorker } from './opentelemetry.js';
import type { RpcRequest, ServedService } from './rpc.js';

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const tracer = provider.getTracer('test');
const rpc = createMemoryRpc();
const worker = rpc.createWorker();
const caller = wrapCaller(rpc.createCaller(), [traceCaller({ tracer })]);
const nothing = new Uint8Array(0);

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});

afterEach(() => exporter.reset());

afterAll(async () => {
  context.disable();
  await rpc.close();
});

async function serve(name: string, handle: (request: RpcRequest) => Promise<Uint8Array>): Promise<void> {
  const service: ServedService = {
    name,
    version: '1',
    methods: ['do'],
    handle: async (request) => ({ body: await handle(request), headers: {} }),
  };
  await worker.serve(wrapService(service, [traceWorker({ tracer })]));
}

const spans = () => exporter.getFinishedSpans();
const spanOf = (name: string, kind: SpanKind) => spans().find((span) => span.name === name && span.kind === kind);

describe('spans of calls', () => {
  it('follow a call from the active span through caller and worker into nested calls', async () => {
    await serve('inner', async () => nothing);
    await serve('outer', async (request) => {
      await caller.call('inner', 'do', nothing, { within: request });
      return nothing;
    });
    const root = tracer.startSpan('root');
    await context.with(trace.setSpan(context.active(), root), () => caller.call('outer', 'do', nothing));
    root.end();
    const chain = [
      spanOf('outer/do', SpanKind.CLIENT),
      spanOf('outer/do', SpanKind.SERVER),
      spanOf('inner/do', SpanKind.CLIENT),
      spanOf('inner/do', SpanKind.SERVER),
    ];
    const parents = [root.spanContext().spanId, ...chain.slice(0, 3).map((span) => span?.spanContext().spanId)];
    expect(chain.map((span) => span?.parentSpanContext?.spanId)).toEqual(parents);
    expect(new Set(spans().map((span) => span.spanContext().traceId)).size).toBe(1);
    expect(chain[1]?.attributes).toEqual({ 'rpc.system': 'im', 'rpc.service': 'outer', 'rpc.method': 'do' });
  });

  it('let handlers see their own span as the active one', async () => {
    let active: string | undefined;
    await serve('curious', async () => {
      active = trace.getActiveSpan()?.spanContext().spanId;
      return nothing;
    });
    await caller.call('curious', 'do', nothing);
    expect(active).toBe(spanOf('curious/do', SpanKind.SERVER)?.spanContext().spanId);
  });

  it('say which error a call failed with', async () => {
    await serve('strict', async () => {
      throw new ImError('FORBIDDEN');
    });
    await expect(caller.call('strict', 'do', nothing)).rejects.toMatchObject({ name: 'FORBIDDEN' });
    for (const kind of [SpanKind.CLIENT, SpanKind.SERVER]) {
      expect(spanOf('strict/do', kind)).toMatchObject({
        status: { code: SpanStatusCode.ERROR, message: 'FORBIDDEN' },
        attributes: { 'error.type': 'FORBIDDEN', 'rpc.im.error_code': 203 },
      });
    }
  });

  it('begin a trace of their own when the header is no traceparent', async () => {
    await serve('lenient', async () => nothing);
    await rpc.createCaller().call('lenient', 'do', nothing, { headers: { traceparent: 'nonsense' } });
    expect(spanOf('lenient/do', SpanKind.SERVER)?.parentSpanContext).toBeUndefined();
  });
});
