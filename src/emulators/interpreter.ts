import { type Stats, statSync } from 'node:fs';
import { HEAD_SIZE } from '../rule/check.ts';
import { parseShebang } from '../rule/execution/shebang.ts';
import { errnoOf } from '../system/file/file-error.ts';
import { kindOf } from '../system/file/file-kind.ts';
import { tryReadHead } from '../system/file/head.ts';
import { pathBytes } from '../system/file/path-bytes.ts';
import { findWeakness, isMachineRoot } from '../system/trust.ts';

/** The reason why an interpreter must not be registered. */
export interface InterpreterProblem {
  /** `file`: it cannot be executed; the kernel detects that when it opens the file. `trust`: another user controls what runs. */
  readonly kind: 'file' | 'trust';
  /** A clause: `interpreter /x is a directory`. */
  readonly why: string;
}

/** The number of `#!` lines that the kernel follows (fs/exec.c exec_binprm()). */
const MAX_SCRIPTS = 5;
const EXECUTABLE = 0o111;
const SET_ID = 0o6000;

/**
 * Checks the interpreter of a rule, and the interpreters in its `#!` lines. Null if there is no problem. For root, whose rules apply
 * to all users, it also checks whether other users can change the files.
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
    return { kind: 'trust', why: 'is a relative path, so the working directory determines which file runs' };
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
  const name = pathBytes(path).toString();
  if (name !== path)
    return { kind: 'trust', why: 'is not UTF-8, so binfmtctl cannot check which users can change it' };
  const weakness = findWeakness(path);
  if (weakness === null) return null;
  const why = weakness.path === path ? weakness.why : `can be replaced: ${weakness.path} ${weakness.why}`;
  return { kind: 'trust', why };
}
