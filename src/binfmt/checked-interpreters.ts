/** The kernel opens an interpreter by its path, after the path was checked: somebody may replace the file in between. */
import { closeSync, lstatSync, openSync, realpathSync } from 'node:fs';
import { BinfmtctlError } from '../errors.ts';
import { type AnyRule, isBpf } from '../rule/types.ts';
import { fileState } from '../system/file/file-state.ts';
import { pathBytes } from '../system/file/path-bytes.ts';
import { isHeld, O_PATH } from './held-file.ts';

/** Interpreters of rules with flag F, kept open from before their check until after the registration. */
export interface CheckedInterpreters extends Disposable {
  /**
   * @throws UNSAFE_RULE if the kernel may hold another file for the rule than the one that was open. A rule without flag F passes, as
   * the kernel looks its interpreter up again for every program.
   */
  readonly assertHeld: (rule: AnyRule) => void;
}

interface OpenInterpreter {
  readonly descriptor: number;
  readonly state: string | null;
}

/** To be called before the interpreters are checked. One that does not exist counts as changed if it exists afterwards. */
export function openInterpreters(rules: readonly AnyRule[]): CheckedInterpreters {
  const paths = new Set(rules.flatMap((rule) => (isHeldRule(rule) ? [rule.interpreter] : [])));
  const opened = new Map([...paths].map((path) => [path, open(path)]));
  return {
    assertHeld: (rule) => {
      if (!isHeldRule(rule)) return;
      const file = opened.get(rule.interpreter);
      // The path may lead back to the checked file, after the kernel opened another one there.
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

/** The file and the link at `path`, with their change times; null if they cannot be examined or the descriptor is of another file. */
function stateOf(path: string, descriptor?: number): string | null {
  try {
    const { ino, ctimeNs } = lstatSync(pathBytes(path), { bigint: true });
    const file = fileState(path);
    if (file === null) return null;
    if (descriptor !== undefined && fileState(`/proc/self/fd/${descriptor}`) !== file) return null;
    return JSON.stringify([file, `${ino}:${ctimeNs}`, realpathSync.native(pathBytes(path), 'latin1')]);
  } catch {
    return null;
  }
}

function changed(name: string, interpreter: string): BinfmtctlError {
  return new BinfmtctlError(
    'UNSAFE_RULE',
    `cannot register ${name}: its interpreter ${interpreter} changed after it was checked`,
    { hint: 'run the command again when no other program changes that file' },
  );
}
