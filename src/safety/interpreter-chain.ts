/** Checks the chain from a rule's interpreter to the program that runs for rules that divert it or form a loop. */
import { HEAD_SIZE } from '../rule/check.ts';
import { execute, MAX_REWRITES } from '../rule/execution/execute.ts';
import { parseShebang, type Shebang } from '../rule/execution/shebang.ts';
import type { Executable, Execution } from '../rule/execution/types.ts';
import { matches } from '../rule/match.ts';
import type { Pattern, Rule } from '../rule/types.ts';
import { createPatternIndex } from './pattern-index.ts';
import type { Machine } from './types.ts';

/** A file in the chain from an interpreter to the program that runs. */
interface Link {
  readonly path: string;
  readonly head: Uint8Array;
  /** True if the kernel runs it itself, as a program or as a script. */
  readonly native: boolean;
}

/** Why a rule is unsafe: the predicate of the message, and a hint. */
export interface Fault {
  readonly fault: string;
  readonly hint: string;
}

/**
 * Finds the harm that `rule` does to the interpreter chains of all rules, including its own; null if there is none. The
 * kernel looks up each link like any program (fs/exec.c exec_binprm()), including `#!` lines and other rules. The order
 * of registration does not matter: a rule is refused if an entry matches its interpreter, and an entry is refused if it
 * matches the interpreter of a rule. Of two rules in one request, only the one that matches the other's interpreter is
 * refused.
 */
export function findChainFault(
  rule: Rule,
  others: readonly Rule[],
  entries: readonly Rule[],
  machine: Machine,
): Fault | null {
  const rest = others.filter(({ name }) => name !== rule.name);
  const all = [rule, ...rest];
  const chains = all.map((each) => linksOf(each.interpreter, machine));
  const matchesLink = ({ pattern }: Rule, { path, head }: Link): boolean => matches(pattern, head, path);
  const [own = []] = chains;
  const itself = own.find((link) => matchesLink(rule, link))?.path;
  if (itself !== undefined)
    return { fault: 'would take over its own interpreter', hint: hintFor(rule, itself) };
  for (const [index, links] of chains.entries()) {
    const taken = links.find((link) => link.native && matchesLink(rule, link))?.path;
    const fault = `would take over ${taken}, which entry ${all[index]?.name} runs`;
    if (taken !== undefined) return { fault, hint: hintFor(rule, taken) };
  }
  for (const link of own.filter(({ native }) => native)) {
    const other = entries.find((each) => each.name !== rule.name && matchesLink(each, link));
    const fault = `cannot work: entry ${other?.name} takes over ${link.path}, which the rule needs`;
    if (other !== undefined) return { fault, hint: hintBeside(rule, [other.name]) };
  }
  // Following the rules is expensive, and only necessary for the few interpreters that a rule matches.
  const isServed = own.some((link) => rest.some((each) => matchesLink(each, link)));
  if (!isServed && !chains.some((links) => links.some((link) => matchesLink(rule, link)))) return null;
  const failing = all.find(
    (each) =>
      failureOf(each, all, machine) !== null && (each === rule || failureOf(each, rest, machine) === null),
  );
  return failing === undefined ? null : faultOf(rule, failing, all, machine);
}

/**
 * Returns a superset of the rules in which `findChainFault` can find a fault, given all of `rules` and `entries`: rules
 * that match a file of any chain, and rules with a file in their chain that another one matches. They are few, so the
 * others need not be compared with each other.
 */
export function findConcerned(
  rules: readonly Rule[],
  entries: readonly Rule[],
  machine: Machine,
): readonly Rule[] {
  const all = [...rules, ...entries];
  const index = createPatternIndex(all, ({ pattern }) => pattern);
  const interpreters = new Set(all.map(({ interpreter }) => interpreter));
  const matching = new Set<Rule>();
  const matched = new Set<string>();
  for (const interpreter of interpreters) {
    for (const { path, head } of linksOf(interpreter, machine)) {
      const found = patternsOf(path, head)
        .flatMap((file) => index.near(file))
        .filter(({ pattern }) => matches(pattern, head, path));
      for (const rule of found) matching.add(rule);
      if (found.length > 0) matched.add(interpreter);
    }
  }
  return rules.filter((rule) => matching.has(rule) || matched.has(rule.interpreter));
}

/**
 * A pattern of exactly this head, and one of the path's extension: they overlap every pattern that matches the file.
 */
function patternsOf(path: string, head: Uint8Array): readonly Pattern[] {
  const magic = new Uint8Array(HEAD_SIZE);
  magic.set(head.subarray(0, HEAD_SIZE));
  const byHead: Pattern = { type: 'magic', offset: 0, magic, mask: null };
  const dot = path.lastIndexOf('.');
  return dot === -1 ? [byHead] : [byHead, { type: 'extension', extension: path.slice(dot + 1) }];
}

