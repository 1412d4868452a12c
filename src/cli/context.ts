import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Context, Progress } from '../context.ts';
import { defaultStore } from '../emulators/store/location.ts';
import { BinfmtctlError } from '../errors.ts';
import { builtinCatalogue } from '../profiles/builtin.ts';
import { isOurImage } from '../system/host.ts';
import { removeLeftovers } from '../system/temporary.ts';
import { freeBuffersEarly } from './collector.ts';
import type { CommonOptions } from './common-options.ts';

/** Builds the context of an operation from the common options. */
export async function openContext(
  { binfmtDir, store, catalogue }: CommonOptions,
  report: (progress: Progress) => void = () => {},
  signal: AbortSignal = new AbortController().signal,
): Promise<Context> {
  if (store === '')
    throw new BinfmtctlError('USAGE', '--store is empty', { hint: 'pass a directory, or omit --store' });
  const place = resolve(store ?? defaultStore(process.env, process.geteuid?.() ?? 0));
  requireTextPath(place);
  const inImage = isOurImage();
  if (inImage) await prepareImage(binfmtDir, place);
  removeLeftovers();
  freeBuffersEarly();
  return {
    catalogue:
      catalogue.length === 0
        ? builtinCatalogue()
        : await (await import('./parts/preparation.ts')).loadCatalogue(catalogue),
    binfmtDirectory: binfmtDir,
    // Entries need the absolute paths of emulators in the store.
    store: place,
    inImage,
    report,
    signal,
  };
}

/** HOME and XDG_DATA_HOME may contain bytes that Node replaces. Options were checked before. */
function requireTextPath(path: string): void {
  if (!path.includes('\ufffd') || isUtf8(readFileSync('/proc/self/environ'))) return;
  throw new BinfmtctlError('USAGE', 'the path of the store is not valid UTF-8', {
    hint: 'choose another store with --store DIR',
  });
}

/** In a container of our image nothing else mounts them. If this fails, the command reports it. */
async function prepareImage(binfmtDirectory: string, store: string): Promise<void> {
  const { ensureMounted, makeImageWritable } = await import('./parts/preparation.ts');
  await ensureMounted(binfmtDirectory).catch(() => {});
  await makeImageWritable(store);
}
