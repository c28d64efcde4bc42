import { describe, expect, it } from 'vitest';
import { createFakeClock } from '../fake-clock.js';
import { createMetrics } from './metrics.js';
import { recordProcessFigures } from './process-figures.js';

describe('metrics', () => {
  it('are rendered as Prometheus text', () => {
    const metrics = createMetrics();
    const chat = metrics.counter('im_x_messages', { help: 'Messages.', labels: { lane: 'normal', kind: 'r' } });
    metrics.counter('im_x_messages', { help: 'Messages.', labels: { lane: 'priority' } }).add();
    chat.add();
    chat.add(41);
    metrics.gauge('im_x_connections', { help: 'Open.' }).set(7);
    metrics.observe('im_x_heap_bytes', { help: 'Asked for.' }, () => 5);
    expect(metrics.render()).toContain(
      [
        '# HELP im_x_messages Messages.',
        '# TYPE im_x_messages counter',
        'im_x_messages{kind="r",lane="normal"} 42',
        'im_x_messages{lane="priority"} 1',
        '# HELP im_x_connections Open.',
        '# TYPE im_x_connections gauge',
        'im_x_connections 7',
        '# HELP im_x_heap_bytes Asked for.',
        '# TYPE im_x_heap_bytes gauge',
        'im_x_heap_bytes 5',
        '',
      ].join('\n'),
    );
  });

  it('count a histogram value in every bucket that holds it', () => {
    const metrics = createMetrics();
    const histogram = metrics.histogram('im_x_wait_seconds', { help: 'Wait.', buckets: [0.1, 1], labels: { s: 'a' } });
    for (const value of [0.1, 0.5, 3]) histogram.observe(value);
    expect(metrics.render()).toContain(
      [
        'im_x_wait_seconds_bucket{s="a",le="0.1"} 1',
        'im_x_wait_seconds_bucket{s="a",le="1"} 2',
        'im_x_wait_seconds_bucket{s="a",le="+Inf"} 3',
        'im_x_wait_seconds_sum{s="a"} 3.6',
        'im_x_wait_seconds_count{s="a"} 3',
      ].join('\n'),
    );
  });

  it('give the same handle for the same name and labels, in any order of labels', () => {
    const metrics = createMetrics();
    const one = metrics.counter('im_x', { help: 'X.', labels: { a: '1', b: '2' } });
    expect(metrics.counter('im_x', { help: 'X.', labels: { b: '2', a: '1' } })).toBe(one);
  });

  it('add up several readers of one series, and survive one that throws', () => {
    const metrics = createMetrics();
    metrics.observe('im_sum', { help: 'S.' }, () => 2);
    metrics.observe('im_sum', { help: 'S.' }, () => 3);
    metrics.observe('im_broken', { help: 'B.' }, () => {
      throw new Error('gone');
    });
    expect(metrics.render()).toContain('\nim_sum 5\n');
    expect(metrics.render()).toContain('\nim_broken NaN\n');
  });

  it('escape labels and help', () => {
    const metrics = createMetrics();
    metrics.gauge('im_x', { help: 'a\\b\nc', labels: { l: 'q"\\\n' } }).set(1);
    expect(metrics.render()).toContain('# HELP im_x a\\\\b\\nc\n');
    expect(metrics.render()).toContain('im_x{l="q\\"\\\\\\n"} 1');
  });

  it('refuse names that Prometheus refuses, two types of one name, and buckets out of order', () => {
    const metrics = createMetrics();
    metrics.counter('im_x', { help: 'X.' });
    expect(() => metrics.gauge('im_x', { help: 'X.' })).toThrow(TypeError);
    expect(() => metrics.gauge('im_x', { help: 'X.', labels: { a: 'b' } })).toThrow(TypeError);
    expect(() => metrics.counter('im-x', { help: 'X.' })).toThrow(TypeError);
    expect(() => metrics.counter('im_y', { help: 'Y.', labels: { 'a-b': '' } })).toThrow(TypeError);
    expect(() => metrics.histogram('im_h', { help: 'H.', buckets: [2, 1] })).toThrow(TypeError);
  });

  it('are bounded: beyond the limit a handle works but leads nowhere, and that is counted', () => {
    const metrics = createMetrics();
    for (let index = 0; index < 10_005; index += 1) {
      metrics.counter('im_many', { help: 'M.', labels: { index: String(index) } }).add();
    }
    expect(metrics.render().match(/^im_many\{/gm)).toHaveLength(9_999);
    expect(metrics.render()).toContain('im_runtime_refused_series 6');
  });
});

describe('process figures', () => {
  it('show memory, lag, collections and handles, and end without a trace', () => {
    const metrics = createMetrics();
    const clock = createFakeClock();
    const stop = recordProcessFigures(metrics, clock);
    clock.advance(5_000);
    const text = metrics.render();
    expect(Number(/^im_process_resident_bytes (\d+)$/m.exec(text)?.[1])).toBeGreaterThan(1_000_000);
    expect(text).toMatch(/^im_process_event_loop_lag_seconds\{quantile="0.99"\} \d/m);
    expect(text).toContain('im_process_gc_pause_seconds_count ');
    expect(text).toContain('im_process_active_resources ');
    stop();
    expect(clock.waiting()).toEqual([]);
  });
});