function faultOf(rule: Rule, failing: Rule, all: readonly Rule[], machine: Machine): Fault {
  const rewrites = follow(failing, all, machine)?.rewrites ?? [];
  const names = [...new Set(rewrites.flatMap(({ entry }) => entry ?? []))].filter(
    (name) => name !== rule.name,
  );
  const isOwn = failing === rule;
  const whose = isOwn ? 'its own interpreter' : `${failing.interpreter}, which entry ${failing.name} runs`;
  const hint = hintBeside(rule, isOwn ? names : [failing.name]);
  if (failureOf(failing, all, machine) === 'loop')
    return { fault: `would take over ${whose}, in a loop with ${names.join(', ')}`, hint };
  const why = 'but flag O or C allows no further interpreter';
  return {
    fault: isOwn
      ? `cannot work: ${names.join(', ')} runs its interpreter, ${why}`
      : `would take over ${whose}, ${why}`,
    hint,
  };
}

const hintFor = ({ pattern }: Rule, path: string): string =>
  `use a more specific ${pattern.type === 'magic' ? 'magic and mask' : 'extension'} that does not match ${path}`;

const hintBeside = ({ name }: Rule, others: readonly string[]): string =>
  `choose another interpreter for rule ${name}, or keep only one of ${[name, ...others].join(' and ')}`;

/**
 * The chain of an interpreter: the file, the interpreter of its `#!` line, and so on. A file that cannot be opened may
 * be created later, so it is part of the chain, but only its name can be checked.
 */
function linksOf(interpreter: string, { open }: Machine): readonly Link[] {
  const links: Link[] = [];
  const waiting = [interpreter];
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    if (links.some((link) => link.path === path)) continue;
    const file = open(path);
    const head = typeof file === 'string' ? new Uint8Array() : file.head;
    const shebang = parseShebang(head.subarray(0, HEAD_SIZE));
    links.push({ path, head, native: typeof file === 'string' || file.native || shebang !== null });
    if (shebang !== null) waiting.push(shebang.interpreter, ...programOfEnv(shebang, open));
  }
  return links;
}

/** Directories that env(1) searches; the users' PATH is unknown here. */
const ENV_PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** The program that a line `#!/usr/bin/env PROGRAM` or `#!/usr/bin/env -S NAME=VALUE PROGRAM ARGUMENTS` runs. */
function programOfEnv({ interpreter, argument }: Shebang, open: Machine['open']): readonly string[] {
  if (!interpreter.endsWith('/env') || argument === null) return [];
  const words = argument.replace(/^(-\w*S|--split-string[= ])/, '').split(/\s+/);
  const name = words.find((word) => !/^$|^-|=/.test(word));
  if (name === undefined) return [];
  if (name.startsWith('/')) return [name];
  const paths = ENV_PATH.map((directory) => `${directory}/${name}`);
  return [paths.find((path) => typeof open(path) !== 'string') ?? `/usr/bin/${name}`];
}

/** Why files that `rule` matches cannot run, given all rules; null if they can, or for other reasons. */
function failureOf(rule: Rule, all: readonly Rule[], machine: Machine): 'loop' | 'handed on' | null {
  const execution = follow(rule, all, machine);
  if (execution === null) return null;
  const { rewrites, outcome } = execution;
  // The file itself was rewritten once before.
  if (rewrites.length >= MAX_REWRITES || (outcome.kind === 'fails' && outcome.why === 'loop')) return 'loop';
  const isEntry = rewrites.some(({ entry }) => entry !== null);
  const handsOn = rule.flags.some((flag) => HANDING_ON.includes(flag));
  const fails = handsOn || (outcome.kind === 'fails' && outcome.why === 'handed on');
  return isEntry && fails ? 'handed on' : null;
}

/**
 * With these flags, load_misc_binary() returns ENOEXEC for an interpreter that needs another one (fs/binfmt_misc.c).
 */
const HANDING_ON: readonly string[] = ['O', 'C', 'T'];

/** Follows the interpreter of `rule`; null if it cannot be opened. */
function follow(rule: Rule, all: readonly Rule[], { open }: Machine): Execution | null {
  const file = open(rule.interpreter);
  if (typeof file === 'string') return null;
  const entries = all.map((each) => ({ ...each, enabled: true }));
  const held = ({ interpreter }: Rule): Executable => {
    const kept = open(interpreter);
    return typeof kept === 'string' ? { head: new Uint8Array(), native: true } : kept;
  };
  return execute(rule.interpreter, file, [rule.interpreter], { entries, enabled: true, open, held });
}
