import { readFileSync } from 'node:fs';
import { machine } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import { archOfHeader, findArch } from '../catalogue/resolve.ts';
import type { Arch, Catalogue } from '../catalogue/types.ts';
import type { Context } from '../context.ts';
import { buildProbe } from '../elf/probe.ts';
import type { BuildArch } from '../emulators/inspector.ts';
import { BinfmtctlError } from '../errors.ts';
import { builtinCatalogue } from '../profiles/builtin.ts';
import { nativePatterns } from '../rule/execution/native-patterns.ts';
import type { MagicPattern } from '../rule/types.ts';
import { runningHead } from '../system/process/running-head.ts';
import { type ProbeContext, tryAll } from './native-probes.ts';
import type { Native, UnprovenNative } from './types.ts';

/** The architectures and programs that run on this machine without an emulator. */
export interface Natives {
  /** The kernel's arch, for which emulators must be built. */
  readonly host: Arch;
  /** The host's arch, and siblings that probes proved to run natively. */
  readonly arches: readonly Arch[];
  /** Siblings for which probes were inconclusive. */
  readonly unproven: readonly UnprovenArch[];
  readonly patterns: readonly Native[];
}

export interface UnprovenArch {
  readonly arch: Arch;
  /** Why it is unknown. */
  readonly missing: string;
  readonly patterns: readonly UnprovenNative[];
}

/**
 * Finds what runs natively. Always includes the header of the running program, and the kernel's arch as in the built-in
 * catalogue, even if another catalogue contradicts. Probes the arches that this kernel may run in addition, if they are
 * `concerned`.
 *
 * @throws UNKNOWN_ARCH if the kernel's arch is not in the catalogue; INTERRUPTED.
 */
export async function findNatives(
  { catalogue, ...context }: Pick<Context, 'catalogue'> & ProbeContext,
  concerned: (native: MagicPattern) => boolean = () => true,
): Promise<Natives> {
  const host = findArch(catalogue, kernelMachine());
  const running = runningHead();
  const own = archOfHeader(catalogue, running);
  const family = withBuiltin(host, catalogue);
  const certain = family.filter(({ id }) => id === host.id);
  const siblings = family.filter(
    (arch) => arch.id !== host.id && patternsOf(arch).some((pattern) => concerned(pattern)),
  );
  const findings = await tryAll(siblings, context);
  const seen = siblings.filter((_, index) => findings[index] === true);
  const ids = new Set([host, ...(own === null ? [] : [own]), ...seen].map(({ id }) => id));
  const arches = Object.values(catalogue.arches).filter(({ id }) => ids.has(id));
  const native = (id: string, pattern: MagicPattern): Native => ({
    what: `${id} programs, which run here without an emulator`,
    pattern,
  });
  return {
    host,
    arches: [host, ...arches.filter((arch) => arch !== host)],
    unproven: siblings.flatMap((arch, index) => {
      const finding = findings[index];
      if (typeof finding !== 'string' || ids.has(arch.id)) return [];
      const patterns = patternsOf(arch).map((pattern) => ({
        what: `${arch.id} programs`,
        pattern,
        missing: finding,
      }));
      return [{ arch, missing: finding, patterns }];
    }),
    patterns: [
      ...nativePatterns(running).map((pattern) => native(own?.id ?? 'native', pattern)),
      ...[...certain, ...seen].flatMap((arch) => patternsOf(arch).map((pattern) => native(arch.id, pattern))),
    ],
  };
}

/** The headers that the kernel's loader treats like programs of the arch. */
const patternsOf = ({ elf, probe }: Arch): readonly MagicPattern[] => nativePatterns(buildProbe(elf, probe));

/** The siblings of the host's arch in this catalogue and in the built-in one. */
function withBuiltin(host: Arch, catalogue: Catalogue): readonly Arch[] {
  const builtin = builtinCatalogue();
  const families = [catalogue, builtin].flatMap((each) => siblingsOf(each, each.arches[host.id] ?? host));
  return families.filter(
    (arch, index) =>
      families.findIndex((each) => each.id === arch.id && isDeepStrictEqual(each.elf, arch.elf)) === index,
  );
}

/**
 * Determines the arch of a program from its first bytes, and whether this machine runs it natively. Only probes
 * siblings of the host's arch.
 *
 * @throws INTERRUPTED.
 */
export async function buildArchOf(
  head: Uint8Array,
  { host, arches, unproven }: Natives,
  { catalogue, ...context }: Pick<Context, 'catalogue'> & ProbeContext,
): Promise<BuildArch> {
  const arch = archOfHeader(catalogue, head);
  if (arch === null) return { name: null, native: false };
  const name = arch.id;
  if (arches.includes(arch)) return { name, native: true };
  const known = unproven.find((each) => each.arch.id === name);
  if (known !== undefined) return { name, native: known.missing };
  if (!siblingsOf(catalogue, host).includes(arch)) return { name, native: false };
  const [native = false] = await tryAll([arch], context);
  return { name, native };
}

/** @throws NATIVE_ARCH if a requested arch runs natively; UNSAFE_RULE if that is unknown. */
export function assertNotNative(requested: readonly Arch[], { arches, unproven }: Natives): void {
  const native = requested.find(({ id }) => arches.some((each) => each.id === id));
  if (native === undefined) {
    const unknown = unproven.find(({ arch }) => requested.some(({ id }) => id === arch.id));
    if (unknown === undefined) return;
    throw new BinfmtctlError(
      'UNSAFE_RULE',
      `cannot determine whether ${unknown.arch.id} runs natively on this machine: ${unknown.missing}`,
      {
        hint: 'resolve this problem and try again: an entry for a native architecture would take over programs of this machine',
      },
    );
  }
  throw new BinfmtctlError(
    'NATIVE_ARCH',
    `${native.id} runs natively on this machine and needs no emulator`,
    {
      hint: `do not install an emulator for it: its entry would take over every ${native.id} program of this machine`,
    },
  );
}

// The sysctl (since Linux 6.1) is reliable; personality(2) and qemu-user change the result of uname(2).
function kernelMachine(): string {
  try {
    return readFileSync('/proc/sys/kernel/arch', 'utf8').trim();
  } catch {
    return machine();
  }
}

/** The arch and all others linked to it by `compat`, in either direction. */
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
