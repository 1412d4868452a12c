import { join } from 'node:path';
import { BinfmtctlError, type ErrorCode } from '../../errors.ts';
import { rootCommand, runAsRoot } from '../../system/process/sudo.ts';
import { parseJson } from '../../text/json.ts';
import { showLine } from './log.ts';

/**
 * Runs `binfmtctl` as root and returns the document that it prints. Its other output goes to the log immediately.
 *
 * @param words Its command line, with --json.
 * @throws what it failed with; INTERRUPTED; NO_PRIVILEGE where this user cannot become root; PROCESS_FAILED.
 */
export async function asRoot(words: readonly string[], signal: AbortSignal): Promise<unknown> {
  if (signal.aborted)
    throw new BinfmtctlError('INTERRUPTED', `interrupted before binfmtctl ${words[0]}`, {
      cause: signal.reason,
    });
  const uid = process.geteuid?.() ?? 0;
  const program = [process.execPath, join(import.meta.dirname, 'cli.cjs'), ...words];
  const failures: string[] = [];
  const onLine = (line: string): void => {
    // The document describes the failure.
    if (/^(?:sudo|binfmtctl|hint|error): /.test(line)) failures.push(line);
    else showLine(line);
  };
  const ran = await runAsRoot(rootCommand(uid, process.env, program), { onLine, signal });
  const document = parseJson(ran.stdout);
  if (isErrorDocument(document)) {
    const { code, message, hint } = document;
    // The exit status names the signal.
    const cause = signal.aborted ? signal.reason : undefined;
    throw new BinfmtctlError(code, message, { hint: hint ?? undefined, cause });
  }
  if (ran.status === 0) return document;
  const last = failures.at(-1) ?? '';
  if (uid !== 0 && ran.errno !== null) throw notRoot(`sudo could not be started (${ran.errno})`);
  if (uid !== 0 && last.startsWith('sudo: ')) throw notRoot(last);
  throw new BinfmtctlError(
    'PROCESS_FAILED',
    `binfmtctl ${words[0]} ended with status ${ran.status}: ${last}`,
    {
      hint: 'see the previous lines of the log',
    },
  );
}

const notRoot = (why: string): BinfmtctlError =>
  new BinfmtctlError(
    'NO_PRIVILEGE',
    `emulators are registered by root, and this runner cannot become root: ${why}`,
    {
      hint: "let the runner's user run sudo without a password (`USER ALL=(ALL) NOPASSWD: ALL`), or run the job as root",
    },
  );

interface ErrorDocument {
  readonly schema: 'binfmtctl/error/1';
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | null;
}

const isErrorDocument = (document: unknown): document is ErrorDocument =>
  (document as Partial<ErrorDocument> | null)?.schema === 'binfmtctl/error/1';
