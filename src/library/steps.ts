/** What the steps of a result do, in words. */
import { describe, type Step } from '../state/steps.ts';

/** One line that says what a step does, such as `register qemu-aarch64 → /usr/bin/qemu-aarch64-static (POF)`. */
export function describeStep(step: Step): string {
  return describe(step);
}
