/** Roots that debootstrap has only unpacked. */
import { statSync } from 'node:fs';
import { resolveInRoot } from '../system/file/root-path.ts';
import type { Variables } from '../system/process/environment.ts';

/**
 * The variables for a program in a user namespace. debootstrap's second stage creates a device node first, which fails there, and
 * refuses to go on. It leaves that out in LXC containers, which it knows by this variable. The variable is set only in roots
 * that wait for the second stage: there, no other program has a use for it yet.
 */
export function withContainer(environment: Variables, root: string): Variables {
  if (!awaitsSecondStage(root) || environment.has('container')) return environment;
  return new Map([...environment, ['container', 'lxc']]);
}

/** Whether a root is complete only after the second stage, which also replaces a `/proc` that is a link and mounts it. */
export function awaitsSecondStage(root: string): boolean {
  const program = resolveInRoot(root, SECOND_STAGE);
  return program !== null && statSync(program).isFile();
}

/** debootstrap removes it at the end of the second stage. */
const SECOND_STAGE = '/debootstrap/debootstrap';
