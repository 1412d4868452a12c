import type { Description } from '../../file-format/binfmt-support.ts';
import { runInForeground } from '../../system/process/foreground.ts';
import { strerror, strsignal } from '../../system/strerror.ts';

/** An empty detector accepts every file. */
export type InterpreterCandidate = Pick<Description, 'detector' | 'interpreter'>;

/**
 * The interpreters in the order in which they are tried: first those whose detector accepts the file, then those without a
 * detector. A detector gets the file as its only argument and accepts it with status 0.
 */
export async function orderByDetector(
  candidates: readonly InterpreterCandidate[],
  target: string,
  say: (text: string) => void,
): Promise<readonly string[]> {
  const accepted: InterpreterCandidate[] = [];
  for (const each of candidates) {
    if (each.detector !== '' && (await accepts(each.detector, target, say))) accepted.push(each);
  }
  const others = candidates.filter(({ detector }) => detector === '');
  return [...accepted, ...others].map(({ interpreter }) => interpreter);
}

async function accepts(detector: string, target: string, say: (text: string) => void): Promise<boolean> {
  const ending = await runInForeground(detector, [target]);
  if ('errno' in ending) say(`can't execute ${detector}: ${strerror(ending.errno)}`);
  if ('signal' in ending) say(`${detector}: ${strsignal(ending.signal)}`);
  return 'status' in ending && ending.status === 0;
}
