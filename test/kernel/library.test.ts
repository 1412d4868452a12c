// The library as a package has it: what is built.
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { unpackPackages } from '../../scripts/packages.mjs';
import type * as Library from '../../src/index.ts';
import { temporaryFolder } from '../integration/fixtures/temporary.ts';

const folder = temporaryFolder();
const emulators = () => join(unpackPackages('qemu-user-static')[0] ?? '', 'usr/bin');
let library: typeof Library;
let options: { readonly store: string; readonly source: string };

beforeAll(async () => {
  library = await import(pathToFileURL(resolve('dist/index.mjs')).href);
  options = { store: folder('store'), source: `dir:${emulators()}` };
});

const common = () => ({ store: options.store });

describe('the operations of the library', () => {
  afterEach(() => library.uninstall([], { ...common(), all: true, purge: true }));

  it('install, list, verify and remove an architecture by its name alone', async () => {
    const progress: Library.Progress[] = [];
    const onProgress = (each: Library.Progress) => void progress.push(each);
    const installed = await library.install('arm64', { ...options, onProgress });
    expect(installed.proofs).toMatchObject([
      { arch: 'aarch64', entry: 'qemu-aarch64', verdict: { outcome: 'works' } },
    ]);
    expect(progress).toContainEqual({ kind: 'stage', stage: 'register', text: expect.any(String) });
    expect(await library.status(common())).toMatchObject({
      entries: [
        { arch: 'aarch64', emulator: 'qemu', entry: { name: 'qemu-aarch64', flags: ['P', 'O', 'F'] } },
      ],
    });
    expect(await library.verify(undefined, common())).toMatchObject({ outcome: 'works', holds: true });
    const { steps } = await library.uninstall('linux/arm64', common());
    expect(steps.map(library.describeStep)).toContainEqual(
      expect.stringMatching(/^remove entry qemu-aarch64 /),
    );
    expect((await library.status(common())).entries).toEqual([]);
  });

  it('take Arch objects and lists, and change nothing with dryRun', async () => {
    const { arches } = library.builtinCatalogue();
    const arch = arches['riscv64'] ?? '';
    const { dryRun, toFetch } = await library.install([arch, 's390x,arm64'], { ...options, dryRun: true });
    expect({ dryRun, toFetch }).toEqual({ dryRun: true, toFetch: ['riscv64', 's390x', 'aarch64'] });
    expect((await library.status(common())).entries).toEqual([]);
  });

  it('refuse unknown architectures with the nearest known one', async () => {
    await expect(library.verify('amr64', common())).rejects.toMatchObject({
      code: 'UNKNOWN_ARCH',
      hint: 'did you mean arm64?',
    });
    const unknown = { kind: 'arch', id: 'z80' } as const;
    await expect(library.install(unknown, options)).rejects.toMatchObject({ code: 'UNKNOWN_ARCH' });
  });

  it('roll back and reject once their signal is aborted', async () => {
    const abort = new AbortController();
    const onProgress = ({ kind, ...rest }: Library.Progress) => {
      if (kind === 'stage' && 'stage' in rest && rest.stage === 'prove') abort.abort();
    };
    const interrupted = library.install('arm64', { ...options, signal: abort.signal, onProgress });
    const failure: unknown = await interrupted.catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(library.BinfmtctlError);
    expect(failure).toMatchObject({ code: 'INTERRUPTED', cause: abort.signal.reason });
    expect((await library.status(common())).entries).toEqual([]);
  });

  it('go on if the function for progress throws', async () => {
    const warnings: string[] = [];
    const listen = ({ message }: Error) => void warnings.push(message);
    process.on('warning', listen);
    const onProgress = () => {
      throw new Error('no terminal');
    };
    const { proofs } = await library.install('arm64', { ...options, onProgress });
    expect(proofs).toHaveLength(1);
    await new Promise((done) => setImmediate(done));
    process.off('warning', listen);
    expect(warnings).toContain('onProgress threw: no terminal');
  });

  it('export, import, bundle and lock with no more than names', async () => {
    await library.install('arm64', options);
    const { files } = await library.exportRules('qemu-*', { ...common(), output: folder('out.conf') });
    expect(files).toMatchObject([
      { path: folder('out.conf'), text: expect.stringMatching(/^:qemu-aarch64:M:/m) },
    ]);
    expect(await library.importRules(folder('out.conf'), common())).toMatchObject({
      steps: [],
      unchanged: ['qemu-aarch64'],
    });
    const output = folder('emulators.tar');
    const { emulators: bundled } = await library.bundle('riscv64', { ...options, output });
    expect(bundled).toMatchObject([{ guest: 'riscv64', emulator: 'qemu' }]);
    const file = folder('binfmtctl.lock');
    const { changes } = await library.updateLock(['riscv64'], {
      ...common(),
      file,
      source: `bundle:${output}`,
    });
    expect(changes).toMatchObject([{ arch: 'riscv64', before: null }]);
  });
});
