import { findArch } from '../../catalogue/resolve.ts';
import type { Arch } from '../../catalogue/types.ts';
import type { Context } from '../../context.ts';
import { BinfmtctlError, isBinfmtctlError, isItemFailure } from '../../errors.ts';
import { install } from '../../install/install.ts';
import type { InstallRequest } from '../../install/types.ts';
import { findNatives } from '../../safety/natives.ts';
import { verifyArches } from '../../verify/verify-arches.ts';
import { archesWithPrefix, emulatorFiles, sourcesFor } from './emulator-files.ts';
import { lineOf } from './failure.ts';
import { log } from './log.ts';

export interface Installing {
  /** Whether new entries get flag C. An entry that works keeps its flags. */
  readonly credentials: boolean;
}

export interface Installed {
  /** Facts that need no action, in full sentences. */
  readonly notes: readonly string[];
  /** What failed, with the reason and a hint. */
  readonly failures: readonly string[];
}

/** The request for each architecture of a call, and their collected reports. */
interface Batch {
  readonly request: InstallRequest;
  readonly context: Context;
  readonly notes: Set<string>;
  readonly failures: string[];
}

const ALREADY = 'already registered';

/** Installs the named architectures, or all with `all`, and prints the result of each. */
export async function installAll(
  names: readonly string[],
  { credentials }: Installing,
  context: Context,
): Promise<Installed> {
  const request: InstallRequest = {
    arches: [],
    all: false,
    sources: [],
    persist: 'none',
    credentials: credentials ? 'new' : false,
    replace: false,
    verify: true,
    dryRun: false,
  };
  const batch: Batch = { request, context, notes: new Set(), failures: [] };
  await (names.length === 1 && names[0] === 'all' ? installEvery(batch) : installNamed(names, batch));
  return { notes: [...batch.notes], failures: batch.failures };
}

async function installNamed(names: readonly string[], batch: Batch): Promise<void> {
  if (names.length === 0) return;
  const { arches: natives } = await findNatives(batch.context);
  for (const name of names) {
    try {
      const arch = findArch(batch.context.catalogue, name);
      const isNative = natives.some(({ id }) => id === arch.id);
      const outcome = isNative ? 'runs here without an emulator' : await installOne(arch, batch);
      log(`installing: ${name} ${outcome}`);
    } catch (error) {
      fail(name, error, batch);
    }
  }
}

/** A working entry of another tool stays, with or without flag C. */
async function installOne(arch: Arch, { request, context, notes }: Batch): Promise<string> {
  try {
    const sources = sourcesFor(arch, context);
    const { unchanged, notes: said } = await install({ ...request, arches: [arch], sources }, context);
    for (const note of said) notes.add(note);
    return unchanged.length > 0 ? ALREADY : 'OK';
  } catch (error) {
    if (!isNotOurs(error) || !(await verifyArches({ arches: [arch.id] }, context)).holds) throw error;
    return ALREADY;
  }
}

async function installEvery(batch: Batch): Promise<void> {
  const { request, context, notes } = batch;
  const { folder, prefix } = emulatorFiles();
  if (prefix !== '') {
    const arches = archesWithPrefix(context);
    if (arches.length === 0) fail('all', noneWith(prefix, folder), batch);
    return installNamed(arches, batch);
  }
  try {
    const sources = folder === null ? [] : [`dir:${folder}`];
    const { proofs, unchanged, notes: said } = await install({ ...request, all: true, sources }, context);
    for (const note of said) notes.add(note);
    for (const { arch } of proofs) log(`installing: ${arch} ${unchanged.includes(arch) ? ALREADY : 'OK'}`);
  } catch (error) {
    if (isNotOurs(error)) return installEach(batch);
    if (!isBinfmtctlError(error) || error.code !== 'EMULATOR_NOT_FOUND') throw error;
    fail('all', error, batch);
  }
}

/** Installs one by one, if entries of other tools conflict with some. */
async function installEach(batch: Batch): Promise<void> {
  const { arches: natives } = await findNatives(batch.context);
  for (const arch of Object.values(batch.context.catalogue.arches)) {
    if (natives.some(({ id }) => id === arch.id)) continue;
    try {
      log(`installing: ${arch.id} ${await installOne(arch, batch)}`);
    } catch (error) {
      if (isBinfmtctlError(error) && error.code === 'EMULATOR_NOT_FOUND') continue;
      fail(arch.id, error, batch);
    }
  }
}

const isNotOurs = (error: unknown): boolean => isBinfmtctlError(error) && error.code === 'ENTRY_NOT_OURS';

const noneWith = (prefix: string, folder: string | null): BinfmtctlError =>
  new BinfmtctlError('EMULATOR_NOT_FOUND', `no file ${prefix}qemu-* in ${folder ?? '/usr/bin'}`, {
    hint: 'check QEMU_BINARY_PATH and QEMU_BINARY_PREFIX',
  });

function fail(name: string, error: unknown, { failures }: Batch): void {
  if (!isItemFailure(error)) throw error;
  const text = lineOf(error);
  log(`installing: ${name} ${text}`);
  failures.push(`${name}: ${text}`);
}
