import { BinfmtctlError } from '../errors.ts';
import type { Variables } from '../system/process/environment.ts';
import type { UserIdentity } from './types.ts';

export const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * A clean environment as after a login, plus the requested variables: `NAME=VALUE`, or `NAME` for the caller's value, if it is
 * set. @throws USAGE for an invalid variable.
 */
export function environmentOf(
  { name, home, shell }: UserIdentity,
  requested: readonly string[],
  caller: Variables,
): Variables {
  const TERM = caller.get('TERM');
  const environment = new Map(
    Object.entries({
      PATH,
      HOME: home || '/',
      SHELL: shell || '/bin/sh',
      USER: name,
      LOGNAME: name,
      ...(TERM !== undefined && { TERM }),
    }),
  );
  for (const each of requested) {
    const [, variable, value] = /^([^=\0]+)(?:=([^\0]*))?$/s.exec(each) ?? [];
    if (variable === undefined) {
      // The value may be a secret, so the message omits it.
      throw new BinfmtctlError('USAGE', `invalid variable: ${JSON.stringify(each.replace(/=.*/s, ''))}`, {
        hint: 'use --env NAME=VALUE, or --env NAME to pass the current value; NUL bytes are not allowed',
      });
    }
    const given = value ?? caller.get(variable);
    if (given !== undefined) environment.set(variable, given);
  }
  return environment;
}
