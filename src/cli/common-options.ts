import { BinfmtctlError } from '../errors.ts';

/** The values of the options that every command has. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly binfmtDir: string;
  readonly store?: string;
  readonly catalogue: readonly string[];
}

/** USAGE for `--all` together with names: one of them would have no effect. */
export function namesAndAllError(command: string, names: string): BinfmtctlError {
  return new BinfmtctlError('USAGE', `${command} takes ${names} or --all, not both`, {
    hint: `\`binfmtctl ${command} --help\` shows examples`,
  });
}
