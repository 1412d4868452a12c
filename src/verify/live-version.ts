import type { Arch } from '../catalogue/types.ts';
import type { Context } from '../context.ts';
import { run } from '../system/process/process.ts';

const TIME_LIMIT_MS = 5000;

/** The version that an emulator prints when a program of the architecture runs through its entry; null if it prints none. */
export async function versionThroughEntry(
  program: string,
  arch: Arch,
  { catalogue, signal }: Pick<Context, 'catalogue' | 'signal'>,
): Promise<string | null> {
  for (const { guests, version } of Object.values(catalogue.emulators)) {
    if (!(arch.id in guests) || version.throughEntry === undefined) continue;
    const { stdout } = await run(program, [], {
      env: version.throughEntry,
      timeoutMs: TIME_LIMIT_MS,
      signal,
    });
    const found = new RegExp(version.pattern, 'm').exec(new TextDecoder().decode(stdout))?.[1];
    if (found !== undefined) return found;
  }
  return null;
}
