/** Runs plans, and says of one that fails what is left of it when everything beside the point is left out. */
import { type Plan, planOf } from './plan.js';
import { shrink } from './shrink.js';
import { World } from './world.js';

/** @returns why it failed */
function fault(plan: Plan): string | undefined {
  try {
    const world = new World(plan);
    for (const step of plan.steps) world.run(step);
    world.settle();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** @throws Error with the seed, the conditions and the shortest list of steps that fails */
export function simulate(seed: number): void {
  const plan = planOf(seed);
  if (fault(plan) === undefined) return;
  const steps = shrink(plan.steps, (some) => fault({ ...plan, steps: some }) !== undefined);
  const trace = steps.map((step, i) => `  ${i + 1}. ${JSON.stringify(step)}`).join('\n');
  const why = fault({ ...plan, steps });
  throw new Error(`seed ${seed}: ${why}\n  under ${JSON.stringify(plan.conditions)}\n${trace}`);
}
