export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
export interface Engine {
  /** For `docker --host`. */
  readonly host: string;
  /** The environment for the client. */
  readonly env: NodeJS.ProcessEnv;
  readonly docker: (...words: readonly string[]) => Ran;
  /** Like `docker`, but asynchronous. */
  readonly dockerBeside: (...words: readonly string[]) => Promise<Ran>;
  readonly stop: () => Promise<void>;
}
export declare function startEngine(
  folder: string,
  options?: { readonly driver?: 'vfs' | 'overlay2'; readonly registry?: string; readonly remap?: boolean },
): Promise<Engine>;
