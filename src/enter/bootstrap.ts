/** Roots after the first stage of debootstrap. */
import { statSync } from 'node:fs';
import { resolveInRoot } from '../system/file/root-path.ts';
import type { Variables } from '../system/process/environment.ts';

/**
 * The variables for a program in a user namespace. The second stage of debootstrap first creates a device node, which fails there
 * and aborts the stage. In LXC containers, which it detects by this variable, it skips that step. The variable is set only in roots
 * that wait for the second stage, where no other program reads it yet.
 */
export function withContainer(environment: Variables, root: string): Variables {
  if (!awaitsSecondStage(root) || environment.has('container')) return environment;
  return new Map([...environment, ['container', 'lxc']]);
}

/** Whether a root still needs the second stage, which also replaces a link at `/proc` and mounts it. */
export function awaitsSecondStage(root: string): boolean {
  const program = resolveInRoot(root, SECOND_STAGE);
  return program !== null && statSync(program).isFile();
}

/** debootstrap removes it at the end of the second stage. */
const SECOND_STAGE = '/debootstrap/debootstrap';
