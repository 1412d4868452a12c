import type { HttpResponse } from '../../system/http.ts';
import { httpError } from '../../system/http-error.ts';
import { withRetries } from '../../system/http-retry.ts';
import { corrupt, type Expected, type HashedFile, requireSame, writeHashed } from './integrity.ts';
import { byteProgress } from './progress.ts';
import type { PullOptions } from './types.ts';

/** So much more than before counts as getting further: a 64th part, lest a slow drip never ends. */
const PROGRESS_PARTS = 64;

type Open = (headers: Readonly<Record<string, string>>) => Promise<HttpResponse>;

/**
 * Brings the bytes of a digest to `file`. After a broken connection it goes on where it was; bytes that are not those of the
 * digest are fetched once more from the start.
 *
 * @param open asks for the bytes with more headers, and throws where they are not to be had
 * @throws BAD_PACKAGE for other bytes; what `open` throws, in the end; nothing is left then.
 */
export async function download(
  open: Open,
  file: string,
  expected: Expected,
  options: PullOptions,
): Promise<void> {
  const { digest, size } = expected;
  const onBytes = byteProgress(size, options.report);
  await writeHashed(file, async (hashed) => {
    await fetchAll(open, hashed, expected, onBytes, options);
    if (hashed.digest() !== digest) {
      await hashed.restart();
      await fetchAll(open, hashed, expected, onBytes, options);
    }
    requireSame('what came as a layer', hashed.digest(), digest);
  });
  onBytes(size);
}

async function fetchAll(
  open: Open,
  file: HashedFile,
  { digest, size }: Expected,
  onBytes: (done: number) => void,
  { limits, signal }: PullOptions,
): Promise<void> {
  let reached = 0;
  const attempt = async (progressed: () => void): Promise<void> => {
    const from = file.size();
    if (from === size && size > 0) return;
    const response = await open(from === 0 ? {} : { range: `bytes=${from}-` });
    if (!goesOnAt(response, from)) await file.restart();
    for await (const chunk of response.body) {
      if (file.size() + chunk.length > size)
        throw corrupt(`what came as layer ${digest} has more than ${size} bytes`);
      await file.write(chunk);
      onBytes(file.size());
      if (file.size() >= reached + size / PROGRESS_PARTS) {
        reached = file.size();
        progressed();
      }
    }
    if (file.size() < size) {
      const what = `cannot fetch layer ${digest}: ${file.size()} of ${size} bytes came`;
      throw httpError({ code: 'CUT_OFF' }, what, signal);
    }
  };
  await withRetries(attempt, limits, signal);
}

/** Whether an answer has the bytes from there on, and not all of them. */
function goesOnAt({ status, headers }: HttpResponse, from: number): boolean {
  if (from === 0) return status === 200;
  return status === 206 && headers['content-range']?.startsWith(`bytes ${from}-`) === true;
}
