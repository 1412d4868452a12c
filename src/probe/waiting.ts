import { once } from 'node:events';
import type { Arch } from '../catalogue/types.ts';
import type { Context } from '../context.ts';
import { buildProbe, probeEnvironment } from '../elf/probe.ts';
import { start } from '../system/process/process.ts';
import { PROBE_TIME_LIMIT_MS } from './time-limit.ts';
import { withWorkspace } from './workspace.ts';

/** A probe that has reported and now waits. */
export interface WaitingProbe {
  readonly pid: number;
  /** Ends it and waits for its exit. */
  readonly end: () => Promise<void>;
}

/** Calls `action` with a function that starts a probe of `arch`: while it waits, `/proc/PID/exe` is the emulator. */
export function withWaitingProbe<T>(
  arch: Arch,
  { signal }: Pick<Context, 'signal'>,
  action: (startProbe: () => Promise<WaitingProbe>) => Promise<T>,
): Promise<T> {
  const files = [{ name: arch.id, bytes: buildProbe(arch.elf, arch.probe) }];
  return withWorkspace(files, (directory) =>
    action(async () => {
      const probe = await start(`${directory}/${arch.id}`, [], {
        env: probeEnvironment,
        timeoutMs: PROBE_TIME_LIMIT_MS,
        signal,
      });
      // The probe writes its report, then waits for the end of its input.
      await Promise.race([once(probe.stdout, 'data'), probe.ended]);
      probe.stdout.resume();
      const end = async (): Promise<void> => {
        probe.stdin.end();
        await probe.ended;
      };
      return { pid: probe.pid ?? 0, end };
    }),
  );
}
