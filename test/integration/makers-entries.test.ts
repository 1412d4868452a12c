/** The catalogue registers the same entries as the projects' own packages, so that neither replaces the other's. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import { emulatorPattern } from '../../src/catalogue/resolve.ts';
import { decodeBinfmtD } from '../../src/file-format/binfmt-d.ts';
import { builtinCatalogue } from '../../src/profiles/builtin.ts';
import { equalPatterns } from '../../src/rule/algebra.ts';
import { matches } from '../../src/rule/match.ts';
import { parseRegister } from '../../src/rule/register.ts';
import { encodeText } from '../../src/rule/text.ts';

const ENTRIES = [
  ['box64', 'x86_64', 'box64:arm64@trixie', 'box64.conf'],
  ['box64', 'x86_64', 'box64:arm64@forky', 'box64.conf'],
  ['box32', 'i386', 'box64:arm64@forky', 'box32.conf'],
] as const;

it.each(ENTRIES)('%s has the entry of its package for %s: %s', (emulator, guest, package_, file) => {
  const [root = ''] = unpackPackages(package_);
  const [line] = decodeBinfmtD(readFileSync(join(root, 'usr/lib/binfmt.d', file))).rules;
  const parsed = parseRegister(encodeText(line?.text ?? ''));
  if ('errno' in parsed) throw new Error(parsed.errno);
  const { arches, emulators } = builtinCatalogue();
  const [arch, profile] = [arches[guest], emulators[emulator]];
  if (arch === undefined || profile === undefined) throw new Error('no such profile');
  expect(parsed.rule).toMatchObject({ name: profile.entry, flags: [] });
  expect(equalPatterns(parsed.rule.pattern, emulatorPattern(arch, profile))).toBe(true);
});

it.each(['box64', 'fex'])('%s matches AppImages', (emulator) => {
  const { arches, emulators } = builtinCatalogue();
  const [arch, profile] = [arches['x86_64'], emulators[emulator]];
  if (arch === undefined || profile === undefined) throw new Error('no such profile');
  const head = Buffer.from(arch.magic, 'hex');
  head.write('AI\x02', 8, 'latin1');
  expect(matches(emulatorPattern(arch, profile), head, '')).toBe(true);
});
