import { readFileSync } from 'node:fs';
import { decodeText, encodeText } from '../../rule/text.ts';

/** Variables by name. Names and values are byte-preserving texts (rule/text.ts). */
export type Variables = ReadonlyMap<string, string>;

/** A clean environment for helper tools: the program's variables must not affect them, and their messages are parsed. */
export const toolEnvironment = (): NodeJS.ProcessEnv => ({ PATH: process.env['PATH'], LC_ALL: 'C' });

/** The caller's variables, byte for byte. Node replaces invalid UTF-8, so such variables are read from /proc. */
export function callerVariables(env: NodeJS.ProcessEnv = process.env): Variables {
  const known = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const isBroken = (text: string): boolean => text.includes('\ufffd');
  if (!known.some(([name, value]) => isBroken(name) || isBroken(value))) return new Map(known);
  const exact = exactVariables();
  return new Map(
    known.flatMap(([name, value]) => {
      const same = exact.filter((each) => asNode(each.name) === name && asNode(each.value) === value);
      return same.length === 0 ? [[name, value]] : same.map((each) => [each.name, each.value]);
    }),
  );
}

/** The initial environment of this process (proc_pid_environ(5)); empty without /proc. */
function exactVariables(): readonly { readonly name: string; readonly value: string }[] {
  let text: string;
  try {
    text = decodeText(readFileSync('/proc/self/environ'));
  } catch {
    return [];
  }
  return text.split('\0').flatMap((each) => {
    const end = each.indexOf('=');
    return end < 0 ? [] : [{ name: each.slice(0, end), value: each.slice(end + 1) }];
  });
}

const asNode = (text: string): string => Buffer.from(encodeText(text)).toString('utf8');
