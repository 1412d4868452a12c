/** Whether the kernel can execute a file as an interpreter, and which users can change what it then executes. */
import { accessSync, constants, lstatSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { HEAD_SIZE } from '../rule/check.ts';
import { parseShebang } from '../rule/shebang.ts';
import { decodeText } from '../rule/text.ts';
import { errnoOf } from '../system/file-error.ts';
import { kindOf } from '../system/file-kind.ts';
import { tryReadHead } from '../system/head.ts';
import { flagsAt } from '../system/mounts.ts';
import { pathBytes } from '../system/path-bytes.ts';
import { findWeakness, type Weakness } from '../system/trust.ts';

/** Why the kernel would not execute a file. */
export interface FileProblem {
  readonly kind: 'missing' | 'unreadable' | 'irregular' | 'noexec' | 'not executable';
  /** Follows the path in a sentence: `is a directory`. */
  readonly why: string;
  /** What stat(2) threw. */
  readonly cause?: unknown;
}

const ANY_EXECUTE = 0o111;
const SET_USER_ID = 0o4000;
const SET_GROUP_ID = 0o2000;
/** fs/exec.c exec_binprm(): so many interpreters the kernel starts for each other. */
const MAX_INTERPRETERS = 5;

/** Null for an executable regular file. No named pipe and no device is ever opened. */
export function findFileProblem(path: string): FileProblem | null {
  let facts: Stats;
  try {
    facts = statSync(pathBytes(path));
  } catch (cause) {
    if (!['ENOENT', 'ENOTDIR'].includes(errnoOf(cause) ?? ''))
      return { kind: 'unreadable', why: `cannot be examined (${errnoOf(cause)})`, cause };
    const target = linkTarget(path);
    const why = target === null ? 'does not exist' : `is a link to ${target}, which does not exist`;
    return { kind: 'missing', why, cause };
  }
  if (!facts.isFile()) return { kind: 'irregular', why: `is ${kindOf(facts)}` };
  if (isExecutable(path, facts)) return null;
  return flagsAt(path).includes('noexec') && (facts.mode & ANY_EXECUTE) !== 0
    ? { kind: 'noexec', why: 'is on a file system that is mounted noexec' }
    : { kind: 'not executable', why: 'is not executable' };
}

/**
 * The first file, directory or link that lets users other than root decide what runs as this interpreter, those of its `#!`
 * lines included; also a set-user-ID or set-group-ID program. A file that does not exist counts by who can create it.
 */
export function findTrustProblem(interpreter: string): Weakness | null {
  let path = interpreter;
  for (let count = 0; count < MAX_INTERPRETERS; count++) {
    if (!path.startsWith('/')) return { path, why: 'is relative to the working directory of each program' };
    const weakness = weaknessOf(path) ?? setIdOf(path);
    if (weakness !== null) return weakness;
    const head = statOf(path)?.isFile() ? tryReadHead(path, HEAD_SIZE) : null;
    const shebang = head === null ? null : parseShebang(head);
    if (shebang === null) return null;
    path = shebang.interpreter;
  }
  return null;
}

/** A path that cannot be examined is not trusted. */
function weaknessOf(path: string): Weakness | null {
  try {
    return findWeakness(path, { allowMissing: true });
  } catch (error) {
    return { path, why: `cannot be examined (${errnoOf(error)})` };
  }
}

function setIdOf(path: string): Weakness | null {
  const facts = statOf(path);
  if (!facts?.isFile()) return null;
  if ((facts.mode & SET_USER_ID) !== 0) return { path, why: 'is a set-user-ID program' };
  return (facts.mode & SET_GROUP_ID) !== 0 ? { path, why: 'is a set-group-ID program' } : null;
}

function statOf(path: string): Stats | null {
  try {
    return statSync(pathBytes(path));
  } catch {
    return null;
  }
}

function linkTarget(path: string): string | null {
  try {
    if (!lstatSync(pathBytes(path)).isSymbolicLink()) return null;
    return decodeText(readlinkSync(pathBytes(path), { encoding: 'buffer' }));
  } catch {
    return null;
  }
}

/** access(2) grants root every file that any user may execute, except on a file system mounted noexec. */
function isExecutable(path: string, { mode }: Stats): boolean {
  try {
    accessSync(pathBytes(path), constants.X_OK);
    return (mode & ANY_EXECUTE) !== 0;
  } catch {
    return false;
  }
}
