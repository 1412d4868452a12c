import { corrupt, type HashedFile, requireSame, writeHashed } from '../system/file/integrity.ts';
import { httpError } from './error.ts';
import type { HttpResponse } from './http.ts';
import type { LimitedTransfer } from './limits.ts';
import { byteProgress } from './progress.ts';
import { withRetries } from './retry.ts';
import { speedFloor } from './speed.ts';

export interface Download {
  /** Kind of the source, the prefix of progress lines. */
  readonly kind: 'oci' | 'url';
  /** For messages: `layer sha256:…`. */
  readonly what: string;
  /** The expected digest, `sha256:…`; null to accept any. */
  readonly digest: string | null;
  /** In bytes; null if only the server knows. */
  readonly size: number | null;
  /** Maximum size in bytes. */
  readonly maxBytes: number;
}

/** An attempt makes progress if it receives a 64th of the total, so that a trickle does not reset the retries. */
const PROGRESS_PARTS = 64;
/** The same in bytes, if the total is unknown. */
const PROGRESS_BYTES = 1 << 20;

type Open = (headers: Readonly<Record<string, string>>) => Promise<HttpResponse>;

/**
 * Downloads to `file` and returns the digest. Resumes after a broken connection. Downloads once more after a digest mismatch.
 * Removes the file on failure.
 *
 * @param open sends the request with the given headers
 * @throws BAD_PACKAGE for a digest mismatch; errors of `open`, after the retries.
 */
export async function download(
  open: Open,
  file: string,
  expected: Download,
  options: LimitedTransfer,
): Promise<string> {
  const { kind, what, digest } = expected;
  let received = '';
  await writeHashed(file, async (hashed) => {
    await fetchAll(open, hashed, expected, options);
    if (digest !== null && hashed.digest() !== digest) {
      options.report({ kind: 'text', text: `${kind}: digest mismatch for ${what}; retrying` });
      await hashed.restart();
      await fetchAll(open, hashed, expected, options);
    }
    received = hashed.digest();
    if (digest !== null) requireSame(what, received, digest);
  });
  return received;
}

async function fetchAll(
  open: Open,
  file: HashedFile,
  { kind, what, size, maxBytes }: Download,
  { limits, report, signal }: LimitedTransfer,
): Promise<void> {
  const onBytes = byteProgress(report);
  let total = size;
  let reached = 0;
  const floor = speedFloor(what, limits);
  const attempt = async (progressed: () => void): Promise<void> => {
    if (file.size() === total && total > 0) return;
    const response = await openAt(open, file, what, signal);
    total = size ?? announcedSize(response);
    const most = total ?? maxBytes;
    if (most > maxBytes) throw tooLarge(what, maxBytes, response);
    floor.resume();
    for await (const chunk of response.body) {
      floor.received(chunk.length);
      if (file.size() + chunk.length > most) throw tooLarge(what, most, response);
      await file.write(chunk);
      onBytes(file.size(), total);
      if (file.size() >= reached + (total === null ? PROGRESS_BYTES : total / PROGRESS_PARTS)) {
        reached = file.size();
        progressed();
      }
    }
    if (total !== null && file.size() < total)
      throw cutOff(`cannot fetch ${what} (received ${file.size()} of ${total} bytes)`, response, signal);
  };
  await withRetries(
    (progressed) => attempt(progressed).finally(floor.pause),
    limits,
    signal,
    (text) => report({ kind: 'text', text: `${kind}: ${text}` }),
  );
  onBytes(file.size(), file.size());
}

/** Requests the missing part of a file. Discards the existing part if the response has the whole file. */
async function openAt(
  open: Open,
  file: HashedFile,
  what: string,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const from = file.size();
  const response = await open(from === 0 ? {} : { range: `bytes=${from}-` });
  if (isFrom(response, from)) return response;
  await file.restart();
  if (response.status !== 206) return response;
  response.discard();
  throw cutOff(`cannot fetch ${what} (received another range than requested)`, response, signal);
}

/** Whether a response starts at byte `from`. */
function isFrom({ status, headers }: HttpResponse, from: number): boolean {
  if (from === 0) return status === 200;
  return status === 206 && headers['content-range']?.startsWith(`bytes ${from}-`) === true;
}

/** The total size according to the server. */
function announcedSize({ status, headers }: HttpResponse): number | null {
  const text = status === 206 ? headers['content-range']?.split('/')[1] : headers['content-length'];
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

const cutOff = (what: string, { url }: HttpResponse, signal: AbortSignal): Error =>
  httpError({ code: 'CUT_OFF' }, { what, host: url.host, signal });

function tooLarge(what: string, most: number, response: HttpResponse): Error {
  response.discard();
  return corrupt(`${what} is larger than ${most} bytes`);
}
