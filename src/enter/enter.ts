import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { isElf } from '../elf/header.ts';
import { findEmulation } from '../emulation/find.ts';
import { type LaunchedProgram, launch, type PreparedLaunch } from '../emulation/launch.ts';
import {
  diagnoseInstance,
  namespaceError,
  privateArch,
  readNamespaceFacts,
} from '../emulation/namespace-error.ts';
import { prootWarning, runByProot, withProotHint } from '../emulation/proot.ts';
import type { Emulation } from '../emulation/types.ts';
import { withoutInstance } from '../emulation/without-instance.ts';
import { BinfmtctlError } from '../errors.ts';
import { hasSeveralIds, isOwnRoot, userMaps } from '../rootfs/ids.ts';
import { allIds } from '../run/run.ts';
import { keepingWarnings } from '../state/warnings.ts';
import { isFolder } from '../system/file/is-file.ts';
import type { IdMaps } from '../system/namespace/id-maps.ts';
import { flagsAt } from '../system/namespace/mounts.ts';
import { callerVariables } from '../system/process/environment.ts';
import type { Ending } from '../system/process/foreground.ts';
import { isForeground } from '../system/process/signals.ts';
import { withContainer } from './bootstrap.ts';
import { checkIds, requireWorkdir } from './checks.ts';
import { assertServesRoot } from './emulator-access.ts';
import { environmentOf, PATH } from './environment.ts';
import { findIdentity } from './identity.ts';
import { findPlaces } from './mounts/places.ts';
import { rootFacts } from './mounts/root-facts.ts';
import { findPrograms, requireLoader, requireRoot } from './programs.ts';
import { prootEnter } from './proot.ts';
import { type EnterPlan, type EnterTools, enterCommand } from './script/enter-script.ts';
import { emulatorsOf, readOnlyMountsOf, withheldFor } from './script/protection.ts';
import { enterTools } from './tools.ts';
import { assertTreeTrusted } from './tree-trust.ts';
import type { EnterRequest, UserIdentity } from './types.ts';

export type { EnterRequest } from './types.ts';

/** Everything that is needed to enter a root. */
export interface PreparedEnter {
  readonly emulation: Emulation;
  /** First bytes of the programs in `emulation`. */
  readonly heads: readonly Uint8Array[];
  /** Null if no user namespace is needed. */
  readonly maps: IdMaps | null;
  readonly plan: EnterPlan;
  readonly program: LaunchedProgram;
  /** Used if a private instance is unavailable: proot, or instructions to make it usable. Null if no instance is needed. */
  readonly fallback: PreparedLaunch | string | null;
  /** Whether to run `fallback`. */
  readonly byProot: boolean;
}

/**
 * Inspects a root, finds emulators for its programs, and plans its mounts. Does not change the root.
 *
 * @throws USAGE, BAD_ROOT, PROGRAM_NOT_FOUND, PROGRAM_NOT_EXECUTABLE, NO_TOOL; the errors of `findEmulation`.
 */
export async function prepareEnter(request: EnterRequest, context: Context): Promise<PreparedEnter> {
  const isRoot = process.geteuid?.() === 0;
  const tree = await openTree(request, context, { isRoot });
  const root = requireRoot(tree.directory);
  const identity = findIdentity(root, request.user);
  const workdir = request.workdir ?? '/';
  const { context: quiet, warnings } = keepingWarnings(context, { silent: true });
  const places = findPlaces(root, request, quiet);
  assertTreeTrusted(root, places);
  requireWorkdir(root, workdir, places.binds);
  const environment = environmentOf(identity, request.environment, callerVariables());
  const where = { root, path: environment.get('PATH') ?? PATH, workdir, bound: places.binds };
  const programs = await findPrograms(request.program, identity.shell, where);
  const emulation = await findEmulation(programs.heads, request, root, context);
  if (emulation.rules !== null) await assertServesRoot(programs.heads, emulation.rules, root);
  requireLoader(programs.program, where, emulation.rules ?? [], environment);
  const { programs: runBy } = emulation;
  if (runBy.length > 0 && runBy.every((by) => by === 'machine'))
    context.report({ kind: 'warning', text: `no emulation: ${root} has the architecture of this machine` });
  const rootMaps = emulation.rules === null ? null : allIds();
  const maps = isRoot ? rootMaps : (tree.maps ?? userMaps(statSync(root), context));
  if (maps !== null) checkIds(root, maps, identity, context);
  for (const text of warnings) context.report({ kind: 'warning', text });
  const account = accountOf(identity, maps);
  const facts = rootFacts(root, request, { rules: emulation.rules, maps }, places);
  const plan: EnterPlan = {
    root,
    facts,
    isJob: facts.terminal !== null && isForeground(),
    newUserNamespace: maps !== null,
    isLocked: true,
    madeFirst: places.madeFirst,
    made: places.made,
    becomesRoot: maps !== null && !isOwnRoot(maps),
    rules: emulation.rules,
    emulators: emulatorsOf(emulation.rules ?? []),
    withheld: withheldFor(maps, context),
    ephemeral: request.ephemeral,
    harmless: flagsAt(root).filter((flag) => ['nosuid', 'nodev'].includes(flag)),
    readOnly: request.readOnly ? readOnlyMountsOf(root, request) : null,
    hostname: request.hostname,
    account,
    personality32: is32Bit(programs.program.head) && emulation.programs[0] === 'machine',
    umask: process.umask().toString(8).padStart(4, '0'),
    tools: requireHostnameTool(enterTools(), request),
  };
  const { path, head } = programs.program;
  const program = {
    path,
    argv: [request.program ?? path, ...request.args],
    environment: plan.facts.userNamespace ? withContainer(environment, root) : environment,
    head,
    inside: { workdir, uid: account?.uid ?? null, filtersTerminal: true },
  };
  const { heads } = programs;
  const { rules } = emulation;
  const fallback =
    rules === null ? null : prootEnter(rules, { root, binds: places.binds, account }, request, program);
  const prepared = { emulation, heads, maps, plan, program, fallback, byProot: false };
  const error =
    request.withReport && rules !== null ? await diagnoseInstance('enter', heads, emulation, context) : null;
  if (error === null || fallback === null) return prepared;
  if (typeof fallback === 'string') throw withProotHint(error, fallback);
  const arch = privateArch(heads, emulation, context);
  return {
    ...prepared,
    emulation: withoutInstance(emulation, arch, 'proot', prootWarning(error)),
    byProot: true,
  };
}

