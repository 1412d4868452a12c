/**
 * Cache of the emulators that `run` and `enter` found, because finding and inspecting them takes longer than everything else. A
 * cached rule is valid while the emulator's file, binfmtctl and the kernel stay the same.
 */
import { statSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { readStoreFile } from '../emulators/store/trust.ts';
import { formatRegister, parseRegister } from '../rule/register.ts';
import { isBpf, type Rule } from '../rule/types.ts';
import { writeAtomic } from '../system/file/write-file.ts';
import { isRecord, parseJson } from '../text/json.ts';

declare const BINFMTCTL_VERSION: string;

/** A rule for a private instance. */
export interface OwnRule {
  readonly arch: string;
  readonly rule: Rule;
  readonly version: string | null;
  /** Known problems of the emulator. */
  readonly warnings: readonly string[];
}

const fileIn = (store: string): string => join(store, 'run.json');

export interface RunCache {
  readonly rules: readonly OwnRule[];
  /** Whether all architectures were searched for. */
  readonly all: boolean;
}

export const EMPTY_RUN_CACHE: RunCache = { rules: [], all: false };

/** The cached rules whose emulators are unchanged. */
export function readRunCache({ store }: Pick<Context, 'store'>): RunCache {
  const { arches, all } = read(store);
  return { rules: Object.entries(arches).flatMap(([id, value]) => decode(id, value) ?? []), all };
}

/** Adds rules to the cache. If that fails, the next run searches again. */
export async function addToRunCache(
  { rules, all }: RunCache,
  { store }: Pick<Context, 'store'>,
): Promise<void> {
  const before = read(store);
  const arches = { ...before.arches, ...Object.fromEntries(rules.map((own) => [own.arch, encode(own)])) };
  const cache = { stamp: stamp(), all: all || before.all, arches };
  await writeAtomic(fileIn(store), `${JSON.stringify(cache)}\n`).catch(() => {});
}

/** Everything else that the choice of emulators and flags depends on. */
const stamp = (): string =>
  JSON.stringify([
    typeof BINFMTCTL_VERSION === 'undefined' ? '' : BINFMTCTL_VERSION,
    release(),
    process.geteuid?.(),
  ]);

/** @throws STORE_FAILED, FILE_FAILED if another user may have written the cache, which names programs to execute. */
function read(store: string): { readonly arches: Readonly<Record<string, unknown>>; readonly all: boolean } {
  const file = parseJson(readStoreFile(store, 'run.json') ?? '');
  if (isRecord(file) && file['stamp'] === stamp() && isRecord(file['arches']))
    return { arches: file['arches'], all: file['all'] === true };
  return { arches: {}, all: false };
}

const encode = ({ rule, version, warnings }: OwnRule): unknown => ({
  rule: Buffer.from(formatRegister(rule)).toString('latin1'),
  file: identityOf(rule.interpreter),
  version,
  warnings,
});

function decode(arch: string, value: unknown): OwnRule | null {
  if (!isRecord(value)) return null;
  const { rule: text, file, version, warnings } = value;
  if (typeof text !== 'string' || !(typeof version === 'string' || version === null)) return null;
  if (!Array.isArray(warnings) || !warnings.every((each) => typeof each === 'string')) return null;
  const parsed = parseRegister(Buffer.from(text, 'latin1'));
  if ('errno' in parsed || isBpf(parsed.rule)) return null;
  const { rule } = parsed;
  return file === identityOf(rule.interpreter) && file !== null ? { arch, rule, version, warnings } : null;
}

/** Includes the change time, which every write updates and no program can set (inode(7)). */
function identityOf(path: string): string | null {
  const file = statSync(path, { bigint: true, throwIfNoEntry: false });
  return file === undefined ? null : [file.dev, file.ino, file.size, file.mtimeNs, file.ctimeNs].join(':');
}
