/** Starts the built command as a user does. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { expect } from 'vitest';

const COMMAND = resolve('dist/cli.cjs');

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Circumstances {
  /** A program and its arguments that start the command: `['setpriv', '--reuid=1000']`. */
  readonly within?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export function binfmtctl(
  words: readonly string[],
  { within = [], env = {} }: Circumstances = {},
): Promise<Ran> {
  const [file = '', ...args] = [...within, process.execPath, COMMAND, ...words];
  const child = spawn(file, args, {
    env: { ...process.env, LANG: 'C.UTF-8', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return finished(child);
}

/** Collects the output of a process until it ends. */
export function finished(child: ChildProcessByStdio<Writable | null, Readable, Readable>): Promise<Ran> {
  const ran = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => {
    ran.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    ran.stderr += text;
  });
  return new Promise((done, failed) => {
    child.once('error', failed);
    child.once('close', (status) => done({ status, ...ran }));
  });
}

/** Runs a command that must succeed, and returns its document. */
export async function documentOf<T>(words: readonly string[], circumstances?: Circumstances): Promise<T> {
  const ran = await binfmtctl([...words, '--json', '--quiet'], circumstances);
  expect({ status: ran.status, stderr: ran.stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(ran.stdout) as T;
}

/** A shell script before the command in a new mount namespace, for `within`. */
export const inShell = (script: string): readonly string[] => [
  'unshare',
  '--mount',
  'sh',
  '-c',
  `${script} && exec "$@"`,
  'sh',
];

/** A user without privileges, who cannot gain any. */
export const AS_USER = ['setpriv', '--reuid=1000', '--regid=1000', '--clear-groups', '--no-new-privs'];

interface Refusal {
  readonly status: 1 | 2 | 3;
  readonly code: string;
  readonly message: RegExp;
  /** Null for an error without a hint. */
  readonly hint: RegExp | null;
}

/**
 * Runs a command that must fail, with --json, and checks its exit status, one document with code, message and hint,
 * and on standard error exactly the same lines; in our container image, the error comes last.
 */
export async function expectRefusal(
  words: readonly string[],
  { status, code, message, hint }: Refusal,
  circumstances?: Circumstances,
): Promise<void> {
  const ran = await binfmtctl([...words, '--json', '--quiet'], circumstances);
  const error = JSON.parse(ran.stdout || '{}') as Record<string, string>;
  expect({ status: ran.status, ...error }).toEqual({
    status,
    schema: 'binfmtctl/error/1',
    code,
    message: expect.stringMatching(message),
    hint: hint === null ? null : expect.stringMatching(hint),
  });
  const lines = [`binfmtctl: ${error['message']}\n`, ...(hint === null ? [] : [`hint: ${error['hint']}\n`])];
  const isImage = circumstances?.env?.['BINFMTCTL_IMAGE'] !== undefined;
  expect(ran.stderr).toBe((isImage ? lines.toReversed() : lines).join(''));
  expect(ran.stderr.split('\n').length).toBe(lines.length + 1);
}
