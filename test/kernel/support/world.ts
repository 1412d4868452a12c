/** The files of a triple, on disk and in the model. */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Errno, Executable } from '../../../src/rule/execution/types.ts';
import { encodeText } from '../../../src/rule/text.ts';
import { loadedProgram, reportProgram } from '../launcher.ts';
import { type Interpreter, LOADED, type Triple } from './triples.ts';

/** Exit status of interpreter 0; that of interpreter 1 is one more. */
export const REPORTED = 200;
/** Exit status of a file that is not an interpreter. */
const UNNAMED = 250;

export interface World {
  /** `@1` in a text stands for the path of interpreter 1. */
  readonly fill: (text: string) => string;
  readonly pathOf: (interpreter: number) => string;
  /** The description of an executed file for `execute`. */
  readonly executable: (text: string) => Executable;
  /** The current file at a path, or the errno of opening it for execution. */
  readonly look: (path: string) => Executable | Errno;
  readonly lose: (interpreter: number) => void;
  readonly clear: () => void;
}

export function makeWorld(directory: string, { interpreters, files }: Triple): World {
  const pathOf = (interpreter: number): string => join(directory, `i${interpreter}`);
  const fill = (text: string): string => text.replace(/@(\d)/g, (_, index) => pathOf(Number(index)));
  const here = new Map(interpreters.map((each, index) => [pathOf(index), each]));
  const bytesOf = (text: string, status = UNNAMED): Uint8Array =>
    text.startsWith(LOADED) ? loadedProgram(status, fill(text.slice(LOADED.length))) : encodeText(fill(text));
  const executable = (text: string, status = UNNAMED): Executable => {
    const head = bytesOf(text, status).subarray(0, 256);
    if (!text.startsWith(LOADED)) return { head, native: false };
    return { head, native: true, programInterpreter: fill(text.slice(LOADED.length)) };
  };
  const describe = (path: string, { kind, text }: Interpreter): Executable => {
    const status = REPORTED + Number(path.slice(-1));
    return kind === 'program'
      ? { head: reportProgram(status).subarray(0, 256), native: true }
      : executable(textOf(kind, text), status);
  };
  const remove = (path: string): void => rmSync(path, { recursive: true, force: true });

  interpreters.forEach(({ kind, text }, index) => {
    const path = pathOf(index);
    if (kind === 'missing') here.delete(path);
    else if (kind === 'folder') mkdirSync(path);
    else {
      const bytes =
        kind === 'program' ? reportProgram(REPORTED + index) : bytesOf(textOf(kind, text), REPORTED + index);
      writeFileSync(path, bytes, { mode: 0o755 });
    }
    if (kind === 'not executable') chmodSync(path, 0o644);
  });
  for (const { path, text } of files) writeFileSync(join(directory, path), bytesOf(text), { mode: 0o755 });

  return {
    fill,
    pathOf,
    executable,
    look: (given) => {
      // The current directory.
      if (given === '') return 'EACCES';
      const path = given.startsWith('/') ? given : join(directory, given);
      const within = path.endsWith('/x');
      const found = here.get(within ? path.slice(0, -2) : path);
      if (found === undefined) return 'ENOENT';
      if (within) return found.kind === 'folder' ? 'ENOENT' : 'ENOTDIR';
      return found.kind === 'folder' || found.kind === 'not executable' ? 'EACCES' : describe(path, found);
    },
    lose: (interpreter) => {
      remove(pathOf(interpreter));
      here.delete(pathOf(interpreter));
    },
    clear: () => {
      for (const index of interpreters.keys()) remove(pathOf(index));
      for (const { path } of files) remove(join(directory, path));
    },
  };
}

/** A `loaded` interpreter whose text names none requires the first one. */
function textOf(kind: Interpreter['kind'], text: string): string {
  if (kind === 'empty') return '';
  return kind === 'loaded' && !text.startsWith(LOADED) ? `${LOADED}@0` : text;
}
