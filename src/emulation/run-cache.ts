/**
 * The emulators that `run` and `enter` found last time: to find and inspect them takes longer than all the rest. A cached
 * rule is valid as long as the emulator's file, binfmtctl and the kernel are the same.
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

/** A rule of our own for an arch, with what is known of its emulator. */
export interface OwnRule {
  readonly arch: string;
  readonly rule: Rule;
  readonly version: string | null;
  /** What is known to be wrong with it, in full sentences. */
  readonly warnings: readonly string[];
}

const fileIn = (store: string): string => join(store, 'run.json');

export interface RunCache {
  readonly rules: readonly OwnRule[];
  /** Whether all arches were looked for. */
  readonly all: boolean;
}

export const EMPTY_RUN_CACHE: RunCache = { rules: [], all: false };

/** The cached rules of emulators that are still the same files. */
export function readRunCache({ store }: Pick<Context, 'store'>): RunCache {
  const { arches, all } = read(store);
  return { rules: Object.entries(arches).flatMap(([id, value]) => decode(id, value) ?? []), all };
}

/** Adds rules to the cache. If it cannot be written, the next run looks for the emulators again. */
export async function addToRunCache(
  { rules, all }: RunCache,
  { store }: Pick<Context, 'store'>,
): Promise<void> {
  const before = read(store);
  const arches = { ...before.arches, ...Object.fromEntries(rules.map((own) => [own.arch, encode(own)])) };
  const cache = { stamp: stamp(), all: all || before.all, arches };
  await writeAtomic(fileIn(store), `${JSON.stringify(cache)}\n`).catch(() => {});
}

/** All else that decides which emulator is taken, and with which flags. */
const stamp = (): string =>
  JSON.stringify([
    typeof BINFMTCTL_VERSION === 'undefined' ? '' : BINFMTCTL_VERSION,
    release(),
    process.geteuid?.(),
  ]);

/** @throws STORE_FAILED, FILE_FAILED where another user can have written it: it names what is executed. */
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

/** The change time moves with every change of the bytes, and no program can set it back (inode(7)). */
function identityOf(path: string): string | null {
  const file = statSync(path, { bigint: true, throwIfNoEntry: false });
  return file === undefined ? null : [file.dev, file.ino, file.size, file.mtimeNs, file.ctimeNs].join(':');
}
