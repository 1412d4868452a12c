/** `binfmtctl binfmt`: flags and output of the program in the image docker.io/tonistiigi/binfmt; see docs/binfmt.md. */
import { join } from 'node:path';
import { findArch } from '../../catalogue/resolve.ts';
import type { Arch } from '../../catalogue/types.ts';
import { fileNames } from '../../emulators/names.ts';
import { BinfmtctlError, isBinfmtctlError } from '../../errors.ts';
import { readEntries } from '../../kernel/entries.ts';
import { ensureMounted } from '../../kernel/instance.ts';
import type { Context } from '../../operations/context.ts';
import { type InstallRequest, install } from '../../operations/install.ts';
import { findNatives } from '../../operations/natives.ts';
import { readPlatforms } from '../../operations/platforms.ts';
import { checkReach } from '../../operations/reach.ts';
import { uninstall } from '../../operations/uninstall.ts';
import { verifyArches } from '../../operations/verify-arches.ts';
import { isGlob, matchesGlob } from '../../rule/glob.ts';
import { isFile } from '../../system/is-file.ts';
import { requireText } from '../exact-words.ts';
import { exitStatusOf, printFailure } from '../failure.ts';
import { parseGoFlags } from '../go-flags.ts';
import { withOperation } from '../operation.ts';
import { onOneLine } from '../terminal.ts';

const NAME = 'binfmt';
const USAGE = `Usage of ${NAME}:
  -install string
    	architectures to install, with commas between them, or all
  -mount string
    	binfmt_misc mount point (default "/proc/sys/fs/binfmt_misc")
  -uninstall string
    	architectures, entries or globs of entries to uninstall
  -version
    	display version
`;

const ALSO = `
Besides, the commands of binfmtctl: install, uninstall, status, verify … (IMAGE help)
`;

const log = (text: string): void => void process.stderr.write(`${onOneLine(text)}\n`);

// Of all that is warned of, whom the entries serve is what such scripts have to know.
const warn: Context['report'] = (progress) => {
  if (progress.kind === 'warning') log(`warning: ${progress.text}`);
};

/** Carries a command line out; returns its exit status: 0, 1 where something failed, 2 and 3 as other commands. */
export async function standInForBinfmt(words: readonly string[], version: string): Promise<number> {
  try {
    return await binfmt(words, version);
  } catch (error) {
    printFailure(error, { verbose: false, json: false });
    return exitStatusOf(error);
  }
}

async function binfmt(words: readonly string[], version: string): Promise<number> {
  requireText(words);
  const flags = parseGoFlags(words, ['install', 'mount', 'uninstall'], ['version', 'help', 'h']);
  if ('complaint' in flags) {
    process.stderr.write(`${flags.complaint}\n${USAGE}`);
    return 2;
  }
  const { values } = flags;
  if (values.get('help') === 'true' || values.get('h') === 'true') {
    process.stderr.write(process.env['BINFMTCTL_IMAGE'] === undefined ? USAGE : `${USAGE}${ALSO}`);
    return 0;
  }
  if (values.get('version') === 'true') {
    log(`binfmt/binfmtctl-${version} node/${process.versions.node}`);
    return 0;
  }
  const directory = values.get('mount') ?? '/proc/sys/fs/binfmt_misc';
  return withOperation({ binfmtDir: directory, catalogue: [], quiet: true }, async (context) => {
    const instance = await ensureMounted(directory);
    const wanted = listOf(values.get('install'));
    if (wanted.length > 0) await checkReach(instance, { report: warn });
    const gone = await removeAll(listOf(values.get('uninstall')), context);
    const notes = new Set<string>();
    const there = await installAll(wanted, notes, context);
    for (const note of notes) log(`note: ${note}`);
    process.stdout.write(`${JSON.stringify(await readPlatforms(context), null, 2)}\n`);
    return gone && there ? 0 : 1;
  });
}

const listOf = (text = ''): readonly string[] =>
  text
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean);

async function removeAll(names: readonly string[], context: Context): Promise<boolean> {
  let success = true;
  for (const name of names) {
    const entries = entriesFor(name, context);
    try {
      if (entries.length === 0) throw new BinfmtctlError('ENTRY_NOT_FOUND', 'not found');
      await uninstall({ names: entries, all: false, purge: false, dryRun: false }, context);
      for (const entry of entries) log(`uninstalling: ${entry} OK`);
    } catch (error) {
      if (!isBinfmtctlError(error)) throw error;
      log(`uninstalling: ${name} ${error.message}`);
      success = false;
    }
  }
  return success;
}

/** A name is that of an entry, a glob of them, or what stands behind the hyphen of one; or an arch in any spelling. */
function entriesFor(word: string, { binfmtDirectory, catalogue }: Context): readonly string[] {
  const names = readEntries(binfmtDirectory).all.map(({ name }) => name);
  if (isGlob(word)) return names.filter((name) => matchesGlob(word, name));
  const ids = [word, ...archIds(word, catalogue)];
  const found = names.find((name) => ids.some((id) => name === id || name.endsWith(`-${id}`)));
  return found === undefined || found === 'WSLInterop' ? [] : [found];
}

