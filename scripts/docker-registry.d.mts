export interface DockerRegistry {
  /** `127.0.0.1:12345`. */
  readonly host: string;
  /** Copies an image there: `copy('oci:/dir', 'test/image:tag')`. */
  readonly copy: (from: string, to: string, ...options: string[]) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** bcrypt of `pass`. */
export const HTPASSWD: string;
/** Files of a registry that speaks TLS. */
export interface DockerRegistryTls {
  readonly certificate: string;
  readonly key: string;
  /** The authority that has to have signed the certificates of clients. */
  readonly clientAuthority?: string;
}
/** Starts a registry whose data are below `folder`. @param htpasswd who may use it; everybody without one */
export function startDockerRegistry(
  folder: string,
  htpasswd?: string,
  tls?: DockerRegistryTls,
): Promise<DockerRegistry>;
/** Copies an image: `skopeoCopy('oci:/dir', 'docker-archive:/file')`. */
export function skopeoCopy(from: string, to: string, ...options: string[]): Promise<void>;
