import { type Stats, statSync } from 'node:fs';
import { HEAD_SIZE } from '../rule/check.ts';
import { parseShebang } from '../rule/execution/shebang.ts';
import { errnoOf } from '../system/file/file-error.ts';
import { kindOf } from '../system/file/file-kind.ts';
import { tryReadHead } from '../system/file/head.ts';
import { pathBytes } from '../system/file/path-bytes.ts';
import { findWeakness, isMachineRoot } from '../system/trust.ts';

/** Why programs should not be run through an interpreter. */
export interface InterpreterProblem {
  /** `file`: it cannot run any program, which the kernel finds out itself when it opens the file. `trust`: another user decides what runs. */
  readonly kind: 'file' | 'trust';
  /** A clause: `interpreter /x is a directory`. */
  readonly why: string;
}

/** fs/exec.c exec_binprm(): the kernel follows no more `#!` lines. */
const MAX_SCRIPTS = 5;
const EXECUTABLE = 0o111;
const SET_ID = 0o6000;

/**
 * Examines the interpreter of a rule, and the interpreters that its `#!` lines name. Null if nothing is wrong. Which users can change
 * the files matters only to root, whose rules apply to all users.
 */
export function findInterpreterProblem(interpreter: string): InterpreterProblem | null {
  const isRoot = isMachineRoot();
  let path = interpreter;
  for (let scripts = 0; scripts <= MAX_SCRIPTS; scripts++) {
    const what = path === interpreter ? 'interpreter' : `the interpreter of ${interpreter},`;
    const problem = problemOf(path, { isRoot });
    if (problem !== null) return { kind: problem.kind, why: `${what} ${path} ${problem.why}` };
    const shebang = parseShebang(tryReadHead(path, HEAD_SIZE) ?? new Uint8Array());
    if (shebang === null) return null;
    path = shebang.interpreter;
  }
  return null;
}

function problemOf(path: string, { isRoot }: { readonly isRoot: boolean }): InterpreterProblem | null {
  if (!path.startsWith('/'))
    return { kind: 'trust', why: 'is a relative path: the working directory decides which file runs' };
  const facts = statOf(path);
  if (typeof facts === 'string') return { kind: 'file', why: facts };
  if (!facts.isFile()) return { kind: 'file', why: `is ${kindOf(facts)}` };
  if ((facts.mode & EXECUTABLE) === 0) return { kind: 'file', why: 'is not executable' };
  return isRoot ? trustProblem(path, facts) : null;
}

function statOf(path: string): Stats | string {
  try {
    return statSync(pathBytes(path), { throwIfNoEntry: false }) ?? 'does not exist';
  } catch (error) {
    return `cannot be examined (${errnoOf(error) ?? String(error)})`;
  }
}

function trustProblem(path: string, { mode }: Stats): InterpreterProblem | null {
  if ((mode & SET_ID) !== 0) return { kind: 'trust', why: 'is set-user-ID or set-group-ID' };
  const weakness = findWeakness(path);
  if (weakness === null) return null;
  const why = weakness.path === path ? weakness.why : `can be replaced: ${weakness.path} ${weakness.why}`;
  return { kind: 'trust', why };
}
