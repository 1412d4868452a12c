/** The kernel opens an interpreter by its path after the check: another process may replace the file in between. */
import { closeSync, lstatSync, openSync, realpathSync } from 'node:fs';
import { BinfmtctlError } from '../errors.ts';
import { type AnyRule, isBpf } from '../rule/types.ts';
import { fileState } from '../system/file/file-state.ts';
import { pathBytes } from '../system/file/path-bytes.ts';
import { isHeld, O_PATH } from './held-file.ts';

/** The interpreters of rules with flag F, kept open from before the check until after the registration. */
export interface CheckedInterpreters extends Disposable {
  /**
   * @throws UNSAFE_RULE if the kernel may hold a different file than the checked one. A rule without flag F passes: the kernel
   * looks up its interpreter for every program.
   */
  readonly assertHeld: (rule: AnyRule) => void;
}

interface OpenInterpreter {
  readonly descriptor: number;
  readonly state: string | null;
}

/** Call this before the interpreters are checked. A missing interpreter counts as changed if it exists afterwards. */
export function openInterpreters(rules: readonly AnyRule[]): CheckedInterpreters {
  const paths = new Set(rules.flatMap((rule) => (isHeldRule(rule) ? [rule.interpreter] : [])));
  const opened = new Map([...paths].map((path) => [path, open(path)]));
  return {
    assertHeld: (rule) => {
      if (!isHeldRule(rule)) return;
      const file = opened.get(rule.interpreter);
      // The path alone proves nothing: the file may have been swapped back after the kernel opened another one.
      const isSame = file?.state != null && stateOf(rule.interpreter) === file.state;
      if (file && isSame && isHeld(file.descriptor) !== false) return;
      throw changed(rule.name, rule.interpreter);
    },
    [Symbol.dispose]: () => {
      for (const file of opened.values()) if (file !== null) closeSync(file.descriptor);
    },
  };
}

const isHeldRule = (rule: AnyRule): rule is Exclude<AnyRule, { handler: string }> =>
  !isBpf(rule) && rule.flags.includes('F');

function open(path: string): OpenInterpreter | null {
  try {
    const descriptor = openSync(pathBytes(path), O_PATH);
    return { descriptor, state: stateOf(path, descriptor) };
  } catch {
    return null;
  }
}

/** Identifies the file and the link at `path`, with change times. Null if that fails or `descriptor` is another file. */
function stateOf(path: string, descriptor?: number): string | null {
  try {
    const { ino, ctimeNs } = lstatSync(pathBytes(path), { bigint: true });
    const file = fileState(path);
    if (file === null) return null;
    if (descriptor !== undefined && fileState(`/proc/self/fd/${descriptor}`) !== file) return null;
    return JSON.stringify([file, `${ino}:${ctimeNs}`, realpathSync(pathBytes(path), 'latin1')]);
  } catch {
    return null;
  }
}

function changed(name: string, interpreter: string): BinfmtctlError {
  return new BinfmtctlError(
    'UNSAFE_RULE',
    `cannot register ${name}: its interpreter ${interpreter} changed after it was checked`,
    { hint: 'check which program changes that file, then run the command again' },
  );
}
