import { BinfmtctlError } from '../../errors.ts';

/** The inputs of the action. */
export interface Inputs {
  /** In any spelling; empty for all. */
  readonly platforms: readonly string[];
  readonly sources: readonly string[];
  readonly lock: string | undefined;
  readonly reset: boolean;
  readonly verify: boolean;
  readonly persist: boolean;
  readonly cache: boolean;
}

/**
 * Reads the inputs. An empty one has its default: an expression of the workflow may be empty.
 *
 * @param read Returns the input of a name, or an empty string.
 * @throws USAGE.
 */
export function parseInputs(read: (name: string) => string): Inputs {
  const words = (name: string, separator: RegExp): readonly string[] =>
    read(name)
      .split(separator)
      .map((word) => word.trim())
      .filter(Boolean);
  const named = words('platforms', /[,\n]/);
  const inputs: Inputs = {
    platforms: named.includes('all') ? [] : named,
    sources: words('source', /\n/),
    lock: read('lock').trim() || undefined,
    reset: truth('reset', read('reset'), { byDefault: false }),
    verify: truth('verify', read('verify'), { byDefault: true }),
    persist: truth('persist', read('persist'), { byDefault: false }),
    cache: truth('cache', read('cache'), { byDefault: true }),
  };
  if (inputs.lock === undefined || inputs.sources.length === 0) return inputs;
  throw new BinfmtctlError('USAGE', 'the inputs lock and source do not go together', {
    hint: 'the lock file determines the sources: omit `source`',
  });
}

// The booleans of YAML 1.2, as in the runner's library.
function truth(name: string, text: string, { byDefault }: { readonly byDefault: boolean }): boolean {
  const value = text.trim();
  if (value === '') return byDefault;
  if (/^(?:true|True|TRUE)$/.test(value)) return true;
  if (/^(?:false|False|FALSE)$/.test(value)) return false;
  throw new BinfmtctlError('USAGE', `the input ${name} is ${JSON.stringify(value)}`, {
    hint: `write \`${name}: true\` or \`${name}: false\``,
  });
}
