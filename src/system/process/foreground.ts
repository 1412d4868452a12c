import { errnoOf } from '../file/file-error.ts';

/** How a program ended: its exit status, the signal that killed it, or the errno if it could not be started. */
export type Ending =
  | { readonly status: number }
  | { readonly signal: NodeJS.Signals }
  | { readonly errno: string };

/** Runs a program on the terminal of this process and waits for it. */
export async function runInForeground(file: string, args: readonly string[]): Promise<Ending> {
  // Loaded on demand: it takes 7 ms.
  const { spawnSync } = await import('node:child_process');
  const { status, signal, error } = spawnSync(file, args, { stdio: 'inherit' });
  if (error !== undefined) return { errno: errnoOf(error) ?? 'EIO' };
  return signal === null ? { status: status ?? 0 } : { signal };
}
