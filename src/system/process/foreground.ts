import { errnoOf } from '../file/file-error.ts';

/** How a program ended: its exit status, the signal that ended it, or the errno that kept it from starting. */
export type Ending =
  | { readonly status: number }
  | { readonly signal: NodeJS.Signals }
  | { readonly errno: string };

/** Runs a program with our own terminal and waits for it. */
export async function runInForeground(file: string, args: readonly string[]): Promise<Ending> {
  // Loaded where a program is run: it takes 7 ms.
  const { spawnSync } = await import('node:child_process');
  const { status, signal, error } = spawnSync(file, args, { stdio: 'inherit' });
  if (error !== undefined) return { errno: errnoOf(error) ?? 'EIO' };
  return signal === null ? { status: status ?? 0 } : { signal };
}
