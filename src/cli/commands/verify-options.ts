import type { CommonOptions } from '../common-options.ts';
import type { OptionSpec } from '../options.ts';

export interface VerifyOptions extends CommonOptions {
  readonly root?: string;
}

/** Options of `verify`, besides those that every command has. */
export const VERIFY_OPTIONS: readonly OptionSpec[] = [
  ['--root <dir>', 'run in this foreign root in place of an empty one'],
];
