import { restartNote } from '../binfmt/held.ts';
import type { Arch } from '../catalogue/types.ts';
import type { Context } from '../context.ts';
import { expectationOf, judge, type Proof } from '../probe/verdict.ts';
import { equalRules } from '../rule/equal.ts';
import type { StoredRegistration } from '../state/registrations.ts';
import { verify } from '../verify/verify.ts';
import { isPersisted } from './boot/boot-files.ts';
import { findHidden } from './boot/hidden-files.ts';
import type { CurrentState } from './plan.ts';
import type { InstallRequest, RuleOptions } from './types.ts';

/**
 * Proofs of the architectures that need no change: an entry matches them, the probes succeed, and the request requires
 * neither another emulator nor a missing boot file.
 */
export async function alreadyServing(
  arches: readonly Arch[],
  {
    entries,
    ours,
    registrations,
  }: CurrentState & { readonly registrations: ReadonlyMap<string, StoredRegistration> },
  request: InstallRequest & Pick<RuleOptions, 'persist'>,
  context: Context,
): Promise<readonly Proof[]> {
  if (request.replace || request.dryRun || request.strict || !isFreeChoice(request)) return [];
  if (!entries.some(({ enabled }) => enabled)) return [];
  context.report({
    kind: 'stage',
    stage: 'find',
    text: 'checking which entries work already',
    arches: arches.map(({ id }) => id),
  });
  const proofs = await verify({ arches }, context);
  const serving = proofs.filter((proof) => {
    const entry = entries.find(({ name }) => name === proof.entry);
    const registration = registrations.get(proof.entry ?? '')?.registration;
    if (entry === undefined) return false;
    const hiding = findHidden(entry.name, context)?.by ?? null;
    if (!isPersisted(entry, registration, { persist: request.persist, hiding }, context)) return false;
    if (request.credentials === true && !entry.flags.includes('C')) return false;
    if (ours.has(entry.name) && (proof.held === 'replaced' || proof.held === 'gone')) return false;
    // An entry that binfmtctl registered without F was requested so. Other entries must also work in containers.
    const isRegistered = registration !== undefined && equalRules(entry, registration.rule);
    const promised = expectationOf(entry.flags, proof.emulator);
    return judge(proof, { ...promised, chroots: promised.chroots || !isRegistered }).outcome === 'works';
  });
  for (const { arch, entry: name, held } of serving) {
    const entry = entries.find((each) => each.name === name);
    const text = entry && restartNote({ entry, arch, ours: ours.has(entry.name), held });
    if (text) context.report({ kind: 'warning', text });
  }
  return serving;
}

/** Whether the request allows any emulator. */
export const isFreeChoice = ({ sources, emulator, lock, locked }: InstallRequest): boolean =>
  sources.length === 0 && (emulator ?? lock ?? locked) === undefined;
