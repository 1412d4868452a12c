/** What the GitHub Action runs: inputs and outputs are those of action.yml; see docs/ci.md. */

import { setMaxListeners } from 'node:events';
import { resolve } from 'node:path';
import { error as annotate, debug, getInput, info, setOutput, summary } from '@actions/core';
import { BINFMT_DIRECTORY } from '../binfmt/directory.ts';
import { listPlatforms } from '../catalogue/platforms.ts';
import type { Arch } from '../catalogue/types.ts';
import type { Context, Progress } from '../context.ts';
import { BinfmtctlError, isBinfmtctlError } from '../errors.ts';
import type { InstallResult } from '../install/install.ts';
import { cpuFlags } from '../system/host.ts';
import type { StatusResult } from '../verify/status.ts';
import { parseInputs } from './action/inputs.ts';
import { installOrder } from './action/install.ts';
import { warn, withoutCommands } from './action/log.ts';
import { summaryRows } from './action/summary.ts';
import { exitStatusOf } from './failure.ts';

const interruption = new AbortController();
// Every program that is started listens to it, dozens at a time.
setMaxListeners(0, interruption.signal);
// The runner ends a job that was cancelled with the first, and later the second.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interruption.abort(signal));
// What a cache that stalls still holds open is not waited for.
void runAction(interruption.signal).then((status) => process.exit(status));

async function runAction(signal: AbortSignal): Promise<number> {
  try {
    await installEmulators(signal);
    return 0;
  } catch (failure) {
    const error = failure instanceof Error ? failure : new Error(String(failure));
    const hint = isBinfmtctlError(error)
      ? error.hint
      : 'this is a mistake in binfmtctl: please report it with the log of a run with debug logging';
    debug(error.stack ?? '');
    annotate(hint === undefined ? error.message : `${error.message}\nhint: ${hint}`, { title: 'binfmtctl' });
    const status = exitStatusOf(failure);
    return status > 128 ? status : 1;
  }
}

async function installEmulators(signal: AbortSignal): Promise<void> {
  if (process.platform !== 'linux')
    throw new BinfmtctlError('NOT_LINUX', `binfmt_misc is Linux's, and this runner has ${process.platform}`, {
      hint: 'run the job on a Linux runner: `runs-on: ubuntu-latest`',
    });
  const inputs = parseInputs((name) => getInput(name));
  const { builtinCatalogue, defaultStore, findArches, findNatives, readLock } = await import(
    './parts/operations.ts'
  );
  const catalogue = builtinCatalogue();
  const requested = findArches(catalogue, inputs.platforms);
  const lock =
    inputs.lock === undefined
      ? null
      : { file: resolve(inputs.lock), text: (await readLock(inputs.lock)).text };
  const binfmtDirectory = BINFMT_DIRECTORY;
  const natives = await findNatives({ catalogue, signal, binfmtDirectory });
  const arches = requested.filter(({ id }) => !natives.arches.some((native) => native.id === id));
  for (const { id } of requested.filter((arch) => !arches.includes(arch)))
    info(`${id} runs here without an emulator`);
  const store = defaultStore({}, 0);
  const context: Context = { catalogue, binfmtDirectory, store, report, signal };
  if (requested.length > 0 && arches.length === 0) {
    await publish({ proofs: [], missing: [] }, natives.arches, context);
    return;
  }
  const { entries = [] } = (await statusNow(context)) ?? {};
  const order = {
    inputs,
    arches,
    host: natives.host,
    lock,
    registered: entries.some(({ arch }) => isAmong(arch, arches)),
    toRemove: inputs.reset && entries.some(({ entry }) => entry.name.startsWith('qemu-')),
  };
  const result = await installOrder(order, context);
  for (const note of result.notes) info(note);
  await publish(result, natives.arches, context);
}

function report(progress: Progress): void {
  if (progress.kind === 'warning') warn(progress.text);
  else if (progress.kind === 'stage') info(withoutCommands(progress.text));
}

/** What is registered; null where no instance is mounted, which the command does when it installs. */
async function statusNow(context: Context): Promise<StatusResult | null> {
  const { status } = await import('./parts/operations.ts');
  try {
    return await status(context);
  } catch (error) {
    if (isBinfmtctlError(error) && error.code === 'NO_BINFMT_MISC') return null;
    throw error;
  }
}

const isAmong = (arch: string | null, arches: readonly Arch[]): boolean =>
  arch !== null && (arches.length === 0 || arches.some(({ id }) => id === arch));

/** Fills outputs and summary. Where nothing had to be installed there may be no instance. */
async function publish(
  result: Pick<InstallResult, 'proofs' | 'missing'>,
  natives: readonly Arch[],
  context: Context,
): Promise<void> {
  const { readPlatforms } = await import('./parts/operations.ts');
  const { toJson } = await import('../text/json.ts');
  const state = await statusNow(context);
  const supported =
    state === null ? listPlatforms(natives, [], cpuFlags()) : (await readPlatforms(context)).supported;
  const platforms = supported.join(',');
  info(`platforms: ${platforms}`);
  setOutput('platforms', platforms);
  if (state === null) return;
  setOutput('status', JSON.stringify(JSON.parse(toJson(state))));
  const [heading = [], ...rows] = summaryRows(state, result);
  const header = heading.map((data) => ({ data, header: true }));
  summary.addHeading('Emulators', 3).addTable([header, ...rows.map((row) => [...row])]);
  // Not every runner has it.
  await summary.write().catch((error) => debug(`no summary: ${error}`));
}
