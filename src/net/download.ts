import { corrupt, type HashedFile, requireSame, writeHashed } from '../system/file/integrity.ts';
import { httpError } from './error.ts';
import type { HttpResponse } from './http.ts';
import type { LimitedTransfer } from './limits.ts';
import { byteProgress } from './progress.ts';
import { withRetries } from './retry.ts';
import { speedFloor } from './speed.ts';

export interface Download {
  /** Kind of the source, with which lines of progress begin. */
  readonly kind: 'oci' | 'url';
  /** For messages: `layer sha256:…`. */
  readonly what: string;
  /** `sha256:…`; null where anything is taken. */
  readonly digest: string | null;
  /** Bytes; null where only the server knows how many. */
  readonly size: number | null;
  /** Most bytes that are taken. */
  readonly maxBytes: number;
}

/** So much more than before counts as getting further: a 64th part, lest a slow drip never ends. */
const PROGRESS_PARTS = 64;
/** The same in bytes where nobody knows how many come. */
const PROGRESS_BYTES = 1 << 20;

type Open = (headers: Readonly<Record<string, string>>) => Promise<HttpResponse>;

/**
 * Brings bytes to `file` and returns their digest. After a broken connection it goes on where it was; bytes of another digest
 * than the wanted one are fetched once more from the start.
 *
 * @param open asks for the bytes with more headers, and throws where they are not to be had
 * @throws BAD_PACKAGE for other bytes; what `open` throws, in the end; nothing is left then.
 */
export async function download(
  open: Open,
  file: string,
  wanted: Download,
  options: LimitedTransfer,
): Promise<string> {
  const { kind, what, digest } = wanted;
  let came = '';
  await writeHashed(file, async (hashed) => {
    await fetchAll(open, hashed, wanted, options);
    if (digest !== null && hashed.digest() !== digest) {
      options.report({ kind: 'text', text: `${kind}: what came as ${what} is wrong; fetching it once more` });
      await hashed.restart();
      await fetchAll(open, hashed, wanted, options);
    }
    came = hashed.digest();
    if (digest !== null) requireSame(`what came as ${what}`, came, digest);
  });
  return came;
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
      throw cutOff(`cannot fetch ${what}: ${file.size()} of ${total} bytes came`, response, signal);
  };
  await withRetries(
    (progressed) => attempt(progressed).finally(floor.pause),
    limits,
    signal,
    (text) => report({ kind: 'text', text: `${kind}: ${text}` }),
  );
  onBytes(file.size(), file.size());
}

/** Asks for what is missing yet; what is there already is thrown away where the answer has all of it. */
async function openAt(
  open: Open,
  file: HashedFile,
  what: string,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const from = file.size();
  const response = await open(from === 0 ? {} : { range: `bytes=${from}-` });
  if (goesOnAt(response, from)) return response;
  await file.restart();
  if (response.status !== 206) return response;
  response.discard();
  throw cutOff(`cannot fetch ${what}: another part of it came than was asked for`, response, signal);
}

/** Whether an answer has the bytes from there on, and not all of them. */
function goesOnAt({ status, headers }: HttpResponse, from: number): boolean {
  if (from === 0) return status === 200;
  return status === 206 && headers['content-range']?.startsWith(`bytes ${from}-`) === true;
}

/** How many bytes there are in all, as the server has it. */
function announcedSize({ status, headers }: HttpResponse): number | null {
  const text = status === 206 ? headers['content-range']?.split('/')[1] : headers['content-length'];
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

const cutOff = (what: string, { url }: HttpResponse, signal: AbortSignal): Error =>
  httpError({ code: 'CUT_OFF' }, { what, host: url.host, signal });

function tooLarge(what: string, most: number, response: HttpResponse): Error {
  response.discard();
  return corrupt(`what came as ${what} has more than ${most} bytes`);
}
