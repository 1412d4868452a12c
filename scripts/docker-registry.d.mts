export interface DockerRegistry {
  /** `127.0.0.1:12345`. */
  readonly host: string;
  /** Copies an image to the registry: `copy('oci:/dir', 'test/image:tag')`. */
  readonly copy: (from: string, to: string, ...options: string[]) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** bcrypt of `pass`. */
export const HTPASSWD: string;
/** Files of a registry with TLS. */
export interface DockerRegistryTls {
  readonly certificate: string;
  readonly key: string;
  /** The CA that must have signed the certificates of clients. */
  readonly clientAuthority?: string;
}
/** Starts a registry with its data in `folder`. @param htpasswd content of the htpasswd file; without it, no authentication */
export function startDockerRegistry(
  folder: string,
  htpasswd?: string,
  tls?: DockerRegistryTls,
): Promise<DockerRegistry>;
/** Copies an image: `skopeoCopy('oci:/dir', 'docker-archive:/file')`. */
export function skopeoCopy(from: string, to: string, ...options: string[]): Promise<void>;
