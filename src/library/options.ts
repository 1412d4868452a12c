/** Validates the options of the library's functions. Pure. */
import { nearest } from '../catalogue/nearest.ts';
import { BinfmtctlError } from '../errors.ts';
import { maskSecrets } from '../text/secrets.ts';

/** Which values an option accepts. */
export interface OptionCheck {
  /** Completes "expected …". */
  readonly expected: string;
  readonly accepts: (value: unknown) => boolean;
}

/** A check for every option of a type, so that no option is forgotten. */
export type OptionChecks<T> = { readonly [K in keyof Required<T>]: OptionCheck };

const isName = (value: unknown): boolean =>
  typeof value === 'string' && value !== '' && !value.includes('\0');

/** Node would replace a lone surrogate, so that a path would name another file. */
const isText = (value: unknown): boolean => isName(value) && !/\p{Surrogate}/u.test(String(value));

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const BOOLEAN: OptionCheck = {
  expected: 'true or false',
  accepts: (value) => typeof value === 'boolean',
};
export const TEXT: OptionCheck = { expected: 'a non-empty string', accepts: isText };
/** Names of entries that are not UTF-8 contain lone surrogates. */
export const NAME: OptionCheck = { expected: TEXT.expected, accepts: isName };
export const TEXTS: OptionCheck = {
  expected: 'a non-empty string, or an array of them',
  accepts: (value) => (Array.isArray(value) ? value.every(isText) : isText(value)),
};
export const NUMBER: OptionCheck = {
  expected: 'a positive integer',
  accepts: (value) => Number.isSafeInteger(value) && (value as number) > 0,
};
export const FUNCTION: OptionCheck = {
  expected: 'a function',
  accepts: (value) => typeof value === 'function',
};
export const SIGNAL: OptionCheck = {
  expected: 'an AbortSignal',
  accepts: (value) => value instanceof AbortSignal,
};
export const RECORD: OptionCheck = { expected: 'an object', accepts: isRecord };
export const VARIABLES: OptionCheck = {
  expected: 'an object of strings',
  accepts: (value) => isRecord(value) && Object.values(value).every((each) => typeof each === 'string'),
};

/** Accepts the values themselves and nothing else. */
export function oneOf(...values: readonly (string | boolean)[]): OptionCheck {
  const shown = values.map((value) => JSON.stringify(value));
  return {
    expected: `${shown.slice(0, -1).join(', ')} or ${shown.at(-1)}`,
    accepts: (value) => values.includes(value as string | boolean),
  };
}

/**
 * A copy of the options of a call. Options whose value is undefined are left out.
 *
 * @throws USAGE for an unknown option, an invalid value, and a missing option of `required`.
 */
export function parseOptions<T extends object>(
  call: string,
  options: T,
  checks: OptionChecks<T>,
  required: readonly (keyof T & string)[] = [],
): T {
  const given: unknown = options;
  if (!isRecord(given)) throw invalid(call, 'options', given, RECORD.expected);
  const known: Readonly<Record<string, OptionCheck>> = checks;
  const parsed: Record<string, unknown> = {};
  for (const key of Object.keys(given)) {
    const check = Object.hasOwn(known, key) ? known[key] : undefined;
    if (check === undefined) throw unknownOption(call, key, Object.keys(known));
    const value = given[key];
    if (value === undefined) continue;
    if (!check.accepts(value)) throw invalid(call, key, value, check.expected);
    parsed[key] = value;
  }
  const missing = required.find((key) => parsed[key] === undefined);
  if (missing !== undefined) throw invalid(call, missing, undefined, known[missing]?.expected ?? '');
  return parsed as T;
}

/** The value of an argument. @throws USAGE if the check does not accept it. */
export function parseArgument<T>(call: string, name: string, value: T, check: OptionCheck): T {
  if (check.accepts(value)) return value;
  throw invalid(call, name, value, check.expected);
}

/** USAGE for a value that is not what the call expects. */
export function invalid(call: string, name: string, value: unknown, expected: string): BinfmtctlError {
  return new BinfmtctlError(
    'USAGE',
    `${call}(): invalid value for ${name}: ${shown(value)} (expected ${expected})`,
  );
}

export const toList = <T>(value: T | readonly T[] | undefined): readonly T[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value as T];

function unknownOption(call: string, key: string, known: readonly string[]): BinfmtctlError {
  const near = nearest(key, known);
  const hint = near === null ? `known options: ${known.toSorted().join(', ')}` : `did you mean ${near}?`;
  return new BinfmtctlError('USAGE', `${call}(): unknown option ${JSON.stringify(key)}`, { hint });
}

/** Large and nested values say nothing about the mistake. */
function shown(value: unknown): string {
  if (typeof value === 'string') return maskSecrets(JSON.stringify(value.slice(0, 100)));
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'function') return 'a function';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
