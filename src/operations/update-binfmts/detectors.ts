import type { Description } from '../../formats/binfmt-support.ts';
import { strerror, strsignal } from '../../system/strerror.ts';

export interface Trial {
  /** Where the output of detectors must not be taken for ours. */
  readonly quietly: boolean;
  readonly say: (text: string) => void;
}

/**
 * Interpreters in the order in which they are tried: those whose detector accepts the file, then those without one. A
 * detector is started with the file as its only argument and accepts with status 0.
 */
export async function inOrderOfTrial(
  candidates: readonly Description[],
  target: string,
  trial: Trial,
): Promise<readonly string[]> {
  const accepted: Description[] = [];
  for (const each of candidates) {
    if (each.detector !== '' && (await accepts(each.detector, target, trial))) accepted.push(each);
  }
  const others = candidates.filter(({ detector }) => detector === '');
  return [...accepted, ...others].map(({ interpreter }) => interpreter);
}

async function accepts(detector: string, target: string, { quietly, say }: Trial): Promise<boolean> {
  const { runInForeground } = await import('../../system/foreground.ts');
  const ending = runInForeground(detector, [target], { quietly });
  if ('errno' in ending) say(`can't execute ${detector}: ${strerror(ending.errno)}`);
  if ('signal' in ending) say(`${detector}: ${strsignal(ending.signal)}`);
  return 'status' in ending && ending.status === 0;
}
