import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { RunningProcess } from './process.ts';

/**
 * Writes a program's input as fast as the program reads it. Stops when the program ends, which may be before the end of the input.
 *
 * @param onFailure called if reading `input` fails, before the program sees an end of file
 * @returns the error of `input`; null if there was none
 */
export async function feed(
  { stdin, ended }: Pick<RunningProcess, 'stdin' | 'ended'>,
  input: AsyncIterable<Uint8Array>,
  onFailure: () => void = () => {},
): Promise<{ readonly error: unknown } | null> {
  let failed: { readonly error: unknown } | null = null;
  // Not yield*: the stream throws EPIPE of standard input into it.
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
