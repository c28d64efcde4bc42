export { FakeClock } from './fake-clock.js';
export { type LogRecord, RecordingLogger } from './recording-logger.js';
export { RecordingMetrics } from './recording-metrics.js';
export { seededRandom } from './seeded-random.js';
