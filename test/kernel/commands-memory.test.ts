import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { addImage, newContent, writeLayout } from '../integration/fixtures/image.ts';
import { binfmtctl } from './support/command.ts';
import { emulatorFolder, removeAllEntries, temporaryFolder } from './support/machine.ts';

const MB = 1_000_000;

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const emulators = emulatorFolder();

/** Writes down the most memory that the process had; not ru_maxrss, which exec() hands on (fs/exec.c exec_mmap()). */
const METER = `process.on('exit', () => {
  const [, kilobytes] = /^VmHWM:\\s*(\\d+) kB$/m.exec(require('node:fs').readFileSync('/proc/self/status', 'utf8'));
  require('node:fs').writeFileSync(process.env.TEST_PEAK, kilobytes);
});`;

async function peakOf(words: readonly string[]): Promise<number> {
  const env = { NODE_OPTIONS: `--require=${at('meter.cjs')}`, TEST_PEAK: at('peak') };
  const { status, stderr } = await binfmtctl([...words, '--quiet', '--store', at('store')], { env });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return Number(readFileSync(at('peak'), 'utf8')) * 1024;
}

beforeAll(async () => {
  writeFileSync(at('meter.cjs'), METER);
  const content = newContent();
  const names = readdirSync(emulators).filter((name) => name.endsWith('-static'));
  expect(names.length).toBeGreaterThan(30);
  const entries = names.map((name) => ({
    name: `usr/bin/${name}`,
    bytes: readFileSync(join(emulators, name)),
  }));
  await writeLayout(at('layout'), content, [await addImage(content, [{ entries }])]);
  const made = await binfmtctl(
    ['bundle', '-o', at('all.tar'), '--all', '--source', `dir:${emulators}`].concat('--store', at('other')),
  );
  expect(made.status).toBe(0);
});
afterEach(removeAllEntries);

describe('install --all of thirty emulators', () => {
  it.each([
    ['a folder', `dir:${emulators}`],
    ['a bundle', `bundle:${at('all.tar')}`],
    ['an image', `oci:${at('layout')}`],
  ])('needs less than 120 MB from %s', async (_, source) => {
    const peak = await peakOf(['install', '--all', '--source', source]);
    console.log(`install --all --source ${source}: ${Math.round(peak / MB)} MB at most`);
    expect(peak).toBeLessThan(120 * MB);
  });
});
