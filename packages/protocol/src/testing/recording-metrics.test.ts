import { describe, expect, it } from 'vitest';
import { RecordingMetrics } from './recording-metrics.js';

describe('RecordingMetrics', () => {
  it('adds counters up by name and labels, whatever the order of the labels', () => {
    const metrics = new RecordingMetrics();
    metrics.counter('im_x_total', { help: '', labels: { a: '1', b: '2' } }).add();
    metrics.counter('im_x_total', { help: '', labels: { b: '2', a: '1' } }).add(4);
    expect(metrics.value('im_x_total', { a: '1', b: '2' })).toBe(5);
    expect(metrics.value('im_x_total')).toBe(0);
  });

  it('gives gauges as last set, observed gauges as read now, and all a histogram was given', () => {
    const metrics = new RecordingMetrics();
    let size = 1;
    metrics.gauge('im_g', { help: '' }).set(3);
    metrics.observe('im_o', { help: '' }, () => size);
    const histogram = metrics.histogram('im_h', { help: '' });
    histogram.observe(1);
    histogram.observe(2);
    size = 9;
    expect([metrics.value('im_g'), metrics.value('im_o')]).toEqual([3, 9]);
    expect(metrics.observations('im_h')).toEqual([1, 2]);
  });
});
