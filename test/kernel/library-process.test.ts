/** The state of a process that uses the library. */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { tar } from '../integration/fixtures/deb.ts';
import { startWeb } from '../integration/fixtures/web.ts';
import { temporaryFolder } from './support/machine.ts';

const folder = temporaryFolder();

/** Fetches with the library, and prints what it changed. */
const PROGRAM = `
const v8 = require('node:v8');
const [, , index, store, source] = process.argv;
const flags = [];
v8.setFlagsFromString = (flag) => void flags.push(flag);
const globals = () => Reflect.ownKeys(globalThis).map(String);
const before = globals();
const { bundle } = require(index);
const arch = process.arch === 'arm64' ? 'riscv64' : 'arm64';
bundle(arch, { output: store + '/out.tar', source, store }).then(() => 'fetched', ({ code }) => code).then((outcome) => {
  const added = globals().filter((name) => !before.includes(name));
  const fetchers = added.filter((name) => name.includes('undici'));
  console.log(JSON.stringify({ outcome, flags, fetchers, gc: require('node:vm').runInNewContext('typeof gc') }));
});`;

it('is left as it is by a download: the flags of V8 and the dispatcher of fetch', async () => {
  writeFileSync(join(folder, 'program.cjs'), PROGRAM);
  // Larger than the amount after which the command frees buffers.
  const archive = await tar([{ name: 'usr/lib/noise', bytes: randomBytes(16_000_000) }]);
  const sha256 = createHash('sha256').update(archive).digest('hex');
  const web = await startWeb({ '/file': archive });
  try {
    const source = `url:${web.origin}/file#sha256=${sha256}`;
    const words = [join(folder, 'program.cjs'), resolve('dist/index.cjs'), folder, source];
    const { stdout } = await promisify(execFile)(process.execPath, words);
    expect(web.requests).toHaveLength(1);
    expect(JSON.parse(stdout)).toEqual({
      outcome: 'EMULATOR_NOT_FOUND',
      flags: [],
      fetchers: [],
      gc: 'undefined',
    });
  } finally {
    await web.close();
  }
});