function archIds(word: string, catalogue: Context['catalogue']): readonly string[] {
  try {
    return [findArch(catalogue, word).id];
  } catch {
    return [];
  }
}

async function installAll(names: readonly string[], notes: Set<string>, context: Context): Promise<boolean> {
  if (names.length === 1 && names[0] === 'all') return installEvery(notes, context);
  const { arches: natives } = await findNatives(context);
  let success = true;
  for (const name of names) {
    try {
      const arch = findArch(context.catalogue, name);
      const isNative = natives.some(({ id }) => id === arch.id);
      const outcome = isNative ? 'runs here without an emulator' : await installOne(arch, notes, context);
      log(`installing: ${name} ${outcome}`);
    } catch (error) {
      logFailure(name, error);
      success = false;
    }
  }
  return success;
}

/** What others have registered is left alone where it works, with or without C. */
async function installOne(arch: Arch, notes: Set<string>, context: Context): Promise<string> {
  try {
    const request = { ...REQUEST, arches: [arch], sources: sourcesFor(arch, context) };
    const { unchanged, notes: said } = await install(request, context);
    for (const note of said) notes.add(note);
    return unchanged.length > 0 ? ALREADY : 'OK';
  } catch (error) {
    if (!isNotOurs(error) || !(await verifyArches({ arches: [arch.id] }, context)).holds) throw error;
    return ALREADY;
  }
}

async function installEvery(notes: Set<string>, context: Context): Promise<boolean> {
  const { folder, prefix } = emulatorFiles();
  if (prefix !== '') {
    const all = Object.values(context.catalogue.arches);
    const there = all.filter((arch) => prefixedFiles(arch, context).some(isFile)).map(({ id }) => id);
    return there.length > 0 && installAll(there, notes, context);
  }
  try {
    const sources = folder === null ? [] : [`dir:${folder}`];
    const { proofs, unchanged, notes: said } = await install({ ...REQUEST, all: true, sources }, context);
    for (const note of said) notes.add(note);
    for (const { arch } of proofs) log(`installing: ${arch} ${unchanged.includes(arch) ? ALREADY : 'OK'}`);
    return proofs.length > 0;
  } catch (error) {
    if (isBinfmtctlError(error) && error.code === 'EMULATOR_NOT_FOUND') {
      logFailure('all', error);
      return false;
    }
    if (!isNotOurs(error)) throw error;
    return installEach(notes, context);
  }
}

/** One by one, where an entry of others is in the way of some. */
async function installEach(notes: Set<string>, context: Context): Promise<boolean> {
  const { arches: natives } = await findNatives(context);
  let success = true;
  for (const arch of Object.values(context.catalogue.arches)) {
    if (natives.some(({ id }) => id === arch.id)) continue;
    try {
      log(`installing: ${arch.id} ${await installOne(arch, notes, context)}`);
    } catch (error) {
      if (isBinfmtctlError(error) && error.code === 'EMULATOR_NOT_FOUND') continue;
      logFailure(arch.id, error);
      success = false;
    }
  }
  return success;
}

const ALREADY = 'already registered';

const isNotOurs = (error: unknown): boolean => isBinfmtctlError(error) && error.code === 'ENTRY_NOT_OURS';

function logFailure(name: string, error: unknown): void {
  if (!isBinfmtctlError(error) || error.code === 'INTERRUPTED') throw error;
  log(`installing: ${name} ${error.message}${error.hint === undefined ? '' : ` (${error.hint})`}`);
}

const REQUEST: InstallRequest = {
  arches: [],
  all: false,
  sources: [],
  persist: 'none',
  // As that program: without C sudo and ping have no rights in an emulated container.
  credentials: true,
  replace: false,
  verify: true,
  dryRun: false,
};

function sourcesFor(arch: Arch, context: Context): readonly string[] {
  const { folder, prefix } = emulatorFiles();
  if (prefix === '') return folder === null ? [] : [`dir:${folder}`];
  const files = prefixedFiles(arch, context);
  return [`path:${files.find(isFile) ?? files[0]}`];
}

function prefixedFiles(arch: Arch, { catalogue }: Context): readonly string[] {
  const { folder, prefix } = emulatorFiles();
  const { qemu } = catalogue.emulators;
  const names = qemu === undefined ? [] : fileNames(qemu, arch.id);
  return names.map((name) => join(folder ?? '/usr/bin', `${prefix}${name}`));
}

/** Where the image's users say that emulators are; null for wherever they are found. */
function emulatorFiles(): { readonly folder: string | null; readonly prefix: string } {
  const { QEMU_BINARY_PATH = '', QEMU_BINARY_PREFIX = '' } = process.env;
  if (!QEMU_BINARY_PREFIX.includes('/'))
    return { folder: QEMU_BINARY_PATH || null, prefix: QEMU_BINARY_PREFIX };
  throw new BinfmtctlError('USAGE', 'QEMU_BINARY_PREFIX must not contain a slash', {
    hint: 'QEMU_BINARY_PATH names the folder',
  });
}
