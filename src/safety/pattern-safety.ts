import { BinfmtctlError } from '../errors.ts';
import { covers, overlap, SCRIPT_PATTERN } from '../rule/algebra.ts';
import type { MagicPattern, Pattern, Rule } from '../rule/types.ts';
import { findChainFault } from './interpreter-chain.ts';
import type { Machine, Native } from './types.ts';

/**
 * First bytes of common scripts. A rule that matches one of these classes is unsafe even if no such script is installed
 * yet.
 */
const SCRIPT_CLASSES: readonly MagicPattern[] = [
  '#!/bin/sh\n',
  '#! /bin/sh\n',
  '#!/bin/bash\n',
  '#!/usr/bin/env ',
  '#!/usr/bin/perl',
  '#!/usr/bin/python3',
].map((line) => ({ type: 'magic', offset: 0, magic: new TextEncoder().encode(line), mask: null }));

/** Extensions of files that machines execute: shell scripts, shared objects, dpkg's maintainer scripts. */
const NATIVE_EXTENSIONS: ReadonlySet<string> = new Set([
  'sh',
  'bash',
  'so',
  'preinst',
  'postinst',
  'prerm',
  'postrm',
]);

/**
 * Throws if `rule` affects native programs of the machine. The kernel tries binfmt_misc before its own loaders
 * (fs/exec.c search_binary_handler()), so a rule that matches native programs makes every exec fail with ELOOP,
 * including `rm` and `sh`. `others` are all other rules of the instance and of the same request, including disabled
 * ones, which can be enabled. `entries` are those of `others` that are already registered.
 *
 * @throws UNSAFE_RULE with what the rule would take over, or why that is unknown.
 */
export function assertSafe(
  rule: Rule,
  others: readonly Rule[],
  machine: Machine,
  entries: readonly Rule[] = others,
): void {
  const { pattern } = rule;
  const taken =
    pattern.type === 'magic' ? takenByMagic(pattern, machine) : takenByExtension(pattern, machine);
  const found =
    taken === null
      ? findChainFault(rule, others, entries, machine)
      : { fault: `would take over ${taken}`, hint: hintFor(pattern, machine) };
  if (found === null) return;
  const { fault, hint } = found;
  throw new BinfmtctlError('UNSAFE_RULE', `rule ${rule.name} ${fault}: refused`, { hint });
}

function hintFor(pattern: Pattern, { natives }: Machine): string {
  const native = pattern.type === 'magic' ? natives.find((each) => covers(each.pattern, pattern)) : undefined;
  return native === undefined
    ? HINTS[pattern.type]
    : `omit this rule: this machine runs ${native.what.split(',')[0]} without an emulator`;
}

const HINTS = {
  magic:
    'compare magic and mask with `binfmtctl catalogue show ARCH`; check your profiles with `binfmtctl catalogue lint DIR`',
  extension: 'use a more specific extension, or match the files by magic',
} as const;

/** A warning about a safe rule that also matches some scripts; null for other rules. */
export function scriptWarning({ name, pattern }: Rule): string | null {
  if (pattern.type === 'extension' || !matchesScripts(pattern) || !canBeText(pattern)) return null;
  return `rule ${name} also matches \`#!\` scripts that contain its bytes at offset ${pattern.offset}`;
}

function takenByMagic(pattern: MagicPattern, { natives, unproven, programs }: Machine): string | null {
  const isTaken = (native: Native): boolean => overlap(pattern, withZeroPadding(native.pattern));
  const native = natives.find(isTaken);
  if (native !== undefined) return native.what;
  const unknown = unproven.find(isTaken);
  if (unknown !== undefined) return `${unknown.what}, which may run natively (unknown: ${unknown.missing})`;
  const takesScripts = matchesScripts(pattern);
  const isBroad = [0, 1].some((at) => comparesByte(pattern, at)) || comparedBits(pattern) < FEWEST_BITS;
  if (takesScripts && (isBroad || SCRIPT_CLASSES.some((kind) => covers(pattern, kind))))
    return '`#!` scripts';
  const isClose = [...natives, ...unproven].some((each) => overlap(pattern, each.pattern));
  return takesScripts || isClose ? (programs(pattern)[0]?.path ?? null) : null;
}

function takenByExtension(pattern: Extract<Pattern, { type: 'extension' }>, machine: Machine): string | null {
  if (NATIVE_EXTENSIONS.has(pattern.extension))
    return `programs of this machine: .${pattern.extension} files`;
  return machine.programs(pattern)[0]?.path ?? null;
}

const matchesScripts = (pattern: MagicPattern): boolean => overlap(pattern, SCRIPT_PATTERN);

/**
 * The pattern with zeros in EI_PAD (bytes 9 to 15), as in the System V ABI. The loader accepts any padding, but only
 * other kinds of files use it: AppImages have `AI` and their type there.
 */
function withZeroPadding(native: MagicPattern): MagicPattern {
  const known = padded.get(native);
  if (known !== undefined) return known;
  const { magic, mask, ...pattern } = native;
  const zeros = magic.slice();
  const full = mask?.slice() ?? new Uint8Array(magic.length).fill(0xff);
  zeros.fill(0, 9, 16);
  full.fill(0xff, 9, 16);
  const result = { ...pattern, magic: zeros, mask: full };
  padded.set(native, result);
  return result;
}

const padded = new WeakMap<MagicPattern, MagicPattern>();

/** Below two bytes, a rule matches scripts by chance: about one in thirty has a given letter at a given position. */
const FEWEST_BITS = 16;

function comparedBits({ magic, mask }: MagicPattern): number {
  const bits = [...(mask ?? magic.map(() => 0xff))].map(
    (byte) => byte.toString(2).replaceAll('0', '').length,
  );
  return bits.reduce((sum, each) => sum + each, 0);
}

function comparesByte({ offset, magic, mask }: MagicPattern, at: number): boolean {
  return at >= offset && at < offset + magic.length && (mask?.[at - offset] ?? 0xff) !== 0;
}

/** True if text can match: scripts contain no control characters except tab, newline and carriage return. */
function canBeText({ magic, mask }: MagicPattern): boolean {
  return magic.every((byte, index) => {
    const bits = mask?.[index] ?? 0xff;
    return TEXT_BYTES.some((text) => ((text ^ byte) & bits) === 0);
  });
}

const TEXT_BYTES = Array.from({ length: 256 }, (_, byte) => byte).filter(
  (byte) => byte === 0x09 || byte === 0x0a || byte === 0x0d || byte >= 0x20,
);