interface Tree {
  readonly directory: string;
  /** The ID maps that the tree was unpacked with; null for root, and for a tree that was not unpacked. */
  readonly maps: IdMaps | null;
}

/** The directory itself, or the directory that an archive or image is unpacked to. */
async function openTree(
  request: EnterRequest,
  context: Context,
  { isRoot }: { readonly isRoot: boolean },
): Promise<Tree> {
  const { rootfs, arches, ephemeral, readOnly } = request;
  if (isFolder(rootfs) && !existsSync(join(rootfs, 'oci-layout'))) return { directory: rootfs, maps: null };
  const { openRootfs } = await import('../emulation/on-demand.ts');
  const own = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  const maps = isRoot ? null : userMaps(own, context);
  const options = { store: join(context.store, 'roots'), arches, maps };
  const { directory, unpacked } = await openRootfs(rootfs, options, context);
  if (unpacked && !ephemeral && !readOnly) {
    context.report({ kind: 'warning', text: `changes are kept in ${directory}; --ephemeral discards them` });
  }
  return { directory, maps };
}

/** Runs the program and waits for it. Its mounts and processes end with it. @throws NO_NAMESPACE with the reason and a fix. */
export async function enterPrepared(prepared: PreparedEnter, context: Context): Promise<Ending> {
  const { emulation, heads, maps, plan, program, fallback, byProot } = prepared;
  if (byProot && fallback !== null && typeof fallback !== 'string')
    return (await launch(fallback, context)) as Ending;
  const { command, texts } = enterCommand(plan);
  const { isJob } = plan;
  const outcome = await launch({ command, setup: { maps, texts, isJob }, program }, context);
  if (!('failed' in outcome)) return outcome;
  const { facts } = plan;
  // For root of the host, the user namespace only serves the lock.
  if (outcome.failed === 'lock' && !plan.newUserNamespace) {
    const why = lastLine(outcome.complaint);
    const text = `the program can access the files of this machine: cannot create a user namespace (${why})`;
    context.report({ kind: 'warning', text });
    return enterPrepared({ ...prepared, plan: { ...plan, isLocked: false } }, context);
  }
  const proc = `${plan.root}${plan.ephemeral ? '/root' : ''}/${facts.places.proc}:`;
  if (!facts.userNamespace || facts.procOfHost || !outcome.complaint.includes(proc))
    return runByProot(
      namespaceError(readNamespaceFacts(outcome, 'enter', privateArch(heads, emulation, context))),
      fallback,
      context,
    );
  const text =
    'the program sees the /proc of this machine: a new one cannot be mounted, because parts of it are hidden';
  context.report({ kind: 'warning', text });
  return enterPrepared({ ...prepared, plan: { ...plan, facts: { ...facts, procOfHost: true } } }, context);
}

const lastLine = (text: string): string => text.split('\n').at(-1) ?? '';

/** The account to switch to; null for root of the namespaces, who keeps the caller's groups. */
function accountOf({ uid, gid, groups }: UserIdentity, maps: IdMaps | null) {
  if (uid === 0 && gid === 0 && (maps === null || !hasSeveralIds(maps))) return null;
  return { uid, gid, groups };
}

/** Whether EI_CLASS is ELFCLASS32. */
const is32Bit = (head: Uint8Array): boolean => isElf(head) && head[4] === 1;

function requireHostnameTool(tools: EnterTools, { hostname }: EnterRequest): EnterTools {
  if (hostname === null || tools.hostname !== null) return tools;
  throw new BinfmtctlError('NO_TOOL', 'hostname not found', {
    hint: 'install hostname, or omit --hostname',
  });
}
