import { constants } from 'node:os';
import { basename } from 'node:path';
import type { Arch } from '../catalogue/types.ts';
import type { Context } from '../context.ts';
import { buildProbe, decodeReport, probeEnvironment } from '../elf/probe.ts';
import type { Emulator } from '../emulators/types.ts';
import { unfit } from '../emulators/unfit.ts';
import { BinfmtctlError, interrupted } from '../errors.ts';
import { run } from '../system/process/process.ts';
import { ranWell } from './checks.ts';
import { explainFailure } from './failure.ts';
import type { ProbeRun } from './prober.ts';
import { PROBE_TIME_LIMIT_MS } from './time-limit.ts';
import { withWorkspace } from './workspace.ts';

const MAX_OUTPUT = 64 * 1024;

/**
 * Runs a probe of the arch with the emulator directly, without an entry. Only warns if the probe cannot be written
 * anywhere.
 *
 * @throws EMULATOR_UNFIT if the emulator does not run the probe; PROCESS_FAILED if the probe does not finish in time;
 * INTERRUPTED.
 */
export async function assertRuns(
  arch: Arch,
  { path, from = path }: Pick<Emulator, 'path' | 'from'>,
  { signal, report }: Pick<Context, 'signal' | 'report'>,
): Promise<void> {
  const probed = await runProbe(arch, path, signal).catch((error: unknown) => {
    if (!(error instanceof BinfmtctlError)) throw error;
    return error;
  });
  if (signal.aborted) throw interrupted(signal, `running ${from}`);
  if (probed instanceof BinfmtctlError) {
    const text = `could not check that ${from} runs ${arch.id} programs: ${probed.message}`;
    return report({ kind: 'warning', text });
  }
  if (ranWell(probed)) return;
  if (probed.notStarted !== null) throw unfit(from, `it cannot be started (${probed.notStarted})`);
  if (probed.status === null)
    throw new BinfmtctlError(
      'PROCESS_FAILED',
      `${from} did not run a program for ${arch.id} within ${PROBE_TIME_LIMIT_MS / 1000} s`,
      { hint: 'try again when the machine is less busy, or use another emulator with --source' },
    );
  const why = await explainFailure(probed, {
    entry: null,
    problem: null,
    root: null,
    timeLimitMs: PROBE_TIME_LIMIT_MS,
  });
  throw unfit(from, `it does not run ${arch.id} programs: ${why}`);
}

/**
 * The argv[0] that a probe sees if the emulator is run as `name` with the probe and `argument`; null if the probe does
 * not run.
 */
export async function reportedArgv0(
  arch: Arch,
  emulator: string,
  { name, argument }: { readonly name: string; readonly argument: string },
  { signal }: Pick<Context, 'signal'>,
): Promise<string | null> {
  const probed = await runProbe(arch, emulator, signal, { argv0: name, args: [argument] });
  return ranWell(probed) ? (decodeReport(probed.output, arch.elf)?.argv0 ?? null) : null;
}

function runProbe(
  arch: Arch,
  emulator: string,
  signal: AbortSignal,
  { argv0, args = [] }: { readonly argv0?: string; readonly args?: readonly string[] } = {},
): Promise<ProbeRun> {
  const files = [{ name: arch.id, bytes: buildProbe(arch.elf, arch.probe) }];
  return withWorkspace(files, async (directory) => {
    // Excludes the caller's environment: variables such as LD_PRELOAD and QEMU_* change the emulator's behavior.
    const env = { PATH: '/usr/bin:/bin', HOME: '/', LC_ALL: 'C', ...probeEnvironment };
    const options = {
      env,
      extendEnv: false,
      cwd: '/',
      timeoutMs: PROBE_TIME_LIMIT_MS,
      signal,
      maxBytes: MAX_OUTPUT,
      argv0,
    };
    const result = await run(emulator, [`${directory}/${arch.id}`, ...args], options);
    const { stdout: output, stderr, timedOut, exitCode, errno } = result;
    const ended = exitCode ?? 128 + (constants.signals[result.signal as NodeJS.Signals] ?? 0);
    // QEMU's messages begin with the name of the copy in the store and the path of the probe.
    const complaint = stderr.replaceAll(`${basename(emulator)}: ${directory}/${arch.id}: `, '').trim();
    return { output, complaint, status: timedOut ? null : ended, notStarted: errno };
  });
}
