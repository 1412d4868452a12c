export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
export interface Engine {
  /** For `docker --host`. */
  readonly host: string;
  /** The environment that the client needs. */
  readonly env: NodeJS.ProcessEnv;
  readonly docker: (...words: readonly string[]) => Ran;
  /** As `docker`, beside other commands. */
  readonly dockerBeside: (...words: readonly string[]) => Promise<Ran>;
  readonly stop: () => Promise<void>;
}
export declare function startEngine(
  folder: string,
  options?: { readonly driver?: 'vfs' | 'overlay2'; readonly registry?: string; readonly remap?: boolean },
): Promise<Engine>;
