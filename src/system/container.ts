/** Detects the surrounding container. */
import { existsSync } from 'node:fs';
import { release } from 'node:os';
import { readText } from './host.ts';
import { inInitialMountNamespace, inMachineMountNamespace } from './namespace/mount-namespaces.ts';

/** The traces that containers leave. */
export interface ContainerMarks {
  /** Whether this process shares the mount and PID namespaces of the machine's process 1; null if unknown. */
  readonly onMachine: boolean | null;
  /** Whether /.dockerenv exists. */
  readonly dockerFile: boolean;
  /** Whether /run/.containerenv exists. */
  readonly podmanFile: boolean;
  /** Whether KUBERNETES_SERVICE_HOST is set. */
  readonly kubernetes: boolean;
  /** The kind that process 1 declares (https://systemd.io/CONTAINER_INTERFACE). */
  readonly declared: string | null;
  /** The kernel's release. */
  readonly release: string;
}

/**
 * The kind of the surrounding container: `docker`, `podman`, `lxc`, `systemd-nspawn`, `kubernetes`, `wsl`…; null if there is
 * none or it cannot be detected.
 */
export function container(): string | null {
  return containerOf({
    onMachine: inInitialMountNamespace() || inMachineMountNamespace(),
    dockerFile: existsSync('/.dockerenv'),
    podmanFile: existsSync('/run/.containerenv'),
    kubernetes: process.env['KUBERNETES_SERVICE_HOST'] !== undefined,
    declared: readText('/run/systemd/container') ?? environmentOfInit('container'),
    release: release(),
  });
}

/** The kind of container by its marks; null for none. A virtual machine made from an image still has the files of the image. */
export function containerOf(marks: ContainerMarks): string | null {
  const wsl = /microsoft/i.test(marks.release) ? 'wsl' : null;
  if (marks.onMachine === true) return wsl;
  if (marks.dockerFile) return 'docker';
  if (marks.podmanFile) return 'podman';
  if (marks.kubernetes) return 'kubernetes';
  return marks.declared ?? wsl;
}

function environmentOfInit(name: string): string | null {
  const variables = readText('/proc/1/environ')?.split('\0') ?? [];
  return variables.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1) || null;
}
