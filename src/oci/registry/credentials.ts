import { homedir } from 'node:os';
import { join } from 'node:path';
import { errnoOf, fileError } from '../../system/file/file-error.ts';
import { readSmall } from '../../system/file/read-small.ts';
import { run } from '../../system/process/process.ts';
import { findTool } from '../../system/process/tools.ts';
import { isLoginFile, type Login, type Lookup, lookUp, parseHelperAnswer } from './docker-config.ts';

const HELPER_TIMEOUT_MS = 30_000;
const MAX_ANSWER = 64 * 1024;
/** Output of a helper without credentials for the server (docker-credential-helpers, credentials/error.go). */
const NOT_FOUND = /credentials not found/i;

export interface LoginOptions {
  readonly signal: AbortSignal;
  /** Receives the reason if credentials cannot be read. */
  readonly warn: (text: string) => void;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/**
 * Finds the user's credentials for a repository in the files of the containers tools and Docker and in their credential
 * helpers; null if there are none. Never throws: public images need no credentials.
 */
export async function findLogin(
  registry: string,
  repository: string,
  { signal, warn, environment = process.env }: LoginOptions,
): Promise<Login | null> {
  for (const path of configFiles(environment)) {
    const found = lookUpIn(path, registry, repository, warn);
    const login =
      found === null || 'login' in found ? (found?.login ?? null) : await askHelper(found, signal, warn);
    if (login !== null) return login;
  }
  return null;
}

/** In order of precedence: containers-auth.json(5), then Docker's. */
function configFiles({
  REGISTRY_AUTH_FILE = '',
  XDG_RUNTIME_DIR = '',
  XDG_CONFIG_HOME = '',
  DOCKER_CONFIG = '',
  HOME = homedir(),
}: Readonly<Record<string, string | undefined>>): readonly string[] {
  return [
    REGISTRY_AUTH_FILE,
    XDG_RUNTIME_DIR && join(XDG_RUNTIME_DIR, 'containers/auth.json'),
    `/run/containers/${process.getuid?.() ?? 0}/auth.json`,
    join(XDG_CONFIG_HOME || join(HOME, '.config'), 'containers/auth.json'),
    join(DOCKER_CONFIG || join(HOME, '.docker'), 'config.json'),
  ].filter((path) => path !== '');
}

/** Warns if a file exists but cannot be used: the registry's later "unauthorized" would not mention the file. */
function lookUpIn(path: string, registry: string, repository: string, warn: LoginOptions['warn']): Lookup {
  try {
    const text = new TextDecoder().decode(readSmall(path));
    if (!isLoginFile(text)) warn(`ignored the credentials in ${path}: not valid JSON`);
    return lookUp(text, registry, repository);
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? ''))
      warn(`ignored the credentials in ${path}: ${fileError(error, `read ${path}`).message}`);
    return null;
  }
}

/** Protocol of docker-credential-helpers: the server's name on standard input, JSON on standard output. */
async function askHelper(
  { helper, server }: { readonly helper: string; readonly server: string },
  signal: AbortSignal,
  warn: (text: string) => void,
): Promise<Login | null> {
  const program = `docker-credential-${helper}`;
  const path = findTool(program);
  if (path === null) {
    warn(`credential helper not found: ${program}, named in Docker's configuration`);
    return null;
  }
  const limits = { timeoutMs: HELPER_TIMEOUT_MS, maxBytes: MAX_ANSWER };
  const { exitCode, stdout, stderr } = await run(path, ['get'], { input: server, signal, ...limits });
  const text = new TextDecoder().decode(stdout);
  const login = exitCode === 0 ? parseHelperAnswer(text) : null;
  if (login === null && !NOT_FOUND.test(`${text}${stderr}`))
    warn(`${program} returned no credentials for ${server}`);
  return login;
}
