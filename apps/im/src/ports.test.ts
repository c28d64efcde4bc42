import type { Clock, Logger, Metrics } from '@im/protocol/ports';
import * as runtime from '@im/runtime';
import { expectTypeOf, it } from 'vitest';

it('finds the shapes of @im/runtime and of @im/protocol/ports to be the same', () => {
  expectTypeOf<runtime.Clock>().toEqualTypeOf<Clock>();
  expectTypeOf<runtime.Logger>().toEqualTypeOf<Logger>();
  expectTypeOf<runtime.Metrics>().toEqualTypeOf<Metrics>();
  expectTypeOf(runtime.createMetrics).returns.toExtend<Metrics>();
  expectTypeOf(runtime.createProcessLogger).returns.toExtend<Logger>();
  expectTypeOf(runtime.systemClock).toExtend<Clock>();
});
