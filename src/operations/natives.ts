import { readFileSync } from 'node:fs';
import { machine } from 'node:os';
import { archOfHeader, archPattern, findArch } from '../catalogue/resolve.ts';
import type { Arch, Catalogue } from '../catalogue/types.ts';
import { buildProbe, decodeReport, PROBE_EXIT_STATUS, probeEnvironment } from '../elf/probe.ts';
import { BinfmtctlError } from '../errors.ts';
import type { Native } from '../plan/safety.ts';
import { nativePattern } from '../rule/algebra.ts';
import { HEAD_SIZE } from '../rule/check.ts';
import type { MagicPattern } from '../rule/types.ts';
import { tryReadHead } from '../system/head.ts';
import { type Command, inNamespaces } from '../system/namespaces.ts';
import { run } from '../system/process.ts';
import { findTool } from '../system/tools.ts';
import type { Context } from './context.ts';
import { withWorkspace } from './workspace.ts';

/** What runs here without an emulator. */
export interface Natives {
  /** The kernel's own arch: emulators have to be built for it. */
  readonly host: Arch;
  /** The host's arch and every compat arch that its kernel was seen to run. */
  readonly arches: readonly Arch[];
  readonly patterns: readonly Native[];
}

/**
 * Finds what is native by running probes of every arch that this kernel could have as a sibling: `uname` shows what a
 * personality (linux32) or an emulator makes of it, and a 64-bit ARM kernel may or may not run 32-bit programs. Siblings
 * whose programs are not `concerned` are left untried.
 *
 * @throws UNKNOWN_ARCH where the kernel's own arch is not in the catalogue.
 */
export async function findNatives(
  { catalogue, signal }: Pick<Context, 'catalogue' | 'signal'>,
  concerned: (native: MagicPattern) => boolean = () => true,
): Promise<Natives> {
  const host = findArch(catalogue, kernelMachine());
  const own = archOfHeader(catalogue, tryReadHead(process.execPath, HEAD_SIZE) ?? new Uint8Array());
  const family = siblingsOf(catalogue, host);
  const seen = await seenToRun(
    family.filter((arch) => arch.id !== host.id && concerned(patternOf(arch))),
    signal,
  );
  const arches = [host, ...seen];
  // A Node that is neither of the kernel's arch nor of a sibling runs under an emulator itself.
  const emulated = own !== null && !family.some(({ id }) => id === own.id);
  if (own !== null && !emulated && !arches.includes(own)) arches.push(own);
  const patterns = arches.map((arch): Native => {
    return { what: `${arch.id} programs, which run here without an emulator`, pattern: patternOf(arch) };
  });
  return { host, arches, patterns };
}

/** What the kernel's own loader takes for programs of the arch. */
function patternOf(arch: Arch): MagicPattern {
  const { magic, mask } = archPattern(arch);
  return nativePattern(magic, mask);
}

/** @throws NATIVE_ARCH where one of `wanted` needs no emulator here. */
export function refuseNative(wanted: readonly Arch[], { arches }: Natives): void {
  const native = wanted.find(({ id }) => arches.some((each) => each.id === id));
  if (native === undefined) return;
  throw new BinfmtctlError(
    'NATIVE_ARCH',
    `${native.id} runs natively on this machine: no emulator is registered for it`,
    {
      hint: 'an entry for it would take over every program of the machine; nothing needs to be installed',
    },
  );
}

// The sysctl is the kernel's own answer (Linux 6.1 and later); uname is changed by personality(2) and by qemu-user.
function kernelMachine(): string {
  try {
    return readFileSync('/proc/sys/kernel/arch', 'utf8').trim();
  } catch {
    return machine();
  }
}

/** The arch and all that are bound to it by `compat`, in either direction. */
function siblingsOf({ arches }: Catalogue, host: Arch): readonly Arch[] {
  const all = Object.values(arches);
  const family = new Set([host.id]);
  for (let before = 0; before !== family.size; ) {
    before = family.size;
    for (const { id, compat } of all) {
      if (![id, ...compat].some((each) => family.has(each))) continue;
      for (const each of [id, ...compat]) family.add(each);
    }
  }
  return all.filter(({ id }) => family.has(id));
}

async function seenToRun(arches: readonly Arch[], signal: AbortSignal): Promise<readonly Arch[]> {
  if (arches.length === 0) return [];
  const files = arches.map((arch) => ({ name: arch.id, bytes: buildProbe(arch.elf, arch.probe) }));
  return withWorkspace(files, async (directory) => {
    const native = await Promise.all(
      arches.map((arch) => runsNatively(arch, `${directory}/${arch.id}`, signal)),
    );
    return arches.filter((_, index) => native[index]);
  });
}

/** Tried as it is; where an entry takes it, once more in a namespace with an empty instance, where it cannot. */
async function runsNatively(arch: Arch, path: string, signal: AbortSignal): Promise<boolean> {
  const attempt = async (command: readonly string[]) => {
    const [file = '', ...args] = command;
    const result = await run(file, args, { env: probeEnvironment, input: '', timeoutMs: 10_000, signal });
    return result.exitCode === PROBE_EXIT_STATUS ? decodeReport(result.stdout, arch.elf) : null;
  };
  const report = await attempt([path]);
  if (report === null || report.exe === path) return report !== null;
  return (await attempt(inNamespaces({ user: true, mount: true }, inEmptyInstance(path)))) !== null;
}

function inEmptyInstance(path: string): Command {
  const mount = ['mount', '-t', 'binfmt_misc', 'binfmt_misc', '/proc/sys/fs/binfmt_misc'];
  if (findTool('sh') !== null) return ['sh', '-c', `${mount.join(' ')} && exec "$0"`, path];
  // As in the container image.
  const script = `const { execFileSync, spawnSync } = require('node:child_process');
    const [path, mount, ...args] = process.argv.slice(1);
    execFileSync(mount, args);
    process.exitCode = spawnSync(path, { stdio: 'inherit' }).status ?? 1;`;
  return [process.execPath, '-e', script, path, ...mount];
}
