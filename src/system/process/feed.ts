import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { RunningProcess } from './process.ts';

/**
 * Gives a program its input, as fast as it takes it, and no more once it has ended: it may end before it has read all.
 *
 * @param onFailure called at once where reading `input` fails, before the program sees an end
 * @returns what reading `input` threw; null where it threw nothing
 */
export async function feed(
  { stdin, ended }: Pick<RunningProcess, 'stdin' | 'ended'>,
  input: AsyncIterable<Uint8Array>,
  onFailure: () => void = () => {},
): Promise<{ readonly error: unknown } | null> {
  let failed: { readonly error: unknown } | null = null;
  // Not by yield*, into which the stream throws what becomes of standard input: EPIPE.
  async function* watched(): AsyncGenerator<Uint8Array> {
    const iterator = input[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await iterator.next().catch((error: unknown) => {
          failed = { error };
          onFailure();
          throw error;
        });
        if (next.done) return;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  }
  const source = Readable.from(watched(), { objectMode: false });
  ended.then(() => source.destroy());
  await pipeline(source, stdin).catch(() => {});
  return failed;
}
