/** Owns: the registry of figures and their Prometheus text (exposition format 0.0.4). */
import type { MetricOptions, Metrics } from '../ports.js';
import { CounterSeries, GaugeSeries, HistogramSeries, ObservedSeries, type Series } from './series.js';

export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Series of all names together; more are counted in `im_runtime_refused_series` and lead nowhere. */
const MAX_SERIES = 10_000;

export interface MetricsRegistry extends Metrics {
  /** All figures as Prometheus text. */
  render(): string;
}

type MetricType = 'counter' | 'gauge' | 'histogram';

interface Family {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  /** By labels as they are written. */
  readonly series: Map<string, Series>;
}

/**
 * Asking twice for the same name and labels gives the same handle.
 * @throws TypeError for names Prometheus refuses and for one name with two types: mistakes of the program
 */
export function createMetrics(): MetricsRegistry {
  const families = new Map<string, Family>();
  let size = 0;
  let refused = 0;

  function series<Kind extends Series>(
    name: string,
    type: MetricType,
    { help, labels = {} }: MetricOptions,
    make: () => Kind,
    isKind: (value: Series) => value is Kind,
  ): Kind {
    const family = families.get(name) ?? { name: checkedName(name), type, help, series: new Map<string, Series>() };
    const key = labelText(labels);
    const known = family.series.get(key);
    if (known !== undefined && family.type === type && isKind(known)) return known;
    if (known !== undefined || family.type !== type) throw new TypeError(`metric ${name} has two types`);
    const made = make();
    if (size >= MAX_SERIES) {
      refused += 1;
      return made;
    }
    families.set(name, family);
    family.series.set(key, made);
    size += 1;
    return made;
  }

  const metrics: MetricsRegistry = {
    counter: (name, options) => series(name, 'counter', options, () => new CounterSeries(), isA(CounterSeries)),
    gauge: (name, options) => series(name, 'gauge', options, () => new GaugeSeries(), isA(GaugeSeries)),
    observe: (name, options, read) =>
      series(name, 'gauge', options, () => new ObservedSeries(), isA(ObservedSeries)).addReader(read),
    histogram(name, options) {
      const { buckets } = options;
      if (buckets.some((bound, index) => index > 0 && !(bound > (buckets[index - 1] as number)))) {
        throw new TypeError(`buckets of ${name} must ascend`);
      }
      return series(name, 'histogram', options, () => new HistogramSeries(buckets), isA(HistogramSeries));
    },
    render: () => [...families.values()].map(familyText).join(''),
  };
  metrics.observe('im_runtime_refused_series', { help: 'Series beyond the limit, not recorded.' }, () => refused);
  return metrics;
}

const isA =
  <Kind extends Series>(kind: abstract new (...args: never[]) => Kind) =>
  (value: Series): value is Kind =>
    value instanceof kind;

function checkedName(name: string): string {
  if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name)) throw new TypeError(`not a metric name: ${name}`);
  return name;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => {
      if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) throw new TypeError(`not a label name: ${name}`);
      return `${name}="${escaped(value).replaceAll('"', '\\"')}"`;
    })
    .join(',');
}

function familyText({ name, type, help, series }: Family): string {
  const lines = [`# HELP ${name} ${escaped(help)}`, `# TYPE ${name} ${type}`];
  for (const [labels, one] of series) {
    for (const { suffix, label, value } of one.samples()) {
      const all = [labels, label === undefined ? '' : `${label[0]}="${label[1]}"`].filter((text) => text !== '');
      lines.push(`${name}${suffix}${all.length === 0 ? '' : `{${all.join(',')}}`} ${numberText(value)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}
